// The trace of decisions over whole lives: recorded when they are made, with the reasons of that moment, once each.
#include "daemon/app/operations.hpp"
#include "tests/flow/decision_trace.hpp"
#include "tests/flow/explain.hpp"
#include "tests/support/catch.hpp"

#include <algorithm>

#include <fmt/format.h>

using namespace certd;
using namespace certd::test;
using acme::RequestKind;

namespace {

std::string two_cas() {
    return with(usual_config(), "cas: [main]", "cas: [main, other]");
}

std::size_t count_of(const std::vector<Decision>& trace, const std::string& words) {
    return static_cast<std::size_t>(std::ranges::count_if(
        trace, [&](const Decision& decision) { return describe(decision).find(words) != std::string::npos; }));
}

// As if certd of a time before there were traces had written it.
void forget_trace(World& world) {
    const LineageName name = name_of("example.com");
    LineageState state = *value_or_fail(world.engine->store.load_state(name));
    state.decisions.clear();
    value_or_fail(world.engine->store.save_state(name, state));
}

}  // namespace

TEST_CASE("the first day of a lineage is a trace of what was decided, in order and with facts") {
    World world;
    world.start();
    world.run_for(minutes(1));
    const std::vector<Decision> trace = trace_of(world);
    INFO(text_of(trace));
    REQUIRE(trace.size() == 3);
    CHECK(describe(trace[0]) == "Order a certificate from main: no certificate yet");
    CHECK(describe(trace[1]) == "Deploy version 1 to web: version 1 was issued");
    CHECK(describe(trace[2]) == fmt::format("Order a certificate from main at {}: 2/3 of the lifetime",
                                            format_rfc3339(std::chrono::floor<seconds>(world.plan().at))));
    CHECK(trace[2].facts.at("live") == "1");
    CHECK(trace[2].facts.at("not_after") == format_rfc3339(world.lineage().live->not_after));
    CHECK(trace[0].by.empty());
    CHECK(trace_on_disk(world) == trace);  // the saves of the job have taken them along
    CHECK(world.count(EventType::plan_decided) == 3);
    CHECK(explained(world).find("\nDecisions\n  Nov 23 ") != std::string::npos);
    check_trace(world);
}

TEST_CASE("a year later the trace still says why, although the CA's windows and the configuration have changed since") {
    World world;
    world.ca.knobs.renewal_info = true;
    world.start();
    world.run_for(days(1));
    const std::string first = describe(decision_with(trace_of(world), "the CA suggests a time in its window"));
    const Time now = world.clock.now();
    world.ca.knobs.renewal_window = {now + days(2), now + days(3)};
    world.run_for(days(1));
    const Decision moved = decision_with(trace_of(world), "the CA moved its window earlier");
    CHECK(moved.facts.at("ari_start") == format_rfc3339(std::chrono::floor<seconds>(now + days(2))));
    world.ca.knobs.renewal_window.reset();
    world.run_for(days(100));
    const std::string changed = with(usual_config(), "names: [example.com, www.example.com]",
                                     "names: [example.com, www.example.com, new.example.com]");
    world.reload(changed);
    world.run_for(days(1));
    world.ca.knobs.renewal_info = false;
    world.restart(changed);
    world.run_for(days(262));

    const std::vector<Decision> trace = trace_of(world);
    INFO(text_of(trace));
    CHECK(count_of(trace, first) == 2);  // and again when the window was moved back
    CHECK(count_of(trace, "the CA moved its window earlier") == 1);
    CHECK(count_of(trace, "names changed: + new.example.com") == 1);
    CHECK(trace.size() >= 15);
    CHECK(trace.size() <= 4 * world.lineage().state.newest.value + 4);
    CHECK(std::ranges::is_sorted(trace, {}, &Decision::at));
    check_trace(world);
}

TEST_CASE("the same plan made again, by restarts, replans and answers of the CA, is no other decision") {
    World world;
    world.ca.knobs.renewal_info = GENERATE(false, true);
    world.start();
    world.run_for(days(1));
    const std::vector<Decision> trace = trace_of(world);
    for (int i = 0; i < 6; ++i) {
        if (i % 2 == 0) {
            world.restart();
        } else {
            world.kill();
            world.start();
        }
        world.reload(usual_config());
        world.run_for(days(2));
        CHECK(world.count(EventType::plan_decided) == 0);
    }
    CHECK(trace_of(world) == trace);
    CHECK(trace_on_disk(world) == trace);
}

TEST_CASE("a change of the configuration is decided about at once and is on disk soon after") {
    World world;
    world.start();
    world.run_for(days(1));
    world.ca.knobs.unavailable = true;  // so that nothing else saves the state
    const std::size_t before = trace_on_disk(world).size();
    world.reload(with(usual_config(), "cas: [main]", "cas: [other, main]"));
    CHECK(trace_of(world).size() == before + 1);
    CHECK(trace_on_disk(world).size() == before);
    world.run_for(seconds(11));
    const std::vector<Decision> trace = trace_on_disk(world);
    REQUIRE(trace.size() == before + 1);
    CHECK(trace.back().what == "Order a certificate from other");
}

TEST_CASE("a decision that does not come to disk before the process dies is made again by the next") {
    World world;
    world.start();
    world.run_for(days(1));
    const std::size_t before = trace_on_disk(world).size();
    const std::string changed = with(usual_config(), "cas: [main]", "cas: [other, main]");
    world.reload(changed);
    world.kill();
    world.start(changed);
    CHECK(trace_on_disk(world).size() == before);
    world.run_for(minutes(1));
    REQUIRE(trace_on_disk(world).size() == before + 1);
    CHECK(trace_on_disk(world).back().what == "Order a certificate from other");
}

TEST_CASE("a CA that is down makes the next one be asked, and the trace says instead of which and why") {
    World world;
    world.ca.knobs.unavailable = true;
    world.start(two_cas());
    world.run_for(hours(4));
    REQUIRE(world.lineage().live->ca == CaName{"other"});
    const std::vector<Decision> trace = trace_of(world);
    const Decision failover = decision_with(trace, "Order a certificate from other");
    CHECK(failover.facts.at("instead_of") == "main");
    CHECK(failover.facts.at("instead_of_problem") == "net.connect");
    CHECK(failover.reasons.back().find("main") != std::string::npos);
    CHECK(count_of(trace, "back-off after 1 failure at main") == 1);
    // It had been decided before the other CA heard of it.
    const auto& log = world.other_ca.log();
    const auto order = std::ranges::find(log, RequestKind::new_order, &FakeCa::Exchange::kind);
    REQUIRE(order != log.end());
    CHECK(failover.at <= order->at);
    // Said again once it is the decision for the next time; a restart adds nothing.
    world.restart(two_cas());
    world.run_for(minutes(5));
    CHECK(trace_of(world).size() == trace.size());
}

TEST_CASE("those that wait for a CA that does not answer say so once each") {
    World world;
    std::string config = with(usual_config(), "targets: [web] }", "}");
    for (int i = 0; i < 9; ++i)
        config += fmt::format("  d{}.example: {{}}\n", i);
    world.ca.knobs.unavailable = true;
    world.start(config);
    world.run_for(days(2));
    std::size_t waiting = 0;
    for (int i = 0; i < 9; ++i) {
        const std::vector<Decision> trace = trace_of(world, fmt::format("d{}.example", i));
        INFO(text_of(trace));
        CHECK(trace.size() <= 24);
        CHECK(count_of(trace, "Wait for main: no certificate yet; main does not answer; one lineage asks it for all") <=
              12);
        waiting += count_of(trace, "Wait for main");
    }
    CHECK(waiting >= 5);
    world.ca.knobs.unavailable = false;
    world.run_for(days(2));  // those that asked for the others have back-offs of their own
    CHECK(world.ca.certificates() == 10);
}

TEST_CASE("a reload that fails is rolled back, and the trace says where, why and when the next attempt is") {
    World world;
    const std::string config = with(usual_config(), "    test: [service, test]\n", "");
    world.start(config);
    world.run_for(days(1));
    const std::size_t before = trace_of(world).size();
    world.service.config_broken = true;
    REQUIRE_FALSE(world.renew({true, false, "uid 0: renew --force"}));
    std::vector<Decision> trace = trace_of(world);
    INFO(text_of(trace));
    REQUIRE(trace.size() == before + 4);
    CHECK(describe(trace[before]) == "Order a certificate from main: renewal requested (uid 0: renew --force)");
    CHECK(describe(trace[before + 1]) == "Deploy version 2 to web: version 2 was issued");
    CHECK(trace[before + 2].kind == DecisionKind::put_back);
    CHECK(trace[before + 2].what == "Roll web back from version 2 to version 1");
    CHECK(trace[before + 2].reasons.front().find("reload") != std::string::npos);
    CHECK(trace[before + 2].facts.at("problem") == "deploy.reload");
    CHECK(trace[before + 3].what == "Deploy version 2 to web");
    CHECK(trace[before + 3].reasons.back() == "the last deployment failed");
    CHECK(trace[before + 3].facts.at("failures") == "1");
    REQUIRE(trace[before + 3].due);
    CHECK(trace_on_disk(world) == trace);

    world.service.config_broken = false;
    world.run_for(hours(1));
    REQUIRE(world.lineage().state.live == VersionNumber{2});
    trace = trace_of(world);
    CHECK(trace.size() == before + 5);  // carrying out the last decision was none of its own
    CHECK(trace.back().what == "Order a certificate from main");
    check_trace(world);
}

TEST_CASE("a certificate that is not seen served is rolled back for that reason") {
    World world;
    world.start();
    world.run_for(days(1));
    world.service.keeps_old = true;
    REQUIRE_FALSE(world.renew({true, false}));
    const Decision back = decision_with(trace_of(world), "Roll web back from version 2 to version 1");
    CHECK(back.facts.at("problem") == "tls.notServed");
}

TEST_CASE("who asked is on record: renewals, those that joined them, rollbacks, pauses") {
    World world;
    world.start();
    world.run_for(days(1));
    auto first = world.scheduler().renew(name_of("example.com"), {true, false, "uid 0: renew --force"});
    REQUIRE(world.renew({true, false, "uid 7: renew --force"}));
    world.drive(world.scheduler().wait(*first)).value();
    const std::vector<VersionFacts> versions = value_or_fail(world.engine->store.versions(name_of("example.com")));
    REQUIRE(world.finish(world.scheduler().rollback(name_of("example.com"), {}, versions, "uid 0: rollback")));
    REQUIRE(world.drive(world.scheduler().pause(name_of("example.com"), "uid 0: pause")));
    REQUIRE(world.drive(world.scheduler().resume(name_of("example.com"), "uid 0: resume")));
    const std::vector<Decision> trace = trace_of(world);
    INFO(text_of(trace));
    CHECK(count_of(trace, "Order a certificate from main: renewal requested (uid 0: renew --force)") == 1);
    CHECK(count_of(trace, "Join the renew that runs: it is what was asked for (uid 7: renew --force)") == 1);
    CHECK(count_of(trace, "Go back from version 2 to version 1: rollback requested (uid 0: rollback)") == 1);
    CHECK(count_of(trace, "Hold version 1; Order a certificate from main at ") == 1);
    CHECK(count_of(trace, "Do nothing until resumed: paused (uid 0: pause)") == 1);
    CHECK(trace.back().by == "uid 0: resume");
    CHECK(trace_on_disk(world) == trace);
}

TEST_CASE("a rehearsal decides nothing") {
    World world;
    world.start(with(usual_config(), "defaults: { cas: [main]", "defaults: { dry_run_ca: other, cas: [main]"));
    world.run_for(days(1));
    const std::vector<Decision> trace = trace_of(world);
    REQUIRE(world.renew({false, true, "uid 0: renew --dry-run"}));
    CHECK(trace_of(world) == trace);
}

TEST_CASE("an order that waits for the rate budget says so, over restarts once") {
    World world;
    std::string config =
        with(usual_config(), "agree_tos: true, contact", "limits: letsencrypt, agree_tos: true, contact");
    for (int i = 0; i < 51; ++i)
        config += fmt::format("  host{}: {{ names: [host{}.example.com] }}\n", i, i);
    world.start(config);
    world.run_for(minutes(10));
    std::string held;
    for (const auto& [name, entry] : world.scheduler().entries()) {
        if (!entry->record.live) held = name;
    }
    REQUIRE_FALSE(held.empty());
    const std::vector<Decision> trace = trace_of(world, held);
    INFO(text_of(trace));
    REQUIRE(trace.size() == 1);
    CHECK(describe(trace[0]).find("rate budget: certificates for the registered domain example.com are used up") !=
          std::string::npos);
    CHECK(trace[0].due);
    world.restart(config);
    world.run_for(minutes(10));
    CHECK(trace_of(world, held) == trace);
}

TEST_CASE("a deployment that waits for the maintenance window is decided when the version is issued") {
    World world;
    world.start();
    world.run_for(days(1));
    const std::string windows = with(usual_config(), "    test: [service, test]\n",
                                     "    test: [service, test]\n    maintenance: Sat 02:00-05:00\n");
    world.reload(windows);
    REQUIRE(world.renew({true, false}));
    const std::vector<Decision> trace = trace_on_disk(world);
    CHECK(trace.back().what == "Deploy version 2 to web");
    CHECK(trace.back().reasons.back().starts_with("the maintenance window opens at "));
    REQUIRE(trace.back().due);
    world.restart(windows);
    world.run_for(days(6));
    REQUIRE(world.lineage().state.live == VersionNumber{2});
    CHECK(trace_of(world).size() == trace.size() + 1);  // carried out, then the next renewal
}

TEST_CASE("an emergency that overrides the maintenance window is on record as the reason") {
    World world;
    world.ca.knobs.certificate_lifetime = hours(48);
    world.start();
    world.run_for(hours(1));
    world.reload(with(usual_config(), "    test: [service, test]\n",
                      "    test: [service, test]\n    maintenance: Sun 02:00-05:00\n"));
    world.run_for(hours(48));
    REQUIRE(world.count(EventType::deploy_outside_window) == 1);
    decision_with(trace_of(world), "the maintenance window would come too late for what is served");
}

TEST_CASE("a lineage of a time before traces writes nothing at the start, and has one from its next renewal on") {
    World world;
    world.start();
    world.run_for(days(1));
    forget_trace(world);
    world.restart();
    world.files.record(true);
    world.run_for(hours(1));
    for (const std::string& line : world.files.log())
        CHECK(line.find("create") == std::string::npos);
    CHECK(trace_of(world).empty());
    world.files.record(false);
    world.run_for(days(70));
    REQUIRE(world.lineage().state.live == VersionNumber{2});
    decision_with(trace_of(world), "Order a certificate from main: 2/3 of the lifetime");
    check_trace(world);
}

TEST_CASE("the trace is bounded and keeps the latest") {
    World world;
    world.start();
    world.run_for(days(1));
    for (int i = 0; i < 40; ++i) {
        REQUIRE(world.drive(world.scheduler().pause(name_of("example.com"), fmt::format("uid {}: pause", i))));
        REQUIRE(world.drive(world.scheduler().resume(name_of("example.com"), fmt::format("uid {}: resume", i))));
    }
    const std::vector<Decision> trace = trace_of(world);
    REQUIRE(trace.size() == decisions_limit);
    CHECK(trace.back().by == "uid 39: resume");
    CHECK(world.lineage().state.decisions.empty());  // not in memory
}

TEST_CASE("the explanation has the decisions with their facts for programs") {
    World world;
    world.start();
    world.run_for(days(1));
    REQUIRE(world.renew({true, false, "uid 0: renew --force"}));
    DaemonOperations operations(*world.engine, "", nullptr, nullptr);
    const api::Explanation view = value_or_fail(world.drive(operations.explain(name_of("example.com"))));
    const Json json = api::to_json(view)["decisions"];
    REQUIRE(json.if_array() != nullptr);
    REQUIRE(json.if_array()->size() == 6);
    const Json& forced = json.if_array()->at(3);
    CHECK(forced.string_or("kind") == "issue");
    CHECK(forced.string_or("decision") == "Order a certificate from main");
    CHECK(forced.strings("reasons") == std::vector<std::string>{"renewal requested"});
    CHECK(forced["facts"].string_or("ca") == "main");
    CHECK(forced["facts"].string_or("live") == "1");
    CHECK(forced.string_or("by") == "uid 0: renew --force");
    CHECK(forced["due"].is_null());
}
