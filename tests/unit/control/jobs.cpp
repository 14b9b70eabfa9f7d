// Long operations: streams, joined jobs, clients that go away, and stopping.
#include "tests/support/catch.hpp"
#include "tests/unit/control/fake_operations.hpp"

#include <boost/asio/cancellation_signal.hpp>

using namespace certd;
using namespace certd::test;

namespace {

ServerRequest renew(std::string body = {}) {
    return ControlWorld::request("POST", "/v1/lineages/example.com/renew", std::move(body));
}

const api::JobResult issued{"example.com", "issued", 5, "Issued version 5"};

}  // namespace

TEST_CASE("a renewal is streamed: its own events, then the result") {
    ControlWorld world;
    RecordingResponder& answer = world.start(renew());
    CHECK(answer.status == 200);
    CHECK(answer.type == "application/x-ndjson");
    world.operations.step(7, "Placing an order");
    world.operations.step(8, "Somebody else's");
    world.settle();
    CHECK(answer.lines().size() == 2);
    world.operations.step(7, "Downloading");
    world.operations.end_job(issued);
    world.settle();
    CHECK(answer.finished);
    std::vector<Json> lines = answer.lines();
    REQUIRE(lines.size() == 4);
    CHECK(to_text(lines[0]) == R"({"started":{"lineage":"example.com","job":7,"joined":false}})");
    CHECK(lines[1].string_or("message") == "Placing an order");
    CHECK(lines[2].string_or("message") == "Downloading");
    CHECK(lines[3]["result"].string_or("outcome") == "issued");
    CHECK(lines[3].string_or("lineage") == "example.com");
    CHECK(world.running == 0);
}

TEST_CASE("who asks, and for what, goes along with what is asked for") {
    ControlWorld world;
    world.start(renew(R"({"force":true})"));
    world.start(ControlWorld::request("POST", "/v1/lineages/example.net/rollback", R"({"to":3})"));
    world.start(ControlWorld::request("POST", "/v1/lineages/shop/deploy", R"({"target":"web","host":"web1"})", 0));
    world.ask(ControlWorld::request("POST", "/v1/lineages/example.com/pause"));
    world.ask(ControlWorld::request("POST", "/v1/lineages/example.com/resume"));
    world.ask(ControlWorld::request("POST", "/v1/lineages/example.com/revoke", "{}", 0));
    CHECK(world.operations.askers == std::vector<std::string>{"uid 1: renew --force", "uid 1: rollback --to 3",
                                                              "uid 0: deploy --target web --host web1", "uid 1: pause",
                                                              "uid 1: resume", "uid 0: revoke"});
    world.operations.end_job(issued);
    world.settle();
}

TEST_CASE("a failed renewal ends its stream with the problem") {
    ControlWorld world;
    RecordingResponder& answer = world.start(renew());
    world.operations.end_job(failure("acme.rateLimited", "The CA limits new orders", "too many certificates"));
    world.settle();
    CHECK(answer.status == 200);
    CHECK(answer.lines().back()["problem"].string_or("code") == "acme.rateLimited");
    CHECK(answer.finished);
}

TEST_CASE("what is refused before it has begun has a status of its own") {
    ControlWorld world;
    RecordingResponder& answer = world.ask(ControlWorld::request("POST", "/v1/lineages/nosuch/renew"));
    CHECK(answer.status == 404);
    CHECK(answer.json().string_or("code") == "control.noSuchLineage");
    world.operations.refuse = problem("control.busy", "Another operation is running");
    CHECK(world.ask(renew()).status == 409);
}

TEST_CASE("a second client joins the job and sees its events from then on") {
    ControlWorld world;
    RecordingResponder& first = world.start(renew());
    world.operations.step(7, "Placing an order");
    world.operations.joined = true;
    RecordingResponder& second = world.start(renew());
    world.operations.step(7, "Downloading");
    world.operations.end_job(issued);
    world.settle();
    CHECK(first.lines().size() == 4);
    std::vector<Json> lines = second.lines();
    REQUIRE(lines.size() == 3);
    CHECK(lines[0]["started"].bool_or("joined"));
    CHECK(lines[1].string_or("message") == "Downloading");
    CHECK(lines[2]["result"].is_object());
}

TEST_CASE("a client that goes away leaves its job running") {
    ControlWorld world;
    asio::cancellation_signal connection;
    world.start(renew(), &connection);
    CHECK(world.operations.watchers == 1);
    connection.emit(asio::cancellation_type::all);
    world.settle();
    CHECK(world.running == 0);
    CHECK(world.operations.watchers == 1);
    CHECK(world.handler.calls() == 1);
    world.operations.end_job(issued);
    world.settle();
    CHECK(world.operations.watchers == 0);
    CHECK(world.handler.calls() == 0);
}

TEST_CASE("a client that no longer reads is noticed by the heartbeat") {
    ControlWorld world;
    RecordingResponder& answer = world.start(renew());
    world.clock.run_until(world.io, virtual_start + seconds(31));
    world.settle();
    std::vector<Json> lines = answer.lines();
    REQUIRE(lines.size() == 3);
    CHECK(lines[1].string_or("heartbeat") == "2026-11-23T00:00:15Z");
    answer.gone = true;
    world.clock.run_until(world.io, virtual_start + seconds(46));
    world.settle();
    CHECK(world.running == 0);
    CHECK(world.operations.watchers == 1);
}

TEST_CASE("without waiting the answer is the job's number, and the job goes on") {
    ControlWorld world;
    RecordingResponder& answer = world.ask(renew(R"({"wait":false})"));
    CHECK(answer.status == 202);
    CHECK(to_text(answer.json()) == R"({"result":{"lineage":"example.com","job":7,"joined":false}})");
    CHECK(world.operations.watchers == 1);
    // One that has ended already has a result, which is better than a number.
    world.operations.end_job(issued);
    RecordingResponder& ended =
        world.ask(ControlWorld::request("POST", "/v1/lineages/example.com/deploy", R"({"wait":false})"));
    CHECK(ended.status == 200);
    CHECK(ended.json()["result"].string_or("outcome") == "issued");
}

TEST_CASE("an operation that has nothing to do answers at once") {
    ControlWorld world;
    world.operations.starts = false;
    world.operations.end_job(api::JobResult{"example.com", "not-due", 4, "It is not due"});
    RecordingResponder& stream = world.ask(renew());
    REQUIRE(stream.lines().size() == 1);
    CHECK(stream.lines()[0]["result"].string_or("outcome") == "not-due");
    RecordingResponder& single = world.ask(renew(R"({"wait":false})"));
    CHECK(single.status == 200);
    CHECK(single.json()["result"].string_or("outcome") == "not-due");
}

TEST_CASE("rollback and deploy hand their arguments on") {
    ControlWorld world;
    world.operations.end_job(issued);
    world.ask(ControlWorld::request("POST", "/v1/lineages/example.com/rollback", R"({"to":3})"));
    world.ask(ControlWorld::request("POST", "/v1/lineages/example.com/deploy", R"({"target":"web"})"));
    world.ask(renew(R"({"force":true})"));
    CHECK(world.operations.calls ==
          std::vector<std::string>{"rollback 3 example.com", "deploy web example.com", "renew --force example.com"});
}

TEST_CASE("a check is streamed with heartbeats, however long it takes") {
    ControlWorld world;
    RecordingResponder& answer = world.ask(ControlWorld::request("POST", "/v1/lineages/example.com/check"));
    std::vector<Json> lines = answer.lines();
    CHECK(answer.status == 200);
    REQUIRE(lines.size() >= 2);
    CHECK(lines[0]["heartbeat"].if_string());
    CHECK((*lines.back()["result"]["findings"].if_array())[0].string_or("check") == "ca.reachable");
}

TEST_CASE("the checklist is streamed with heartbeats, for operators, and is on record") {
    ControlWorld world;
    CHECK(world.ask(ControlWorld::request("POST", "/v1/doctor", "", 2)).status == 403);
    CHECK(world.ask(ControlWorld::request("POST", "/v1/doctor", R"({"force":true})")).status == 400);
    CHECK(world.operations.calls.empty());
    RecordingResponder& answer = world.ask(ControlWorld::request("POST", "/v1/doctor"));
    std::vector<Json> lines = answer.lines();
    REQUIRE(lines.size() >= 2);
    CHECK(lines[0]["heartbeat"].if_string());
    const Json& result = lines.back()["result"];
    CHECK(result.string_or("result") == "blocked");
    CHECK(result.int_or("ok") == 1);
    CHECK((*result["groups"].if_array())[1].string_or("lineage") == "example.com");
    CHECK(world.calls().back().data.string_or("verb") == "doctor");
}

TEST_CASE("when the daemon stops the streams end with a problem and new calls are refused") {
    ControlWorld world;
    RecordingResponder& answer = world.start(renew());
    run(world.io, world.clock, world.handler.stop());
    world.settle();
    CHECK(answer.lines().back()["problem"].string_or("code") == "control.stopping");
    CHECK(world.operations.watchers == 0);
    RecordingResponder& refused = world.ask(renew());
    CHECK(refused.status == 503);
    CHECK(world.ask(ControlWorld::request("GET", "/v1/status")).status == 200);
}

TEST_CASE("events can be read from a place on, of one lineage, and followed") {
    ControlWorld world;
    world.operations.step(7, "one");
    world.operations.step(7, "two");
    CHECK(world.ask(ControlWorld::request("GET", "/v1/events")).lines().size() == 2);
    std::vector<Json> later = world.ask(ControlWorld::request("GET", "/v1/events?after=1")).lines();
    REQUIRE(later.size() == 1);
    CHECK(later[0].string_or("message") == "two");
    CHECK(world.ask(ControlWorld::request("GET", "/v1/events?lineage=other")).lines().empty());

    asio::cancellation_signal connection;
    RecordingResponder& follower =
        world.start(ControlWorld::request("GET", "/v1/events?follow=1&after=2", "", 2), &connection);
    CHECK(follower.body.empty());
    world.operations.step(8, "three");
    world.settle();
    CHECK(follower.lines().back().string_or("message") == "three");
    world.clock.run_until(world.io, virtual_start + seconds(16));
    world.settle();
    CHECK(follower.lines().back()["heartbeat"].if_string());
    CHECK_FALSE(follower.finished);
    connection.emit(asio::cancellation_type::all);
    world.settle();
    CHECK(world.running == 0);
}

TEST_CASE("a reader that is too slow is told how many events it has lost") {
    ControlWorld world;
    asio::cancellation_signal connection;
    world.operations.step(7, "first");
    RecordingResponder& follower = world.start(ControlWorld::request("GET", "/v1/events?follow=1"), &connection);
    for (int i = 0; i < 1500; ++i)
        world.operations.step(7, "burst");
    world.settle();
    std::vector<Json> lines = follower.lines();
    REQUIRE(lines.size() == 1002);
    CHECK(lines[1].int_or("dropped") == 500);
    connection.emit(asio::cancellation_type::all);
    world.settle();
}
