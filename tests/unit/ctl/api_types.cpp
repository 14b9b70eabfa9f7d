// Encoding and decoding of the control API's types.
#include "ctl/api/types.hpp"

#include "tests/support/catch.hpp"
#include "tests/unit/ctl/samples.hpp"

using namespace certd;
using namespace certd::test;

TEST_CASE("a lineage survives the way through JSON") {
    api::Lineage lineage = failed_lineage();
    lineage.ari = api::Ari{sample_now(), sample_now() + days(1), sample_now() + hours(3), "https://example.org/why"};
    lineage.last_success = sample_now() - days(3);
    lineage.targets[0].problem = nginx_problem();
    lineage.targets[0].next_attempt = sample_now() + minutes(5);
    lineage.hooks = {{sample_now(), "pre", "/hooks/pre/10-stop", "", "", 0, 0, false, 1200, "stopped", ""},
                     {sample_now(), "exec", "convert", "web", "local", {}, 15, true, 300'000, "", "deploy.exec"}};
    lineage.targets[0].step = "reload";
    api::Rollout rollout;
    rollout.target = "fleet";
    rollout.phase = "pausing";
    rollout.running = true;
    rollout.paused_until = sample_now();
    rollout.hosts = {"web1", "web2"};
    rollout.served = {{4, std::string(64, '4'), {"web1"}}, {0, "", {"web2"}}};
    lineage.rollouts = {rollout};
    lineage.last_event = 240;
    Json json = api::to_json(lineage);
    CHECK(api::to_json(api::lineage_from_json(json)) == json);
    CHECK(api::to_json(api::lineage_from_json(parse_json(to_text(json)).value())) == json);
    REQUIRE(json["hooks"].if_array()->size() == 2);
    CHECK((*json["hooks"].if_array())[0].int_or("exit_status", -1) == 0);
    CHECK((*json["hooks"].if_array())[1]["exit_status"].is_null());
}

TEST_CASE("a lineage has every member of the contract, null where unknown") {
    Json json = api::to_json(api::Lineage{});
    for (const char* key : {"name",       "names",     "issued_names", "state",        "health",
                            "ca",         "key_type",  "version",      "serial",       "fingerprint_sha256",
                            "not_before", "not_after", "next",         "last_success", "last_problem",
                            "failures",   "ari",       "targets",      "versions",     "hooks"}) {
        bool there =
            std::ranges::any_of(*json.if_object(), [&](const Json::Member& member) { return member.first == key; });
        CHECK(there);
    }
    CHECK(json["not_after"].is_null());
}

TEST_CASE("a row of the table has what the table needs and nothing more") {
    Json json = api::to_json(ok_lineage(), true);
    CHECK(to_text(json) ==
          R"({"name":"example.com","state":"waiting","health":"ok","version":4,"not_after":"2027-01-21T13:04:00Z",)"
          R"("next":{"action":"issue","at":"2026-12-22T14:04:00Z"},"served":"yes"})");
    api::Lineage hostile = failed_lineage("a\"b\\c\n\x01\xff");
    std::string row;
    api::append_table_row(row, hostile);
    api::Lineage back = api::lineage_from_json(parse_json(row).value());
    CHECK(back.name == "a\"b\\c\n\x01\\xFF");
    CHECK(back.last_problem == hostile.last_problem);
}

TEST_CASE("responses are read leniently") {
    Json odd =
        parse_json(
            R"({"name":7,"version":-1,"failures":4294967296,"names":["a",1,null,"b"],"next":[],"new_member":{"x":1},
                              "not_after":"soon","targets":[1,{"target":"web","version":2}],"health":"ok"})")
            .value();
    api::Lineage lineage = api::lineage_from_json(odd);
    CHECK(lineage.name.empty());
    CHECK(lineage.version == 0);
    CHECK(lineage.failures == 0);
    CHECK(lineage.names == std::vector<std::string>{"a", "b"});
    CHECK_FALSE(lineage.not_after);
    REQUIRE(lineage.targets.size() == 1);
    CHECK(lineage.targets[0].version == 2);
    CHECK(lineage.health == "ok");
    CHECK(api::explanation_from_json(Json()).why.empty());
}

TEST_CASE("requests are read strictly") {
    auto renew = [](std::string_view text) { return api::renew_request_from_json(parse_json(text).value()); };
    CHECK(renew("{}").value().wait);
    CHECK(renew(R"({"force":true,"dry_run":true,"wait":false})").value().dry_run);
    CHECK(renew(R"({"froce":true})").error().what == "The request has an unknown member \"froce\"");
    CHECK(renew(R"({"force":1})").error().what == "The member \"force\" of the request must be true or false");
    CHECK(renew("[]").error().code == "control.badRequest");
    CHECK(api::rollback_request_from_json(parse_json(R"({"to":-1})").value()).error().code == "control.badRequest");
    CHECK(api::rollback_request_from_json(parse_json(R"({"to":4294967296})").value()).error().code ==
          "control.badRequest");
    CHECK(api::rollback_request_from_json(parse_json(R"({"to":3})").value()).value().to == 3);
    CHECK(api::deploy_request_from_json(parse_json(R"({"target":null})").value()).error().code == "control.badRequest");
    CHECK(api::no_arguments_from_json(parse_json(R"({"x":1})").value()).error().code == "control.badRequest");
}

TEST_CASE("requests as the client writes them are understood by the server") {
    CHECK(api::renew_request_from_json(api::to_json(api::RenewRequest{true, false, false})).value().force);
    CHECK(api::deploy_request_from_json(api::to_json(api::DeployRequest{"web", "local", false})).value().host ==
          "local");
    CHECK(api::rollback_request_from_json(api::to_json(api::RollbackRequest{7, true})).value().to == 7);
}
