// Deliveries to real receivers on loopback: what arrives, and what is told of what does not.
#include "daemon/notify/delivery.hpp"

#include "libacme/async/process.hpp"
#include "tests/support/raw_server.hpp"
#include "tests/support/run_task.hpp"
#include "tests/support/temp_directory.hpp"
#include "tests/support/test_authority.hpp"
#include "tests/unit/notify/builders.hpp"

#include <fstream>
#include <sstream>

#include <fmt/format.h>
#include <sys/stat.h>

using namespace certd;
using namespace certd::test;

namespace {

struct Bed {
    TempDirectory directory;
    TestAuthority authority;
    std::string bundle = authority.write_bundle(directory.path());
    SystemClock clock;
    Workers workers{0};
    RealProcessRunner processes{clock};

    std::string file(const std::string& name, const std::string& content, mode_t mode = 0600) const {
        std::string path = (directory.path() / name).string();
        std::ofstream(path) << content;
        ::chmod(path.c_str(), mode);
        return path;
    }
    std::string content(const std::string& name) const {
        std::ifstream in(directory.path() / name);
        std::ostringstream text;
        text << in.rdbuf();
        return text.str();
    }
    RawServerOptions tls() const {
        RawServerOptions options;
        options.identity = authority.issue({"127.0.0.1"});
        return options;
    }
    template <class Kind>
    Task<std::string> delivery(Kind kind) {
        auto notifier = notifier_named("ops");
        notifier->kind = std::move(kind);
        return deliver({clock, workers, processes}, notifier,
                       compose(Notice::opened, incident_of(deployment_failed()), start_of_tests, sender));
    }
    template <class Kind>
    std::string delivered(Kind kind) {
        return run_task(delivery(std::move(kind)));
    }
    template <class Kind>
    Problem refused(Kind kind) {
        return problem_from(delivery(std::move(kind)));
    }
    config::WebAddress address(const RawServer& server, const std::string& target = "/hook") const {
        config::WebAddress made;
        made.url = server.url(target);
        made.ca_bundle = bundle;
        return made;
    }
};

RawScript answer(int status, const std::string& body, const std::string& headers = {}) {
    return {raw::Receive{}, raw::Send{http_answer(status, body, headers)}};
}

std::string body_of(const std::string& request) {
    return request.substr(request.find("\r\n\r\n") + 4);
}

}  // namespace

TEST_CASE("a webhook gets everything as JSON, with headers from the configuration and from a file") {
    Bed bed;
    RawServer server(bed.tls(), answer(200, "thanks\n"));
    config::NotifyWebhook webhook;
    webhook.address = bed.address(server);
    webhook.headers = {"X-Team: web"};
    webhook.headers_file = bed.file("headers", "Authorization: Bearer t0ken\nX-Second: 2\n");
    CHECK(bed.delivered(webhook) == "status 200: thanks");
    std::string request = server.requests().at(0);
    CHECK(request.starts_with("POST /hook HTTP/1.1\r\n"));
    for (const char* header : {"\r\nContent-Type: application/json\r\n", "\r\nX-Team: web\r\n",
                               "\r\nAuthorization: Bearer t0ken\r\n", "\r\nX-Second: 2\r\n"}) {
        CAPTURE(header);
        CHECK(request.find(header) != std::string::npos);
    }
    Json json = parse_json(body_of(request)).value();
    CHECK(json.string_or("event") == "opened");
    CHECK(json.string_or("lineage") == "example.com");
    CHECK(json.string_or("subject") == "[certd] example.com: deployment to web failed and was rolled back");
    CHECK(json.string_or("code") == "deploy.reload");
}

TEST_CASE("a webhook's template is filled in") {
    Bed bed;
    RawServer server(bed.tls(), answer(204, ""));
    config::NotifyWebhook webhook;
    webhook.address = bed.address(server);
    webhook.body = R"({"message": "{{subject}}: {{remote}}", "ok": false})";
    CHECK(bed.delivered(webhook) == "status 204");
    Json json = parse_json(body_of(server.requests().at(0))).value();
    CHECK(json.string_or("message") ==
          "[certd] example.com: deployment to web failed and was rolled back: nginx: [emerg] unexpected "
          "\"}\"\\n\\x1B[31mred");
}

TEST_CASE("a redirect is not followed, and says so") {
    Bed bed;
    RawServer elsewhere({}, answer(200, ""));
    RawServer server(bed.tls(), answer(302, "", fmt::format("Location: http://127.0.0.1:{}/x\r\n", elsewhere.port())));
    Problem problem = bed.refused(config::NotifyWebhook{bed.address(server), {}, {}, {}});
    CHECK(problem.code == "notify.refused");
    CHECK(problem.what == "The receiver of the notifier ops answered with status 302; redirects are not followed");
    CHECK(elsewhere.connections() == 0);
}

TEST_CASE("a refusal is told in the receiver's words, with the time it asks for") {
    Bed bed;
    RawServer server(bed.tls(), answer(429, "slow down", "Retry-After: 120\r\n"));
    Problem problem = bed.refused(config::NotifyWebhook{bed.address(server), {}, {}, {}});
    CHECK(problem.code == "notify.refused");
    CHECK(problem.remote == "slow down");
    REQUIRE(problem.not_before);
    CHECK(*problem.not_before > bed.clock.now() + seconds(100));
}

TEST_CASE("a URL that is a secret is shown nowhere, not even when the receiver repeats it") {
    Bed bed;
    RawServer server(bed.tls(), answer(403, "no_team: /services/T0/B0/s3cret is unknown"));
    config::NotifySlack slack;
    slack.address.url_file = bed.file("url", server.url("/services/T0/B0/s3cret") + "\n");
    slack.address.ca_bundle = bed.bundle;
    Problem problem = bed.refused(slack);
    CHECK(problem.code == "notify.refused");
    CHECK(to_text(to_json(problem)).find("s3cret") == std::string::npos);
    CHECK(problem.remote == "no_team: /… is unknown");

    RawServer dead(bed.tls(), {raw::Reset{}});
    slack.address.url_file = bed.file("url", dead.url("/services/T0/B0/s3cret"));
    CHECK(to_text(to_json(bed.refused(slack))).find("s3cret") == std::string::npos);
    slack.address.url_file = bed.file("url", "https://hooks.example/s3cret path");
    problem = bed.refused(slack);
    CHECK(problem.code == "net.url");
    CHECK(to_text(to_json(problem)).find("s3cret") == std::string::npos);
    auto notifier = notifier_named("chat");
    notifier->kind = slack;
    CHECK(receiver_of(*notifier) == "the URL in " + slack.address.url_file);
}

TEST_CASE("a file with a secret that others can read is not used") {
    Bed bed;
    config::NotifySlack slack;
    slack.address.url_file = bed.file("url", "https://hooks.example/x", 0644);
    CHECK(bed.refused(slack).code == "storage.permissions");
    slack.address.url_file = "/nowhere/url";
    CHECK(bed.refused(slack).code == "storage.missing");
}

TEST_CASE("Slack's webhook gets its text") {
    Bed bed;
    RawServer server(bed.tls(), answer(200, "ok"));
    CHECK(bed.delivered(config::NotifySlack{bed.address(server)}) == "status 200: ok");
    CHECK(parse_json(body_of(server.requests().at(0))).value().string_or("text").starts_with(":warning: *[certd] "));
}

TEST_CASE("PagerDuty gets an event with the key from a file") {
    Bed bed;
    RawServer server(bed.tls(), answer(202, R"({"status":"success"})"));
    config::NotifyPagerDuty pager;
    pager.routing_key_file = bed.file("key", "R0UT1NG\n");
    pager.address = bed.address(server, "/v2/enqueue");
    CHECK(bed.delivered(pager) == R"(status 202: {"status":"success"})");
    CHECK(parse_json(body_of(server.requests().at(0))).value().string_or("routing_key") == "R0UT1NG");
}

TEST_CASE("http is for this machine, where it is allowed, and for nobody else") {
    Bed bed;
    RawServer server({}, answer(200, "plain"));
    config::NotifyWebhook webhook;
    webhook.address.url = fmt::format("http://127.0.0.1:{}/hook?q=1", server.port());
    CHECK(bed.refused(webhook).code == "net.notHttps");
    webhook.address.allow_http = true;
    CHECK(bed.delivered(webhook) == "status 200: plain");
    CHECK(server.requests().at(0).starts_with("POST /hook?q=1 HTTP/1.1\r\n"));
    webhook.address.url = "http://192.0.2.1/hook";
    CHECK(bed.refused(webhook).code == "net.notHttps");
}

TEST_CASE("an answer in the clear that breaks off, is no HTTP or does not end is no consent") {
    Bed bed;
    struct {
        RawStep step;
        const char* code;
    } cases[] = {{raw::Reset{}, "net.closed"},
                 {raw::Send{"220 mail.test ESMTP\r\n"}, "net.malformed"},
                 {raw::Send{http_answer(200, std::string(300'000, 'x'))}, "net.tooLarge"}};
    for (const auto& [step, code] : cases) {
        CAPTURE(code);
        RawServer server({}, {raw::Receive{}, step});
        config::NotifyWebhook webhook;
        webhook.address.url = fmt::format("http://127.0.0.1:{}/hook", server.port());
        webhook.address.allow_http = true;
        CHECK(bed.refused(webhook).code == code);
    }
}

TEST_CASE("a receiver with a certificate that is not trusted gets nothing") {
    Bed bed;
    RawServer server(bed.tls(), answer(200, ""));
    config::NotifyWebhook webhook;
    webhook.address.url = server.url("/hook");
    CHECK(bed.refused(webhook).code == "tls.untrusted");
    CHECK(server.requests().empty());
}

TEST_CASE("a heartbeat is a GET of its URL") {
    Bed bed;
    RawServer server(bed.tls(), answer(200, "OK"));
    CHECK(bed.delivered(config::NotifyHeartbeat{bed.address(server, "/ping/1"), minutes(5)}) == "status 200: OK");
    CHECK(server.requests().at(0).starts_with("GET /ping/1 HTTP/1.1\r\n"));
}

TEST_CASE("a command gets the facts as JSON on its standard input, and its exit status counts") {
    Bed bed;
    std::string seen = (bed.directory.path() / "seen").string();
    std::string script = bed.file("hook", fmt::format("#!/bin/sh\ncat >{}\necho told\n", seen), 0700);
    CHECK(bed.delivered(config::NotifyExec{{script}, seconds(10), {}}) == "status 0: told");
    CHECK(parse_json(bed.content("seen")).value().string_or("title") == "deployment to web failed and was rolled back");

    std::string failing = bed.file("failing", "#!/bin/sh\necho no such channel\nexit 3\n", 0700);
    Problem problem = bed.refused(config::NotifyExec{{failing}, seconds(10), {}});
    CHECK(problem.code == "notify.exec");
    CHECK(problem.what == fmt::format("The command of the notifier ops ({}) exited with status 3", failing));
    CHECK(problem.remote == "no such channel");
    std::string slow = bed.file("slow", "#!/bin/sh\nsleep 60\n", 0700);
    CHECK(bed.refused(config::NotifyExec{{slow}, milliseconds(200), {}}).what.find("did not end within 200ms") !=
          std::string::npos);
    CHECK(bed.refused(config::NotifyExec{{"/nowhere/hook"}, seconds(1), {}}).code == "process.notFound");
}

TEST_CASE("a command that others may change is not run") {
    Bed bed;
    std::string script = bed.file("hook", "#!/bin/sh\n", 0777);
    CHECK(bed.refused(config::NotifyExec{{script}, seconds(10), {}}).code == "process.unsafe");
}

TEST_CASE("a sendmail command gets the message on its standard input") {
    Bed bed;
    std::string seen = (bed.directory.path() / "mail").string();
    config::NotifyEmail email;
    email.from = "certd@example.net";
    email.to = {"ops@example.com"};
    email.sendmail = {bed.file("sendmail", fmt::format("#!/bin/sh\necho \"$@\" >{0}.args; cat >{0}\n", seen), 0700),
                      "-i", "-t"};
    CHECK(bed.delivered(email) == "status 0");
    CHECK(bed.content("mail.args") == "-i -t\n");
    std::string mail = bed.content("mail");
    CHECK(mail.find("\nTo: ops@example.com\n") != std::string::npos);
    CHECK(mail.find('\r') == std::string::npos);
}
