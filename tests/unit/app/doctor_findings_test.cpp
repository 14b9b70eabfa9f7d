// The judgements of `certctl doctor`.
#include "daemon/app/doctor_findings.hpp"

#include "tests/support/catch.hpp"

using namespace certd;

namespace {

const Time now{std::chrono::sys_days{std::chrono::year{2026} / 11 / 23}};

std::string line(const api::CheckFinding& finding) {
    return finding.check + " " + finding.result + ": " + finding.text;
}

std::vector<std::string> lines(const std::vector<api::CheckFinding>& findings) {
    std::vector<std::string> all;
    for (const api::CheckFinding& finding : findings)
        all.push_back(line(finding));
    return all;
}

using Lines = std::vector<std::string>;

ServiceFacts running() {
    ServiceFacts facts;
    facts.systemd = true;
    facts.unit = "certd.service";
    facts.pid = facts.main_pid = 42;
    facts.enabled = "enabled";
    facts.restart = "on-failure";
    return facts;
}

config::Lineage shop() {
    config::Lineage spec;
    spec.name = "shop";
    return spec;
}

}  // namespace

TEST_CASE("the unit is the last part of the process's control group, in either hierarchy") {
    CHECK(unit_of("0::/system.slice/certd.service\n") == "certd.service");
    CHECK(unit_of("12:pids:/x.service\n1:name=systemd:/system.slice/certd@a.service\n") == "certd@a.service");
    CHECK(unit_of("0::/user.slice/user-0.slice/session-3.scope\n").empty());
    CHECK(unit_of("0::/user.slice/user@0.service/app.slice/term.scope\n").empty());
    CHECK(unit_of("0::/\n").empty());
    CHECK(unit_of("").empty());
}

TEST_CASE("a service is ok when systemd started it, starts it at boot and after a crash") {
    ServiceFacts facts = running();
    facts.main_pid = 0;
    facts.enabled = facts.restart = "";
    read_unit(facts, "Restart=on-failure\nMainPID=42\nUnitFileState=enabled\nnonsense\n");
    CHECK(lines(service_findings(facts)) == Lines{"service.unit ok: certd runs as certd.service",
                                                  "service.enabled ok: certd.service is started at boot",
                                                  "service.restart ok: certd.service is started again: "
                                                  "Restart=on-failure"});
    facts.enabled = "disabled";
    facts.restart = "no";
    const auto lame = service_findings(facts);
    CHECK(line(lame[1]) == "service.enabled warning: certd.service is not started at boot: it is disabled");
    CHECK(lame[1].hint == "Run `systemctl enable certd.service`");
    CHECK(line(lame[2]) == "service.restart warning: certd.service is not started again after a crash");
    facts.enabled = "enabled-runtime";
    CHECK(service_findings(facts)[1].result == "warning");
}

TEST_CASE("a certd that systemd did not start is said to be so, and a machine without systemd is no fault") {
    ServiceFacts facts = running();
    facts.main_pid = 7;  // certd was started by what this unit runs
    CHECK(lines(service_findings(facts)) ==
          Lines{"service.unit warning: certd was not started by systemd: nothing starts it at boot or after a crash"});
    facts.unit.clear();
    CHECK(service_findings(facts).front().result == "warning");
    facts = running();
    facts.silent = problem("process.timeout", "systemctl did not end");
    CHECK(line(service_findings(facts).front()).starts_with("service.unit warning: systemd could not be asked: "));
    facts.systemd = false;
    REQUIRE(service_findings(facts).size() == 1);
    CHECK(line(service_findings(facts).front()).starts_with("service.unit ok: systemd does not run this machine"));
}

TEST_CASE("a configuration that a start would refuse blocks") {
    CHECK(line(config_finding("/c", std::nullopt)) == "config ok: /c can be loaded");
    const auto refused = config_finding("/c", problem("config.invalid", "It has 2 errors"));
    CHECK(line(refused).starts_with("config blocked: certd would not start again with /c: It has 2 errors"));
    CHECK(refused.hint == "Mend what `certd --check-config --config /c` shows, then run `certctl reload`");
}

TEST_CASE("programs are told together while nothing is wrong, and each fault by itself") {
    CHECK(program_findings("target web", 0, {}).empty());
    CHECK(lines(program_findings("target web", 1, {})) ==
          Lines{"programs ok: target web: 1 program can be run and changed by nobody else"});
    const auto faults = program_findings("target web", 2, {problem("deploy.test", "A"), problem("deploy.reload", "B")});
    REQUIRE(faults.size() == 2);
    CHECK(line(faults[0]).starts_with("programs blocked: A"));
    CHECK(line(faults[1]).starts_with("programs blocked: B"));
}

TEST_CASE("keys are certd's alone, other files of the state directory are only written by it") {
    const uid_t self = 900;
    CHECK_FALSE(fault_of({"/s/lineages/shop/versions/0001/privkey.pem", false, 0600, self}, self));
    CHECK(fault_of({"/s/lineages/shop/versions/0001/privkey.pem", false, 0640, self}, self) ==
          "/s/lineages/shop/versions/0001/privkey.pem can be read or changed by others (mode 0640)");
    CHECK(fault_of({"/s/accounts/main/key.pem.old-1", false, 0604, self}, self));
    CHECK(fault_of({"/s/lineages/shop/next-keys.json", false, 0644, self}, self));
    CHECK(fault_of({"/s/lineages/shop/order/ecdsa-p256.json", false, 0644, self}, self));
    CHECK_FALSE(fault_of({"/s/lineages/shop/versions/0001/cert.pem", false, 0644, 0}, self));
    CHECK(fault_of({"/s/lineages/shop/state.json", false, 0664, self}, self) ==
          "/s/lineages/shop/state.json can be changed by others (mode 0664)");
    CHECK(fault_of({"/s/live", true, 0777, self}, self) == "/s/live can be changed by others (mode 0777)");
    CHECK(fault_of({"/s/live", true, 0755, 33}, self) ==
          "/s/live belongs to user 33, neither root nor the one certd runs as");
}

TEST_CASE("of many faults in the state directory the first are named") {
    StateSurvey survey;
    survey.files = 12;
    survey.keys = 1;
    CHECK(line(state_finding("/s", survey)) ==
          "store.permissions ok: 12 files in /s are certd's own, and nobody else can read any of 1 key");
    survey.broken_off = problem("storage.io", "Cannot list /s/x");
    CHECK(line(state_finding("/s", survey)).starts_with("store.permissions warning: Cannot list /s/x"));
    survey.faults = {"a", "b", "c", "d", "e"};
    survey.faulty = 7;
    CHECK(line(state_finding("/s", survey)) == "store.permissions blocked: a; b; c; d; e; and 2 more");
}

TEST_CASE("a CA whose budget is used up warns, with when there is room again") {
    config::Ca ca;
    ca.name = {"main"};
    CHECK_FALSE(budget_left_finding(ca, {}, now));
    ca.limits = config::LimitsModel::letsencrypt;
    CHECK(budget_left_finding(ca, {}, now)->result == "ok");
    const BucketUse some{"orders", "main", 30, 300, now, now + hours(3)};
    const BucketUse more{"domain", "example.com", 40, 50, now, now + hours(3)};
    const BucketUse full{"exact-set", "a.example.com", 5, 5, now + hours(34), now + days(7)};
    CHECK(line(*budget_left_finding(ca, {some, more}, now)) ==
          "ca.main.budget ok: 40 of 50 of the limit domain of example.com are used, more than of any other");
    CHECK(
        line(*budget_left_finding(ca, {some, full, more}, now)) ==
        "ca.main.budget warning: 5 of 5 of the limit exact-set of a.example.com are used up; one more order in 1d 10h");
}

TEST_CASE("certd that nobody monitors warns, and so does a textfile that has gone stale") {
    config::MetricsListener metrics;
    CHECK(monitoring_findings(metrics, std::nullopt, now).front().result == "warning");
    metrics.listen = "127.0.0.1:9402";
    metrics.textfile = "/t/certd.prom";
    CHECK(lines(monitoring_findings(metrics, now - seconds(70), now)) ==
          Lines{"monitoring ok: metrics are served at 127.0.0.1:9402",
                "monitoring ok: metrics are written to /t/certd.prom"});
    metrics.listen.reset();
    CHECK(lines(monitoring_findings(metrics, now - hours(2), now)) ==
          Lines{"monitoring warning: /t/certd.prom was last written 2h 0m ago"});
    CHECK(lines(monitoring_findings(metrics, std::nullopt, now)) ==
          Lines{"monitoring warning: There is no /t/certd.prom yet"});
}

TEST_CASE("a notifier counts once it has delivered something") {
    CHECK(line(notification_findings({}, now).front()) ==
          "notification warning: Nobody is told of failures: there is no notifier");
    api::Notifier ops;
    ops.name = "ops";
    ops.to = "ops@example.com";
    const auto untested = notification_findings({ops}, now).front();
    CHECK(line(untested) == "notification.ops warning: Nothing was ever delivered to ops@example.com");
    CHECK(untested.hint == "To see whether messages arrive, run `certctl notify test ops`");
    ops.last_delivery = now - hours(3);
    CHECK(line(notification_findings({ops}, now).front()) ==
          "notification.ops ok: the last message was delivered to ops@example.com 3h 0m ago");
    ops.problem = problem("notify.mail", "The mail server refused it");
    CHECK(line(notification_findings({ops}, now).front())
              .starts_with("notification.ops warning: The last message was not delivered: The mail server refused it"));
}

TEST_CASE("a maintenance window is written as it is read") {
    for (const char* text : {"Sat 02:00-05:00", "Mon-Fri 01:00-03:30", "22:00-04:00", "Mon,Wed-Fri,Sun 00:00-24:00"}) {
        CAPTURE(text);
        CHECK(window_text(*config::parse_window(text)) == text);
    }
    CHECK(window_text(*config::parse_window("Sun-Tue 00:00-01:00")) == "Mon-Tue,Sun 00:00-01:00");
}

TEST_CASE("the slack names what leaves no room: the lifetime, and the windows when they are narrower") {
    config::Config all;
    config::Target web;
    web.name = {"web"};
    web.maintenance = {*config::parse_window("Sat 02:00-05:00")};
    all.targets.emplace(web.name, web);
    RenewalSlack slack{7, 0, TargetName{"web"}};
    const auto none = slack_finding(shop(), all, slack, hours(160));
    CHECK(
        line(none) ==
        "slack blocked: shop has 0 attempts: a certificate of 6d 16h and deployments to web on `Sat 02:00-05:00` only");
    CHECK(none.hint.starts_with("Give web more or longer maintenance windows"));
    slack.deploy = 2;
    CHECK(slack_finding(shop(), all, slack, hours(160)).result == "warning");
    slack.deploy = 40;
    CHECK(line(slack_finding(shop(), all, slack, hours(160))) ==
          "slack ok: shop has 7 attempts: a certificate of 6d 16h");
    slack.issue = 1;
    CHECK(line(slack_finding(shop(), all, slack, hours(160))) ==
          "slack warning: shop has 1 attempt: a certificate of 6d 16h");
    CHECK(slack_finding(shop(), all, std::nullopt, {}).result == "warning");
}

TEST_CASE("a lineage stands as its health says") {
    api::Lineage view;
    view.name = "shop";
    view.health = "ok";
    view.state = "waiting";
    view.version = 3;
    CHECK(line(standing_finding(view)) == "standing ok: waiting, version 3 is live");
    view.health = "warning";
    view.state = "deploy-failed";
    view.last_problem = problem("deploy.test", "The test failed");
    CHECK(
        line(standing_finding(view)).starts_with("standing warning: The lineage is deploy-failed (warning): The test"));
    view.health = "critical";
    CHECK(standing_finding(view).result == "blocked");
}

TEST_CASE("there is a version to go back to, or a reason why there is none") {
    const config::Lineage spec = shop();
    CHECK(rollback_finding(spec, {}).result == "ok");
    CHECK(line(rollback_finding(spec, {2, 1, 2, {}})) == "rollback ok: version 1 can be gone back to");
    CHECK(line(rollback_finding(spec, {1, 0, 1, {}})) ==
          "rollback ok: there is one version; the next renewal leaves it to go back to");
    CHECK(line(rollback_finding(spec, {2, 0, 2, problem("control.versionExpired", "Version 1 has expired")}))
              .starts_with("rollback warning: There is no version to go back to: Version 1 has expired"));
}
