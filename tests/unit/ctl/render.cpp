// Golden texts of what certctl shows.
#include "ctl/render.hpp"

#include "libacme/base/text.hpp"
#include "tests/support/catch.hpp"
#include "tests/unit/ctl/samples.hpp"

#include <algorithm>

using namespace certd;
using namespace certd::ctl;
using namespace certd::test;

namespace {

std::vector<api::Lineage> three() {
    api::Lineage fresh = ok_lineage("a-rather-long-name-for-a-lineage.internal.example.org");
    fresh.state = "issuing";
    fresh.step = "Validating www.example.org";
    fresh.version = 0;
    fresh.not_after.reset();
    fresh.served = "-";
    return {ok_lineage(), failed_lineage(), fresh};
}

bool fits(const std::string& text, std::size_t width) {
    for (std::string_view line : split(text, '\n')) {
        if (display_width(line) > width) return false;
    }
    return true;
}

bool is_harmless(const std::string& text) {
    for (std::string_view line : split(text, '\n')) {
        if (escape_untrusted(line, 1 << 20) != line) return false;
    }
    return true;
}

const std::string hostile =
    "evil\x1b]0;owned\x07\x1b[2J\r\nOK\u009b31m\u202Egnp.exe\xff\xfe" + std::string(1 << 20, 'x');

}  // namespace

TEST_CASE("the status table at 80 columns") {
    CHECK(render_status(plain(80), three(), sample_now()) ==
          "LINEAGE                    STATE          LEFT  SERVED  NEXT\n"
          "example.com                waiting        59d   yes     in 29d 4h\n"
          "shop.example.net           deploy-failed  40h   partly  in 5m 0s\n"
          "  └ The test command of target web failed: nginx -t exited with 1: nginx: [emer…\n"
          "a-rather-lon….example.org  issuing        -     -       Validating www.example.…\n"
          "3 lineages: 2 ok, 1 warning\n");
}

TEST_CASE("the status table in full when there is room") {
    CHECK(render_status(plain(0), {ok_lineage(), failed_lineage()}, sample_now()) ==
          "LINEAGE           STATE          DAYS LEFT  SERVED  NEXT\n"
          "example.com       waiting        59d        yes     issue in 29d 4h (Dec 22 14:04)\n"
          "shop.example.net  deploy-failed  40h        partly  deploy in 5m 0s (Nov 23 10:09)\n"
          "  └ The test command of target web failed: nginx -t exited with 1: nginx: [emerg] unexpected \"}\" in "
          "/etc/nginx/nginx.conf:12\n"
          "2 lineages: 1 ok, 1 warning\n");
}

TEST_CASE("the status table at 40 columns drops what matters less") {
    std::string text = render_status(plain(40), three(), sample_now());
    CHECK(fits(text, 40));
    CHECK(text ==
          "LINEAGE              STATE          LEFT\n"
          "example.com          waiting        59d\n"
          "shop.example.net     deploy-failed  40h\n"
          "  └ The test command of target web fail…\n"
          "a-rather-…ample.org  issuing        -\n"
          "3 lineages: 2 ok, 1 warning\n");
}

TEST_CASE("colours are only there when they are wanted, and change nothing else") {
    Style colourful = plain(80);
    colourful.colour = true;
    std::string text = render_status(colourful, three(), sample_now());
    CHECK(text.find("\x1b[33mdeploy-failed\x1b[0m") != std::string::npos);
    CHECK(render_status(plain(80), three(), sample_now()).find('\x1b') == std::string::npos);
    std::string without;
    for (std::size_t i = 0; i < text.size(); ++i) {
        if (text[i] == '\x1b') {
            i = text.find('m', i);
        } else {
            without += text[i];
        }
    }
    CHECK(without == render_status(plain(80), three(), sample_now()));
}

TEST_CASE("without UTF-8 everything is ASCII") {
    api::Lineage lineage = failed_lineage();
    lineage.last_problem->remote = "Zürich… 日本";
    for (const std::string& text : {render_status(plain(40, false), {lineage}, sample_now()),
                                    render_lineage(plain(80, false), lineage, sample_now())}) {
        CHECK(std::ranges::all_of(text, [](char letter) { return static_cast<signed char>(letter) > 0; }));
    }
}

TEST_CASE("a refused configuration is told beneath the table") {
    std::string text =
        render_status(plain(0), {ok_lineage()}, sample_now(), problem("config.invalid", "Unknown key \"lineage\""));
    CHECK(
        text.ends_with("1 lineage: 1 ok\nThe configuration on disk was refused and an earlier one is in force: Unknown "
                       "key \"lineage\"\n"));
    CHECK(render_status(plain(80), {}, sample_now()) == "No lineages are configured\n");
}

TEST_CASE("one lineage in full") {
    CHECK(render_lineage(plain(80), failed_lineage("shop.example.net"), sample_now())
              .starts_with("shop.example.net\n"
                           "  Names        shop.example.net, www.shop.example.net\n"
                           "  State        deploy-failed, 2 failures in a row\n"
                           "  Certificate  version 4, ecdsa-p256, from letsencrypt\n"
                           "  Serial       03ab\n"
                           "  SHA-256      aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\n"
                           "  Valid        from 2026-10-23 10:04Z until 2026-11-25 02:04Z (40h left)\n"
                           "  Served       partly\n"
                           "  Next         deploy in 5m 0s (Nov 23 10:09)\n"
                           "               deployment of version 5 failed\n"
                           "\n"
                           "  Problem      The test command of target web failed: nginx -t exited with 1\n"
                           "               nginx: [emerg] unexpected \"}\" in /etc/nginx/nginx.conf:12\n"));
    std::string text = render_lineage(plain(80), failed_lineage(), sample_now());
    CHECK(text.find("  TARGET  HOST   STATE     VERSION  SERVES    VERIFIED\n  web     local  deployed  4        "
                    "aaaaaaaa  3h 0m ago\n") != std::string::npos);
    CHECK(
        text.find(
            "  VERSION  STATUS  NOT AFTER          LEFT  SERIAL\n  4        live    2027-01-21 13:04Z  59d   03ab\n") !=
        std::string::npos);
    CHECK(fits(render_lineage(plain(40), failed_lineage(), sample_now()), 40));
}

TEST_CASE("the last hooks are shown with how they ended and what they said") {
    api::Lineage lineage = ok_lineage();
    for (int number = 1; number <= 11; ++number) {
        lineage.hooks.push_back({sample_now() - minutes(20 - number), "pre", fmt::format("/hooks/pre/{}", number), "",
                                 "", 0, 0, false, 1200, "stopped\x1b[31m", ""});
    }
    lineage.hooks.push_back(
        {sample_now() - minutes(1), "exec", "convert", "web", "w1", {}, 15, true, 300'000, "", "deploy.exec"});
    std::string text = render_lineage(plain(80), lineage, sample_now());
    CHECK(text.find("Hooks\n") != std::string::npos);
    CHECK(text.find("/hooks/pre/2)") == std::string::npos);
    CHECK(text.find("  Nov 23 09:47  pre (/hooks/pre/3): exit status 0 after 1s 200ms\n") != std::string::npos);
    CHECK(text.find("stopped\\x1B[31m") != std::string::npos);
    CHECK(render_lineage(plain(0), lineage, sample_now())
              .find("exec of web on w1 (convert): ended by signal 15, killed at its time limit after 5m\n") !=
          std::string::npos);
    CHECK(render_explanation(plain(80), {lineage, {}, {}, {}, {}, {}, {}}, sample_now()).find("Hooks\n") !=
          std::string::npos);
    CHECK(fits(render_lineage(plain(40), lineage, sample_now()), 40));
}

TEST_CASE("an explanation says why, what next, and what to do") {
    api::Explanation explanation;
    explanation.lineage = failed_lineage();
    explanation.why = {"The test command of target web failed, so the old files were put back"};
    explanation.then = {"Version 5 is deployed again in 5 minutes"};
    explanation.cause = "The configuration of the service has an error";
    explanation.remedy = "Mend it";
    explanation.history = {{sample_now() - days(1), "issued version 5", ""},
                           {sample_now() - hours(1), "deployment failed", "deploy.test"}};
    std::string text = render_explanation(plain(80), explanation, sample_now());
    CHECK(text.starts_with("shop.example.net is deploy-failed, 2 failures in a row\n\nWhy\n  - The test command"));
    CHECK(text.find("What happens next\n  - Version 5 is deployed again in 5 minutes\n") != std::string::npos);
    CHECK(text.find("  Remedy       Mend it\n") != std::string::npos);
    CHECK(text.find("  Nov 23 09:04  deployment failed [deploy.test]\n") != std::string::npos);
}

TEST_CASE("an explanation shows the last decisions as they were made, with reasons and whoever asked") {
    api::Explanation explanation;
    explanation.lineage = failed_lineage();
    for (int number = 0; number < 20; ++number) {
        explanation.decisions.push_back({sample_now() - days(21 - number),
                                         "issue",
                                         fmt::format("Order certificate {}", number),
                                         std::nullopt,
                                         {},
                                         {},
                                         ""});
    }
    explanation.decisions.push_back({sample_now() - days(1),
                                     "issue",
                                     "Order a certificate from main",
                                     sample_now() + days(60),
                                     {"2/3 of the lifetime", "ev\x1bil"},
                                     Json::object({{"failures", "0"}}),
                                     "uid 0: renew --force"});
    const std::string text = render_explanation(plain(0), explanation, sample_now());
    CHECK(text.find("Decisions\n  Nov 11 10:04  Order certificate 9\n") != std::string::npos);
    CHECK(text.find("certificate 8\n") == std::string::npos);
    CHECK(
        text.find("  Nov 22 10:04  Order a certificate from main at 2027-01-22 10:04Z: 2/3 of the lifetime; ev\\x1Bil "
                  "(uid 0: renew --force)\n") != std::string::npos);
    CHECK(fits(render_explanation(plain(40), explanation, sample_now()), 40));
}

TEST_CASE("the plan and the findings of a check") {
    CHECK(render_plan(plain(80), {{"example.com", "issue", sample_now() + hours(2), {"2/3 of the lifetime"}}},
                      sample_now()) ==
          "WHEN                    LINEAGE      ACTION  BECAUSE\n"
          "Nov 23 12:04  in 2h 0m  example.com  issue   2/3 of the lifetime\n");
    CHECK(render_plan(plain(80), {}, sample_now()) == "Nothing is planned\n");
    CHECK(
        render_limits(plain(80),
                      {{"main", "domain", "example.com", 50, 50, sample_now() + hours(2), sample_now() + days(7), {}}},
                      sample_now()) ==
        "CA    LIMIT   OF           USED      NEXT      UNUSED AGAIN\n"
        "main  domain  example.com  50 of 50  in 2h 0m  in 7d 0h\n");
    CHECK(render_limits(plain(80), {}, sample_now()) == "No rate limit is in use\n");
    CHECK(render_limits(plain(80),
                        {{"main", "paused", "a.example", 1, 1, sample_now() + days(1), sample_now() + days(1),
                          "https://ca.example/unpause?x"}},
                        sample_now())
              .ends_with("\na.example: main has paused the names; unpause them at\n  https://ca.example/unpause?x\n"));
    CHECK(render_findings(plain(80), "example.com",
                          {{"ca.reachable", "ok", "letsencrypt answers", ""},
                           {"ca.main.caa", "warning", "not decided", "Look", "www.example.com"},
                           {"target.web.test", "blocked", "nginx -t exited with 1", "Mend nginx.conf"}}) ==
          "✓ ca.reachable: letsencrypt answers\n"
          "! ca.main.caa www.example.com: not decided\n"
          "  Look\n"
          "✗ target.web.test: nginx -t exited with 1\n"
          "  Mend nginx.conf\n"
          "example.com: 3 checks: 1 would block a renewal, 1 warning\n");
}

TEST_CASE("the doctor's findings stand in groups, of lineages only what is not ok") {
    api::DoctorReport report;
    report.groups = {{"state", "", {{"store.room", "ok", "900 MiB are left", ""}}},
                     {"notification", "", {{"notification", "warning", "Nobody is told", "Add one"}}},
                     {"lineage", "a.example", {{"slack", "ok", "9 attempts", ""}, {"rollback", "ok", "2", ""}}},
                     {"lineage", "shop", {{"slack", "blocked", "0 attempts", "Renew"}, {"rollback", "ok", "2", ""}}}};
    CHECK(render_doctor(plain(80), report) ==
          "State directory\n"
          "✓ store.room: 900 MiB are left\n"
          "Notification\n"
          "! notification: Nobody is told\n"
          "  Add one\n"
          "Lineages\n"
          "✓ a.example: 2 checks ok\n"
          "shop (1 of 2 checks ok)\n"
          "✗ slack: 0 attempts\n"
          "  Renew\n"
          "6 checks: 1 blocked, 1 warning\n");
    report.groups.resize(1);
    CHECK(render_doctor(plain(80), report).ends_with("1 check, and all are ok\n"));
}

TEST_CASE("notifiers with what they last did, and open incidents with who was told") {
    api::Notifier mail;
    mail.name = "ops-mail";
    mail.kind = "email";
    mail.to = "ops@example.com";
    mail.last_delivery = sample_now() - hours(3);
    api::Notifier chat;
    chat.name = "chat";
    chat.kind = "slack";
    chat.to = "the URL in /etc/slack";
    chat.queued = 2;
    chat.problem = problem("net.connect", "Cannot connect to hooks.slack.com:443");
    chat.problem->hint = "Check the network";
    chat.next_attempt = sample_now() + minutes(5);
    api::Incident incident;
    incident.severity = "error";
    incident.lineage = "example.com";
    incident.title = "deployment to web failed";
    incident.since = sample_now() - hours(3);
    incident.told = {"ops-mail"};
    CHECK(render_notifications(plain(90), {{mail, chat}, {incident}}, sample_now()) ==
          "NOTIFIER  KIND   TO                     LAST DELIVERY  QUEUED  DROPPED\n"
          "ops-mail  email  ops@example.com        3h 0m ago      0       0\n"
          "chat      slack  the URL in /etc/slack  never          2       0\n"
          "chat: Cannot connect to hooks.slack.com:443; next attempt in 5m 0s\n"
          "  Remedy: Check the network\n"
          "\n"
          "INCIDENT  SINCE      WHAT                                   TOLD\n"
          "error     3h 0m ago  example.com: deployment to web failed  ops-mail\n");
    CHECK(render_notifications(plain(90), {}, sample_now()) ==
          "No notifier is configured: nobody is told of incidents (see `notify` in certd.yaml)\n\n"
          "No incident is open\n");
    api::NotifyTest test{"ops-mail", true, "250 2.0.0 Ok: queued", {}};
    CHECK(render_notify_test(plain(90), test) == "ops-mail: delivered; the receiver said: 250 2.0.0 Ok: queued\n");
    test = {"ops-mail", false, "", problem("net.timeout", "No answer")};
    CHECK(render_notify_test(plain(90), test).starts_with("ops-mail: No answer\n  Cause:"));
}

TEST_CASE("a notifier that does not deliver is told beneath the table of lineages") {
    CHECK(render_status(plain(80), {}, sample_now(), std::nullopt,
                        problem("notify.undelivered", "The notifier chat does not deliver: no answer"))
              .ends_with("\nThe notifier chat does not deliver: no answer\n"));
}

TEST_CASE("hostile texts can neither steer the terminal nor start a line") {
    api::Lineage lineage = failed_lineage();
    lineage.name = lineage.state = lineage.ca = lineage.key_type = lineage.serial = lineage.served = lineage.step =
        hostile;
    lineage.names = lineage.issued_names = lineage.next.reasons = {hostile};
    lineage.next.action = lineage.fingerprint_sha256 = hostile;
    lineage.last_problem = Problem{ProblemKind::ca, hostile,      hostile,      hostile,
                                   hostile,         Retry::later, std::nullopt, {problem(hostile, hostile, hostile)}};
    lineage.targets = {{hostile, hostile, hostile, 4, hostile, sample_now(), lineage.last_problem, sample_now()}};
    lineage.versions = {{4, sample_now(), hostile, hostile, hostile}};
    lineage.ari = api::Ari{sample_now(), sample_now(), sample_now(), hostile};
    api::Explanation explanation{lineage, {hostile}, {hostile}, hostile, hostile, {{sample_now(), hostile, hostile}}};
    api::Notifications notifications{
        {{hostile, hostile, hostile, hostile, 1, 0, 0, 1, sample_now(), lineage.last_problem, sample_now()}},
        {{hostile, hostile, hostile, hostile, hostile, sample_now(), {}, lineage.last_problem, {hostile}}}};
    api::Event event;
    event.type = event.severity = event.lineage = event.target = event.host = event.message = hostile;
    event.problem = lineage.last_problem;
    for (Style style : {plain(80), plain(40), plain(0), plain(80, false)}) {
        for (const std::string& text :
             {render_status(style, {lineage}, sample_now(), lineage.last_problem),
              render_lineage(style, lineage, sample_now()), render_explanation(style, explanation, sample_now()),
              render_limits(style, {{hostile, hostile, hostile, 1, 2, sample_now(), sample_now(), hostile}},
                            sample_now()),
              render_notifications(style, notifications, sample_now()),
              render_notify_test(style, {hostile, true, hostile, {}}),
              render_notify_test(style, {hostile, false, "", lineage.last_problem}),
              render_orders(style, hostile, {true, false, {hostile}}), render_orders(style, hostile, {}),
              render_plan(style, {{hostile, hostile, sample_now(), {hostile}}}, sample_now()),
              render_findings(style, hostile, {{hostile, hostile, hostile, hostile, hostile}}),
              render_doctor(style, {{},
                                    {{hostile, hostile, {{hostile, hostile, hostile, hostile, hostile}}},
                                     {"lineage", hostile, {{hostile, hostile, hostile, hostile, hostile}}}}}),
              render_event(style, event), render_problem(style, *lineage.last_problem, hostile)}) {
            CHECK(is_harmless(text));
            CHECK(text.find("\nOK") == std::string::npos);
            CHECK(text.size() < 64 * 1024);
        }
    }
}

TEST_CASE("JSON for a terminal keeps its meaning and loses its teeth") {
    std::string json = to_text(Json::object({{"text", "\u009b31m\u202E\x7fé日\U000E0041"}}));
    std::string safe = terminal_safe_json(json);
    CHECK(escape_untrusted(safe, 4096) == safe);
    CHECK(safe == "{\"text\":\"\\u009b31m\\u202e\\u007fé日\"}");
    CHECK(parse_json(safe).has_value());
    CHECK(parse_json(terminal_safe_json("\"a\xff\xc2")).has_value() == false);
}

TEST_CASE("endpoints in other hands stand among the targets, with what they serve and what is wrong") {
    api::Lineage lineage = ok_lineage();
    lineage.health = "warning";
    api::Target seen;
    seen.target = "cdn";
    seen.host = "192.0.2.1:443";
    seen.state = "watched";
    seen.version = 4;
    seen.verdict = "live";
    seen.served_fingerprint = std::string(64, '4');
    seen.verified_at = sample_now() - hours(1);
    seen.served_not_after = sample_now() + days(59);
    api::Target old = seen, awaited = seen;
    old.host = "192.0.2.2:443";
    old.verdict = "old";
    old.version = 3;
    old.problem = problem("endpoint.old", "cdn at 192.0.2.2:443 still serves version 3", "subject CN=\x1b[31m");
    awaited.host = "192.0.2.3:443";
    awaited.verdict = "awaited";
    awaited.grace_until = sample_now() + hours(20);
    lineage.targets.insert(lineage.targets.end(), {seen, old, awaited});
    const std::string text = render_lineage(plain(0), lineage, sample_now());
    INFO(text);
    CHECK(
        text.find("  cdn     192.0.2.1:443  watched: live     4        44444444  1h 0m ago  until 2027-01-21 10:04") !=
        std::string::npos);
    CHECK(text.find("  cdn     192.0.2.2:443  watched: old      3") != std::string::npos);
    CHECK(text.find("watched: awaited  4        44444444  1h 0m ago  to change by 2026-11-24 06:04") !=
          std::string::npos);
    CHECK(text.find("\n  cdn at 192.0.2.2:443 still serves version 3: subject CN=\\x1B[31m") != std::string::npos);
    CHECK(is_harmless(text));
}

TEST_CASE("the pins of the keys in use and of those made ahead are shown, with where their records belong") {
    api::Lineage lineage = ok_lineage();
    lineage.certificates.resize(1);
    lineage.certificates[0].pin = "sha256/AAAA=";
    lineage.certificates[0].tlsa = "3 1 1 aaaa";
    lineage.next_keys = {{"ecdsa-p256", sample_now() - days(2), "sha256/BBBB=", "3 1 1 bbbb"}};
    lineage.tlsa_owners = {"_443._tcp.a", "_443._tcp.b", "_443._tcp.c", "_443._tcp.d"};
    const std::string text = render_lineage(plain(0), lineage, sample_now());
    INFO(text);
    CHECK(
        text.find("  Pin          sha256/AAAA=\n  TLSA         3 1 1 aaaa at _443._tcp.a, _443._tcp.b, _443._tcp.c and "
                  "1 more\n") != std::string::npos);
    CHECK(text.find("  Next key     ecdsa-p256, made 2026-11-21 10:04Z (2d 0h ago)\n  Pin          sha256/BBBB=\n") !=
          std::string::npos);
}
