// Notifiers: what belongs together, what excludes each other, and templates.
#include "tests/unit/config/fixture.hpp"

using namespace certd;
using namespace certd::config;
using namespace certd::config::test;

namespace {

// Findings about a notifier "ops", which stands in line 6.
Lines of(const std::string& members) {
    return findings(base + web + "notify: { ops: { " + members + " } }\n");
}

}  // namespace

TEST_CASE("a notifier has exactly one kind") {
    CHECK(of("") == Lines{"6:11 error: The notifier 'ops' does not say how (add one of webhook, slack, pagerduty, "
                          "email, exec, heartbeat)"});
    CHECK(of("exec: { command: [/bin/x] }, slack: { url_file: /s }") ==
          Lines{"6:24 error: The notifier 'ops' is both slack and exec (make two notifiers of it)"});
    CHECK(of("exec: { command: [/bin/x] }, severity: error, events: [expiring], after: 1h").empty());
}

TEST_CASE("an address is a URL or a file with one, and https") {
    CHECK(
        of("webhook: {}") ==
        Lines{"6:27 error: The notifier 'ops' has no address (add url, or url_file when the URL itself is a secret)"});
    CHECK(of("webhook: { url: \"https://h.example\", url_file: /u }") ==
          Lines{"6:27 error: The notifier 'ops' has both url and url_file (keep one of them)"});
    CHECK(of("webhook: { url: \"http://127.0.0.1:8080/x\" }") ==
          Lines{"6:34 error: The notifier 'ops' sends in the clear (use https, or allow_http: true on this machine)"});
    CHECK(of("webhook: { url: \"http://127.0.0.1:8080/x\", allow_http: true }").empty());
    CHECK(of("webhook: { url: \"http://h.example/x\", allow_http: true }").size() == 1);
    CHECK(of("pagerduty: { routing_key_file: /k }").empty());
}

TEST_CASE("a secret in place of its file is refused and not repeated") {
    Lines lines = of("slack: { url_file: \"https://hooks.slack.com/services/T0/B0/s3cret\" }");
    REQUIRE(lines.size() == 1);
    CHECK(lines.front().find("s3cret") == std::string::npos);
    CHECK(lines.front().find("put the secret into a file with mode 0600") != std::string::npos);
}

TEST_CASE("mail goes by SMTP or by a command, and not in the clear to another machine") {
    const std::string who = "from: c@example.com, to: [o@example.com]";
    CHECK(of("email: { " + who + " }").front().find("does not say how mail is sent") != std::string::npos);
    CHECK(of("email: { " + who + ", smtp: \"m.example:25\", sendmail: [/usr/sbin/sendmail, -t] }")
              .front()
              .find("has both smtp and sendmail") != std::string::npos);
    CHECK(of("email: { " + who + ", smtp: \"m.example:25\", tls: none }")
              .front()
              .find("sends in the clear to another machine (write tls: starttls or tls: tls)") != std::string::npos);
    CHECK(of("email: { " + who + ", smtp: \"127.0.0.1:25\", tls: none }").empty());
    CHECK(of("email: { " + who + ", smtp: \"m.example:587\", username: u }")
              .front()
              .find("has a user name or a password, and not both") != std::string::npos);
    CHECK(of("email: { " + who + ", smtp: \"m.example:587\", username: u, password_file: /p }").empty());
    CHECK(
        of("email: { from: \"a@b.example\\nBcc: x@y.example\", to: [o@example.com], smtp: \"m.example:25\" }").size() ==
        1);
}

TEST_CASE("a template must be JSON with placeholders that exist") {
    auto body = [](const std::string& text) {
        return of("webhook: { url: \"https://h.example\", body: '" + text + "' }");
    };
    CHECK(body(R"({"text": "{{subject}}", "n": [1, "{{ served_until }}"]})").empty());
    CHECK(body(R"({"text": "{{subjct}}"})")
              .front()
              .find("has an unknown placeholder {{subjct}} (did you mean {{subject}}?)") != std::string::npos);
    CHECK(body(R"({"text": {{subject}}})").front().find("is not JSON once its placeholders are filled in") !=
          std::string::npos);
    CHECK(body(R"({"text": "{{subject"})").front().find("has an unknown placeholder") != std::string::npos);
}

TEST_CASE("a header that is none is refused") {
    CHECK(of("webhook: { url: \"https://h.example\", headers: [\"no header\"] }")
              .front()
              .find("has a malformed header 'no header' (write \"Name: value\")") != std::string::npos);
}

TEST_CASE("a heartbeat is told no incidents") {
    CHECK(of("heartbeat: { url: \"https://h.example\" }, severity: error") ==
          Lines{"6:69 error: The notifier 'ops' is a heartbeat, for which severity means nothing (take the key out)"});
}
