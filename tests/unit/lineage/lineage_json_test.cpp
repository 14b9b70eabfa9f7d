// JSON of version facts and state: nothing is lost, nothing malformed gets in.
#include "tests/support/catch.hpp"
#include "tests/unit/lineage/lineage_builders.hpp"

using namespace certd;
using namespace certd::test;

namespace {

LineageState full_state() {
    LineageState state;
    Problem limited = problem("acme.rateLimited", "Too many orders", "too many certificates");
    limited.not_before = day(5);
    limited.parts.push_back(problem("acme.caa", "CAA forbids it"));
    state.attempts[{"first"}] = {3, day(1), day(2) + milliseconds(17), limited};
    state.attempts[{"first"}].staging_first = true;
    state.attempts[{"second"}] = {};
    state.ari = {{5}, AriWindow{day(60), day(62), day(61), "https://ca.example/why", true}, day(7), 2, "acme.http"};
    state.live = {4};
    state.newest = {5};
    state.rejected = {{2}, {5}};
    state.held = state.paused = state.renew_requested = true;
    state.targets = {deployed("web", 4), failed("fleet", 3, 5, day(3), HostState::rolled_back)};
    state.targets[1].host = "web1.internal";
    state.targets[1].served_fingerprint = "ab";
    state.targets[1].verified_at = day(2);
    state.last_problem = limited;
    state.last_success = day(0);
    state.persist_until = day(400);
    state.config_digest = "0123";
    state.history = {{day(0), "issued version 4 from first", ""}, {day(1), "deployment failed", "deploy.test"}};
    state.hooks = {{day(0), "pre", "/hooks/pre/10-stop", "", "", 0, 0, false, 1200, "stopped", ""},
                   {day(0), "exec", "convert", "web", "local", {}, 15, true, 300'000, "", "deploy.exec"}};
    state.decisions = {{day(0),
                        DecisionKind::issue,
                        "Order a certificate from first",
                        day(60),
                        {"2/3 of the lifetime"},
                        {{"ca", "first"}, {"failures", "2"}},
                        ""},
                       {day(1), DecisionKind::put_back, "Roll web back", {}, {"nginx -t failed"}, {}, "uid 0: deploy"}};
    return state;
}

Result<LineageState> reread(const LineageState& state) {
    return lineage_state_from_json(parse_json(to_pretty_text(to_json(state))).value());
}

}  // namespace

TEST_CASE("a lineage's state survives being written and read") {
    CHECK(reread(full_state()).value() == full_state());
    CHECK(reread(LineageState{}).value() == LineageState{});
}

TEST_CASE("a version's facts survive being written and read") {
    VersionFacts facts = facts_of(7);
    facts.names = {{Identifier::Type::dns, "*.example.com"}, {Identifier::Type::ip, "2001:db8::1"}};
    facts.key_type = KeyType::rsa_3072;
    facts.issued_at = day(0) + milliseconds(123);
    facts.authority_key_id = "69885b6b";
    facts.profile = "shortlived";
    CHECK(version_facts_from_json(parse_json(to_text(to_json(facts))).value()).value() == facts);
}

TEST_CASE("of the decisions the last are kept") {
    LineageState state;
    for (std::size_t number = 0; number < decisions_limit + 7; ++number) {
        Decision decision;
        decision.what = std::to_string(number);
        remember(state, std::move(decision));
    }
    REQUIRE(state.decisions.size() == decisions_limit);
    CHECK(state.decisions.front().what == "7");
}

TEST_CASE("of the hooks that ran the last are kept") {
    LineageState state;
    for (std::uint32_t number = 0; number < 2 * hook_runs_limit; ++number)
        remember(state, HookRun{.at = day(0), .hook = "pre", .took_ms = number});
    REQUIRE(state.hooks.size() == hook_runs_limit);
    CHECK(state.hooks.front().took_ms == hook_runs_limit);
    CHECK(reread(state).value() == state);
}

TEST_CASE("members of a later release are ignored and not kept") {
    Json json = to_json(full_state());
    json.set("added_later", Json::object({{"x", 1}}));
    Result<LineageState> state = lineage_state_from_json(json);
    REQUIRE(state);
    CHECK(to_json(*state)["added_later"].is_null());
}

TEST_CASE("a state without the optional members has their defaults") {
    Result<LineageState> state = lineage_state_from_json(Json::object({{"live", 2}, {"newest", 3}}));
    REQUIRE(state);
    LineageState expected;
    expected.live = {2};
    expected.newest = {3};
    CHECK(*state == expected);
}

TEST_CASE("a state with a member of the wrong kind is refused as corrupt, naming the member") {
    auto [member, value] =
        GENERATE(table<std::string, Json>({{"live", Json("four")},
                                           {"live", Json(-1)},
                                           {"newest", Json(std::int64_t{1} << 40)},
                                           {"newest", Json()},
                                           {"held", Json(1)},
                                           {"targets", Json("web")},
                                           {"targets", Json::array({Json::object({{"target", "web"}})})},
                                           {"attempts", Json::array()},
                                           {"history", Json::array({Json("entry")})},
                                           {"last_success", Json("yesterday")},
                                           {"last_problem", Json(3)},
                                           {"rejected", Json::array({Json("2")})}}));
    Result<LineageState> state = lineage_state_from_json(to_json(full_state()).set(member, value));
    REQUIRE_FALSE(state);
    CHECK(state.error().code == "storage.corrupt");
    CHECK(state.error().what.find("'" + member + "'") != std::string::npos);
}

TEST_CASE("an unknown state of a host is refused as corrupt") {
    Json target = to_json(full_state())["targets"].if_array()->front();
    Json json = to_json(full_state()).set("targets", Json::array({target.set("state", "exploded")}));
    CHECK_FALSE(lineage_state_from_json(json));
}

TEST_CASE("facts that cannot be are refused as corrupt") {
    auto [member, value] = GENERATE(table<std::string, Json>({{"number", Json(0)},
                                                              {"names", Json::array()},
                                                              {"names", Json::array({Json("example.com")})},
                                                              {"names", Json::array({Json("dns:")})},
                                                              {"key_type", Json("dsa")},
                                                              {"not_after", Json("2025-01-01T00:00:00Z")},
                                                              {"issued_at", Json()},
                                                              {"serial", Json()}}));
    Result<VersionFacts> facts = version_facts_from_json(to_json(facts_of(1)).set(member, value));
    REQUIRE_FALSE(facts);
    CHECK(facts.error().code == "storage.corrupt");
}

TEST_CASE("something else than an object is refused as corrupt") {
    CHECK_FALSE(lineage_state_from_json(Json()));
    CHECK_FALSE(lineage_state_from_json(Json::array()));
    CHECK_FALSE(version_facts_from_json(Json("facts")));
}

TEST_CASE("history keeps the latest entries only") {
    LineageState state;
    for (std::size_t number = 0; number < history_limit + 7; ++number)
        remember(state, HistoryEntry{day(0), std::to_string(number), ""});
    REQUIRE(state.history.size() == history_limit);
    CHECK(state.history.front().what == "7");
    CHECK(state.history.back().what == std::to_string(history_limit + 6));
}

TEST_CASE("every state of a host has a name that reads back") {
    for (HostState host :
         {HostState::pending, HostState::deploying, HostState::deployed, HostState::failed, HostState::rolled_back}) {
        LineageState state;
        state.targets = {deployed("web", 1)};
        state.targets[0].state = host;
        CHECK(reread(state).value() == state);
    }
    CHECK(to_string(HostState::rolled_back) == "rolled-back");
}
