// Routing, roles, arguments and answers of the control API.
#include "daemon/control/answer.hpp"
#include "daemon/control/routes.hpp"
#include "tests/support/catch.hpp"
#include "tests/unit/control/fake_operations.hpp"

#include <set>

#include <fmt/format.h>

using namespace certd;
using namespace certd::test;

namespace {

std::string concrete(std::string_view pattern) {
    std::string path(pattern);
    if (std::size_t at = path.find("{name}"); at != std::string::npos) path.replace(at, 6, "example.com");
    return path;
}

}  // namespace

TEST_CASE("each route asks for its role, whoever calls") {
    struct Caller {
        uid_t uid;
        control::Role role;
    };
    for (const control::Route& route : control::routes()) {
        for (const Caller& caller : {Caller{0, control::Role::admin},
                                     {4, control::Role::admin},
                                     {1, control::Role::operator_},
                                     {2, control::Role::viewer},
                                     {3, control::Role::none}}) {
            ControlWorld world;
            CAPTURE(std::string(route.method), std::string(route.pattern), caller.uid);
            world.operations.end_job(api::JobResult{"example.com", "issued", 5, "done"});
            RecordingResponder& answer =
                world.ask(ControlWorld::request(std::string(route.method), concrete(route.pattern), "", caller.uid));
            if (caller.role >= route.least) {
                CHECK(answer.status == 200);
            } else {
                CHECK(answer.status == 403);
                CHECK(answer.type == "application/problem+json");
                CHECK(answer.json().string_or("code") == "control.forbidden");
                CHECK(world.operations.calls.empty());
            }
        }
    }
}

TEST_CASE("only viewers' routes leave no trace, and each mutating call is an event with who, what and the arguments") {
    ControlWorld world;
    world.ask(ControlWorld::request("GET", "/v1/lineages"));
    CHECK(world.calls().empty());
    world.operations.end_job(api::JobResult{"example.com", "issued", 5, "done"});
    world.ask(ControlWorld::request("POST", "/v1/lineages/example.com/renew", R"({"force":true})"));
    REQUIRE(world.calls().size() == 1);
    Event call = world.calls()[0];
    CHECK(call.severity == Severity::info);
    CHECK(call.lineage == "example.com");
    CHECK(call.message == "uid 1 (pid 4711) called renew");
    CHECK(to_text(call.data) == R"({"verb":"renew","arguments":{"force":true},"uid":1,"pid":4711})");
}

TEST_CASE("refused mutating calls are events too, and a flood of them is counted instead") {
    ControlWorld world;
    world.ask(ControlWorld::request("POST", "/v1/lineages/example.com/renew", "", 2));
    REQUIRE(world.calls().size() == 1);
    CHECK(world.calls()[0].severity == Severity::warning);
    CHECK(world.calls()[0].message == "uid 2 (pid 4711) was refused renew");
    CHECK(world.calls()[0].problem->code == "control.forbidden");
    world.ask(ControlWorld::request("POST", "/v1/lineages/example.com/renew", R"({"froce":1})"));
    REQUIRE(world.calls().size() == 2);
    CHECK(world.calls()[1].problem->code == "control.badRequest");

    for (int i = 0; i < 100; ++i)
        world.ask(ControlWorld::request("POST", "/v1/reload", "", 3));
    CHECK(world.calls().size() == 22);
    world.clock.run_until(world.io, virtual_start + minutes(2));
    world.ask(ControlWorld::request("POST", "/v1/reload", "", 3));
    REQUIRE(world.calls().size() == 23);
    CHECK(world.calls().back().data.int_or("not_told_before") == 80);
}

TEST_CASE("unknown paths and wrong methods are told apart") {
    ControlWorld world;
    for (const char* path :
         {"/", "/v1", "/v1/", "/v1/lineages/", "/v1/lineages/example.com/", "/v1/lineages/example.com/frobnicate",
          "//v1/status", "/v1/lineages/a/b/c", "/v2/status", "/V1/status", "/v1/status/..", "/v1/%73tatus"}) {
        CAPTURE(path);
        RecordingResponder& answer = world.ask(ControlWorld::request("GET", path, "", 0));
        CHECK(answer.status == 404);
    }
    RecordingResponder& deleted = world.ask(ControlWorld::request("DELETE", "/v1/lineages/example.com"));
    CHECK(deleted.status == 405);
    CHECK(deleted.headers.find("Allow") == "GET");
    CHECK(world.ask(ControlWorld::request("GET", "/v1/lineages/example.com/renew")).headers.find("Allow") == "POST");
    CHECK(world.ask(ControlWorld::request("POST", "/metrics")).status == 405);
}

TEST_CASE("names that can be no lineage are not found, and never reach the daemon") {
    ControlWorld world;
    for (const char* name : {"..", ".", "%2e%2e", "UPPER", "a%00b", "x\x1b[2J", "-x", "nosuch", "a..b\xff"}) {
        CAPTURE(name);
        RecordingResponder& answer = world.ask(ControlWorld::request("GET", fmt::format("/v1/lineages/{}", name)));
        CHECK(answer.status == 404);
        CHECK(answer.json().string_or("code") == "control.noSuchLineage");
    }
    world.ask(ControlWorld::request("POST", "/v1/lineages/..%2f..%2fetc/renew"));
    CHECK(world.operations.calls.empty());
}

TEST_CASE("a request's body must be an object with known members of the right type") {
    ControlWorld world;
    for (const char* body : {"{", "[]", "null", "1", "\"x\"", R"({"force":1})", R"({"force":null})", R"({"wait":"no"})",
                             R"({"x":true})", R"({"force":true,"force":true})", "{}{}", "\xff", R"({"force":true,)"}) {
        CAPTURE(body);
        RecordingResponder& answer = world.ask(ControlWorld::request("POST", "/v1/lineages/example.com/renew", body));
        CHECK(answer.status == 400);
        CHECK(answer.json().string_or("code") == "control.badRequest");
    }
    std::string deep = std::string(60'000, '[');
    CHECK(world.ask(ControlWorld::request("POST", "/v1/reload", deep)).status == 400);
    CHECK(world.ask(ControlWorld::request("POST", "/v1/lineages/example.com/pause", R"({"x":1})")).status == 400);
    CHECK(world.ask(ControlWorld::request("POST", "/v1/lineages/example.com/rollback", R"({"to":-1})")).status == 400);
    CHECK(world.operations.calls.empty());
    CHECK(world.ask(ControlWorld::request("POST", "/v1/reload", " \r\n")).status == 200);
}

TEST_CASE("query parameters are known ones with known values") {
    ControlWorld world;
    for (const char* path : {"/v1/lineages?veiw=table", "/v1/lineages?view=wide", "/v1/status?x", "/v1/events?after=x",
                             "/v1/events?after=-1", "/v1/events?follow=yes", "/v1/events?after="}) {
        CAPTURE(path);
        CHECK(world.ask(ControlWorld::request("GET", path)).status == 400);
    }
    CHECK(world.ask(ControlWorld::request("GET", "/v1/lineages?view=table&")).status == 200);
}

TEST_CASE("the list of lineages can be had as table and for some names") {
    ControlWorld world;
    Json list = world.ask(ControlWorld::request("GET", "/v1/lineages")).json();
    CHECK(list["lineages"].if_array()->size() == 2);
    CHECK(list.string_or("now") == "2026-11-23T00:00:00Z");
    Json table = world.ask(ControlWorld::request("GET", "/v1/lineages?view=table&name=example.net")).json();
    REQUIRE(table["lineages"].if_array()->size() == 1);
    CHECK(to_text((*table["lineages"].if_array())[0]) ==
          R"({"name":"example.net","state":"waiting","health":"ok","next":{}})");
    CHECK(world.ask(ControlWorld::request("GET", "/v1/lineages?name=example.net,nosuch")).status == 404);
    world.operations.names.clear();
    CHECK(world.ask(ControlWorld::request("GET", "/v1/lineages")).json()["lineages"].if_array()->empty());
}

TEST_CASE("ten thousand lineages are sent in chunks") {
    ControlWorld world;
    world.operations.names.clear();
    for (int i = 0; i < 10'000; ++i)
        world.operations.names.push_back(fmt::format("lineage-{}.example.com", i));
    RecordingResponder& answer = world.ask(ControlWorld::request("GET", "/v1/lineages?view=table"));
    CHECK(answer.chunks > 5);
    CHECK(parse_json(answer.body, {std::size_t{16} << 20, 8}).value()["lineages"].if_array()->size() == 10'000);
}

TEST_CASE("notifiers and open incidents are listed, and a test answers for each notifier") {
    ControlWorld world;
    Json list = world.ask(ControlWorld::request("GET", "/v1/notify", "", 2)).json();
    CHECK((*list["notifiers"].if_array())[0].string_or("name") == "ops");
    CHECK((*list["incidents"].if_array())[0].string_or("key") == "ca/main");
    CHECK(list["now"].if_string() != nullptr);
    Json tested = world.ask(ControlWorld::request("POST", "/v1/notify/test", R"({"name":"ops"})")).json();
    CHECK((*tested["results"].if_array())[0].bool_or("delivered"));
    CHECK(world.operations.calls == std::vector<std::string>{"notify test ops"});
    CHECK(world.ask(ControlWorld::request("POST", "/v1/notify/test", R"({"nmae":"ops"})")).status == 400);
    CHECK(world.ask(ControlWorld::request("POST", "/v1/notify/test", "", 2)).status == 403);
    world.operations.refuse = problem("control.noSuchNotifier", "There is no notifier 'x'");
    CHECK(world.ask(ControlWorld::request("POST", "/v1/notify/test", R"({"name":"x"})")).status == 404);
}

TEST_CASE("one lineage, its explanation, the plan, the status and the metrics") {
    ControlWorld world;
    CHECK(world.ask(ControlWorld::request("GET", "/v1/lineages/example.com")).json().string_or("name") ==
          "example.com");
    CHECK(world.ask(ControlWorld::request("GET", "/v1/lineages/example.com/explain")).json().strings("why").size() ==
          1);
    CHECK((*world.ask(ControlWorld::request("GET", "/v1/limits")).json()["limits"].if_array())[0].string_or("key") ==
          "example.com");
    CHECK((*world.ask(ControlWorld::request("GET", "/v1/plan")).json()["plan"].if_array())[0].string_or("action") ==
          "issue");
    CHECK(world.ask(ControlWorld::request("GET", "/v1/status")).json().int_or("lineages") == 2);
    RecordingResponder& metrics = world.ask(ControlWorld::request("GET", "/metrics"));
    CHECK(metrics.type == "text/plain; version=0.0.4; charset=utf-8");
    CHECK(metrics.body == "certd_build_info 1\n");
    CHECK(world.ask(ControlWorld::request("GET", "/healthz", "", 3)).body == "ok\n");
}

TEST_CASE("what the daemon refuses is answered with its problem and a fitting status") {
    ControlWorld world;
    world.operations.refuse = problem("config.invalid", "certd.yaml has 2 errors");
    RecordingResponder& reload = world.ask(ControlWorld::request("POST", "/v1/reload"));
    CHECK(reload.status == 409);
    CHECK(reload.json().string_or("code") == "config.invalid");
    CHECK(reload.json().int_or("status") == 409);
    CHECK(reload.json().string_or("title") == "Conflict");
    world.operations.refuse = problem("control.busy", "Busy");
    CHECK(world.ask(ControlWorld::request("POST", "/v1/lineages/example.com/pause")).status == 409);
    CHECK(control::http_status(problem("storage.full", "x")) == 500);
    CHECK(control::http_status(problem("acme.rateLimited", "x")) == 503);
    CHECK(control::http_status(problem("control.stopping", "x")) == 503);
}

TEST_CASE("pause, resume and reload answer with what was done") {
    ControlWorld world;
    CHECK(world.ask(ControlWorld::request("POST", "/v1/lineages/example.com/pause"))
              .json()["result"]
              .string_or("outcome") == "paused");
    CHECK(world.ask(ControlWorld::request("POST", "/v1/lineages/example.com/resume", "{}"))
              .json()["result"]
              .string_or("outcome") == "resumed");
    CHECK(world.ask(ControlWorld::request("POST", "/v1/reload")).json()["result"].string_or("outcome") == "reloaded");
    CHECK(world.operations.calls == std::vector<std::string>{"pause example.com", "resume example.com", "reload"});
}

TEST_CASE("rules can be replaced while running") {
    ControlWorld world;
    control::AccessRules rules = ControlWorld::rules();
    rules.control.group = "users";
    world.handler.set_rules(rules);
    CHECK(world.ask(ControlWorld::request("POST", "/v1/reload", "", 3)).status == 200);
}

TEST_CASE("the key of an import is in no event, whether it is accepted or refused") {
    ControlWorld world;
    auto import = [&](std::string body, uid_t uid) -> RecordingResponder& {
        return world.ask(ControlWorld::request("POST", "/v1/accounts/main/import", std::move(body), uid));
    };
    CHECK(import(R"({"key":"CANARY"})", 1).status == 403);
    CHECK(import(R"({"key":7})", 0).status == 400);
    CHECK(import(R"({"kez":"CANARY"})", 0).status == 400);
    Json done = import(R"({"key":"CANARY"})", 0).json()["result"];
    CHECK(done.string_or("outcome") == "imported");
    CHECK(done.string_or("message") == "The account in use is https://ca.example/account/1");
    CHECK(world.operations.calls == std::vector<std::string>{"account import main 6"});
    REQUIRE(world.calls().size() == 4);
    for (const Event& event : world.calls()) {
        CHECK(to_text(to_json(event)).find("CANARY") == std::string::npos);
        CHECK(event.data.string_or("verb") == "account import");
    }
}

TEST_CASE("the orders of an account are for admins") {
    ControlWorld world;
    CHECK(world.ask(ControlWorld::request("GET", "/v1/accounts/main/orders")).status == 403);
    RecordingResponder& listed = world.ask(ControlWorld::request("GET", "/v1/accounts/main/orders", "", 0));
    CHECK(listed.json()["orders"].strings("urls") == std::vector<std::string>{"https://ca.example/order/1"});
    CHECK(world.ask(ControlWorld::request("GET", "/v1/accounts/nosuch/orders", "", 0)).status == 404);
}

TEST_CASE("accounts and revocation are for admins, and answer with what was done") {
    ControlWorld world;
    RecordingResponder& list = world.ask(ControlWorld::request("GET", "/v1/accounts", "", 0));
    Json accounts = list.json()["accounts"];
    REQUIRE(accounts.if_array());
    CHECK(accounts.if_array()->front().string_or("url") == "https://ca.example/account/1");
    Json changed = world.ask(ControlWorld::request("POST", "/v1/accounts/main/rollover", "", 0)).json()["result"];
    CHECK(changed.string_or("outcome") == "key-changed");
    Json ended = world.ask(ControlWorld::request("POST", "/v1/accounts/main/deactivate", "", 0)).json()["result"];
    CHECK(ended.string_or("outcome") == "deactivated");
    Json revoked = world
                       .ask(ControlWorld::request("POST", "/v1/lineages/example.com/revoke",
                                                  R"({"version":3,"reason":"superseded"})", 0))
                       .json()["result"];
    CHECK(revoked.string_or("outcome") == "revoked");
    CHECK(world.operations.calls == std::vector<std::string>{"account rollover main", "account deactivate main",
                                                             "revoke example.com 3 superseded"});
    REQUIRE(world.calls().size() == 3);
    CHECK(world.calls()[0].data.string_or("verb") == "account rollover");

    CHECK(world.ask(ControlWorld::request("POST", "/v1/lineages/example.com/revoke", R"({"why":"x"})", 0)).status ==
          400);
    CHECK(world.ask(ControlWorld::request("POST", "/v1/accounts/main/rollover", R"({"now":true})", 0)).status == 400);
    world.operations.refuse = problem("control.noSuchAccount", "There is no account at main");
    CHECK(world.ask(ControlWorld::request("POST", "/v1/accounts/main/rollover", "", 0)).status == 404);
}
