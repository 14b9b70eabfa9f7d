// What the TCP listener serves, and to whom.
#include "daemon/control/web.hpp"
#include "tests/support/catch.hpp"
#include "tests/unit/control/fake_operations.hpp"

using namespace certd;
using namespace certd::test;

namespace {

struct WebWorld : ControlWorld {
    explicit WebWorld(control::WebOptions options = {}) {
        handle = control::make_web_handler(operations, clock, std::move(options));
    }
    static ServerRequest get(std::string path, std::string query = {}, std::string host = "127.0.0.1:9402") {
        ServerRequest request = ControlWorld::request("GET", std::move(path));
        request.query = std::move(query);
        request.headers.add("Host", std::move(host));
        request.peer = {"127.0.0.1:1", std::nullopt, std::nullopt, std::nullopt};
        return request;
    }
    static ServerRequest with(ServerRequest request, std::string header, std::string value) {
        request.headers.add(std::move(header), std::move(value));
        return request;
    }
};

}  // namespace

TEST_CASE("the metrics listener offers metrics, health and the page to anybody on this machine, and changes nothing") {
    WebWorld world;
    RecordingResponder& metrics = world.ask(WebWorld::get("/metrics"));
    CHECK(metrics.body == "certd_build_info 1\n");
    CHECK(metrics.type == "text/plain; version=0.0.4; charset=utf-8");
    CHECK(world.ask(WebWorld::with(WebWorld::get("/metrics"), "Accept", "application/openmetrics-text")).type ==
          "application/openmetrics-text; version=1.0.0; charset=utf-8");
    CHECK(world.ask(WebWorld::get("/healthz")).body == "ok\n");
    CHECK(world.ask(WebWorld::get("/")).status == 200);
    for (const char* path : {"/v1/status", "/v1/lineages", "/metrics/", "/index.html"})
        CHECK(world.ask(WebWorld::get(path)).status == 404);
    for (const char* path : {"/", "/metrics", "/status.json", "/events"}) {
        ServerRequest post = WebWorld::get(path);
        post.method = "POST";
        CHECK(world.ask(post).status == 405);
    }
    CHECK(world.operations.calls.empty());
}

TEST_CASE("without the page there are metrics and health only") {
    WebWorld world({"", false});
    for (const char* path : {"/", "/status.json", "/events"})
        CHECK(world.ask(WebWorld::get(path)).status == 404);
    CHECK(world.ask(WebWorld::get("/metrics")).status == 200);
}

TEST_CASE("the page runs no script but its own and is framed by nobody") {
    WebWorld world;
    RecordingResponder& one = world.ask(WebWorld::get("/"));
    const std::string policy(one.headers.find("Content-Security-Policy").value_or(""));
    CHECK(policy.starts_with("default-src 'none'; script-src 'nonce-"));
    CHECK(policy.find("frame-ancestors 'none'") != std::string::npos);
    const std::string nonce = policy.substr(policy.find("nonce-") + 6, 22);
    CHECK(one.body.find("<script nonce=\"" + nonce + "\">") != std::string::npos);
    CHECK(one.body.find("@NONCE@") == std::string::npos);
    CHECK(one.body.find("http://") == one.body.find("http://www.w3.org/2000/svg"));  // no asset of anybody else's
    CHECK(one.body.find("https://") == std::string::npos);
    CHECK(world.ask(WebWorld::get("/")).headers.find("Content-Security-Policy") != policy);  // a new one each time
}

TEST_CASE("what the page shows is in one document, with the causes of its problems") {
    WebWorld world;
    Event event;
    event.type = EventType::deploy_failed;
    event.message = "Version 2 could not be deployed to web";
    world.operations.bus.publish(event);
    world.operations.last_problem = problem("deploy.test", "The test command of web failed", "nginx: [emerg]");
    const Json document = world.ask(WebWorld::get("/status.json")).json();
    CHECK(document["lineages"].if_array()->size() == world.operations.names.size());
    CHECK(document["events"].if_array()->back().string_or("message") == event.message);
    CHECK_FALSE(document["causes"].string_or("The test command of web failed").empty());
    CHECK(document["daemon"].int_or("pid", -1) >= 0);
    CHECK(document["doctor"].is_null());
}

TEST_CASE("a cause on the page is that of the words that were said, as its remedy is") {
    WebWorld world;
    world.operations.last_problem = problem("acme.connection", "example.com could not be validated by http-01",
                                            "192.0.2.1: Fetching http://example.com/x: Connection refused");
    const Json document = world.ask(WebWorld::get("/status.json")).json();
    CHECK(document["causes"].string_or("example.com could not be validated by http-01") ==
          "Nothing listens on port 80 of the address that the CA reached, or a firewall refuses it: the connection was "
          "refused");
}

TEST_CASE("the page learns of a notifier that cannot deliver, and why that may be") {
    WebWorld world;
    world.operations.notify_problem = problem("notify.undelivered", "ops-mail could not deliver three times");
    const Json document = world.ask(WebWorld::get("/status.json")).json();
    CHECK(document["daemon"]["notify_problem"].string_or("code") == "notify.undelivered");
    CHECK_FALSE(document["causes"].string_or("ops-mail could not deliver three times").empty());
}

TEST_CASE("the page shows what the latest checklist found worse than ok") {
    WebWorld world;
    world.operations.examined = api::DoctorReport{
        world.clock.now(),
        {{"service", "", {{"config", "ok", "certd.yaml can be loaded", ""}}},
         {"lineage", "shop", {{"slack", "blocked", "It has 0 attempts", "Renew"}, {"rollback", "ok", "fine", ""}}}}};
    const Json doctor = world.ask(WebWorld::get("/status.json")).json()["doctor"];
    CHECK(time_in(doctor, "at") == world.clock.now());
    CHECK(doctor.string_or("result") == "blocked");
    CHECK(doctor.int_or("ok") == 2);
    CHECK(doctor.int_or("blocked") == 1);
    REQUIRE(doctor["groups"].if_array()->size() == 1);
    const Json& shop = doctor["groups"].if_array()->front();
    CHECK(shop.string_or("lineage") == "shop");
    REQUIRE(shop["findings"].if_array()->size() == 1);
    CHECK(shop["findings"].if_array()->front().string_or("text") == "It has 0 attempts");
}

TEST_CASE("events come as they happen, from where the page left off") {
    WebWorld world;
    world.operations.step(1, "before");
    world.operations.step(1, "missed");
    RecordingResponder& stream = world.start(WebWorld::with(WebWorld::get("/events"), "Last-Event-ID", "1"));
    world.settle();
    CHECK(stream.type == "text/event-stream");
    CHECK(stream.body.find("before") == std::string::npos);
    CHECK(stream.body.find("id: 2\ndata: {") != std::string::npos);
    world.operations.step(1, "two\nlines");
    world.settle();
    CHECK(stream.body.find("id: 3\ndata: {") != std::string::npos);
    CHECK(stream.body.find("two\\nlines") != std::string::npos);
    stream.gone = true;
    world.operations.step(1, "nobody listens");
    world.settle();
    CHECK(world.running == 0);
}

TEST_CASE("with a token nothing but health is told without it") {
    WebWorld world({"s3cret", true});
    for (const char* path : {"/", "/metrics", "/status.json", "/events"}) {
        RecordingResponder& refused = world.ask(WebWorld::get(path));
        CHECK(refused.status == 401);
        CHECK(refused.headers.find("WWW-Authenticate") == "Bearer realm=\"certd\"");
        CHECK(refused.body.find("s3cret") == std::string::npos);
        CHECK(world.ask(WebWorld::with(WebWorld::get(path), "Authorization", "Bearer s3creT")).status == 401);
        CHECK(world.ask(WebWorld::with(WebWorld::get(path), "Authorization", "Bearer ")).status == 401);
        CHECK(world.ask(WebWorld::with(WebWorld::get(path), "Cookie", "certd_token=")).status == 401);
    }
    CHECK(world.ask(WebWorld::get("/healthz")).status == 200);
    CHECK(world.ask(WebWorld::with(WebWorld::get("/metrics"), "Authorization", "Bearer s3cret")).status == 200);
    CHECK(world.ask(WebWorld::with(WebWorld::get("/"), "Cookie", "a=b; certd_token=s3cret")).status == 200);
}

TEST_CASE("a browser brings the token once, and keeps it in a cookie that scripts cannot read") {
    WebWorld world({"s3cret", true});
    CHECK(world.ask(WebWorld::get("/", "token=wrong")).status == 401);
    RecordingResponder& welcome = world.ask(WebWorld::get("/", "token=s3cret"));
    CHECK(welcome.status == 303);
    CHECK(welcome.headers.find("Location") == "/");
    CHECK(welcome.headers.find("Set-Cookie") == "certd_token=s3cret; Path=/; HttpOnly; SameSite=Strict");
}

TEST_CASE("a foreign name that was made to point here gets no page, unless it knows the token") {
    WebWorld world;
    for (const char* host : {"evil.example:9402", "evil.example", "", "1", "127.0.0.1.evil.example:9402"}) {
        CAPTURE(host);
        CHECK(world.ask(WebWorld::get("/status.json", "", host)).status == 421);
    }
    for (const char* host : {"localhost:9402", "127.0.0.1:9402", "[::1]:9402", "LOCALHOST:1"}) {
        CAPTURE(host);
        CHECK(world.ask(WebWorld::get("/status.json", "", host)).status == 200);
    }
    WebWorld guarded({"s3cret", true});
    CHECK(
        guarded.ask(WebWorld::with(WebWorld::get("/", "", "certd.example"), "Authorization", "Bearer s3cret")).status ==
        200);
}
