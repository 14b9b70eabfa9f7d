// What is found to be wrong, by what the state looks like.
#include "daemon/notify/conditions.hpp"

#include "tests/unit/notify/builders.hpp"

#include <fmt/format.h>

using namespace certd;
using namespace certd::test;

namespace {

// example.com, version 3 of 90 days, deployed to web, renewed in a month.
struct Lineage {
    Lineage() {
        spec.name = "example.com";
        spec.cas = {{"main"}, {"other"}};
        spec.targets = {{"web"}};
        live.number = {3};
        live.not_before = now - days(30);
        live.not_after = now + days(60);
        state.live = state.newest = {3};
        state.last_success = now - days(30);
        TargetState web;
        web.target = {"web"};
        web.state = HostState::deployed;
        web.version = {3};
        state.targets = {web};
        plan.action = Action::issue;
        plan.at = now + days(30);
        plan.ca = CaName{"main"};
    }

    TargetState& web() { return state.targets.front(); }
    void fail_at(const std::string& ca, std::uint32_t times, Problem problem) {
        CaAttempts& attempts = state.attempts[{ca}];
        attempts.failures = times;
        attempts.last_attempt = now - minutes(1);
        attempts.problem = std::move(problem);
    }
    std::vector<Condition> seen(Time at, Time watched_since = start_of_tests - days(1)) const {
        LineageSight sight{spec, state, &live, &targets, plan, hours(1), running};
        return lineage_conditions(sight, causes, at, watched_since);
    }
    // "kind severity title" of each.
    std::vector<std::string> found(Time at = start_of_tests) const {
        std::vector<std::string> lines;
        for (const Condition& condition : seen(at)) {
            if (condition.consequence) continue;
            lines.push_back(
                fmt::format("{} {} {}", to_string(condition.kind), to_string(condition.severity), condition.title));
        }
        return lines;
    }

    Time now = start_of_tests;
    config::Lineage spec;
    LineageState state;
    VersionFacts live;
    Targets targets;
    Plan plan;
    Causes causes;
    std::optional<LineageSight::Running> running;
};

using Lines = std::vector<std::string>;
const Problem unauthorized = problem("acme.unauthorized", "The CA refused example.com", "no");
const Problem connection = problem("net.connect", "Cannot connect");

}  // namespace

TEST_CASE("of a healthy lineage there is nothing to tell") {
    CHECK(Lineage().found().empty());
}

TEST_CASE("one failed attempt is not told, a second one is, a success ends it") {
    Lineage lineage;
    lineage.fail_at("main", 1, connection);
    CHECK(lineage.found().empty());
    lineage.fail_at("main", 2, connection);
    CHECK(lineage.found() == Lines{"renewal warning renewal at main fails"});
    lineage.state.last_success = lineage.now;
    CHECK(lineage.found().empty());
}

TEST_CASE("the first certificate, and what an operator must act upon, is told at the first failure") {
    Lineage lineage;
    lineage.fail_at("main", 1, problem("acme.rejectedIdentifier", "The CA rejects example.com"));
    CHECK(lineage.found() == Lines{"blocked error renewal at main is blocked until somebody acts"});
    // Whether or not it is paused meanwhile.
    lineage.state.paused = true;
    CHECK(lineage.found() == Lines{"blocked error renewal at main is blocked until somebody acts"});
}

TEST_CASE("attempts at a CA that the lineage does not use any more do not count") {
    Lineage lineage;
    lineage.fail_at("gone", 9, connection);
    CHECK(lineage.found().empty());
}

TEST_CASE("a CA that is down is one incident, not one for each lineage, until it becomes urgent") {
    Lineage lineage;
    lineage.fail_at("main", 5, connection);
    lineage.causes.down.insert({"main"});
    CHECK(lineage.found().empty());
    CHECK(lineage.seen(lineage.now).front().consequence);
    lineage.live.not_after = lineage.now + days(1);
    CHECK(lineage.found() == Lines{"renewal critical renewal at main fails",
                                   "expiring error the certificate expires soon and is not renewed"});
    // What the CA answered is not explained by its silence.
    Lineage other;
    other.fail_at("main", 5, problem("acme.dns", "no such name"));
    other.causes.down.insert({"main"});
    CHECK(other.found().size() == 1);

    DaemonSight daemon;
    CaHealth health;
    for (int i = 0; i < 3; ++i)
        note_silence(health, connection, start_of_tests);
    daemon.ca_health[{"main"}] = health;
    auto conditions = daemon_conditions(daemon, causes_of(daemon), start_of_tests);
    REQUIRE(conditions.size() == 1);
    CHECK(conditions.front().key == "ca/main");
    CHECK(conditions.front().title == "main does not answer");
}

TEST_CASE("an account that the CA wants somebody to act for is one incident") {
    Lineage lineage;
    lineage.fail_at("main", 1, problem("acme.userActionRequired", "The CA wants its user to act"));
    Causes causes;
    add_causes(causes, lineage.state);
    lineage.causes = causes;
    CHECK(lineage.found().empty());
    auto conditions = daemon_conditions({}, causes, start_of_tests);
    REQUIRE(conditions.size() == 1);
    CHECK(conditions.front().key == "ca/main/account");
    CHECK(conditions.front().severity == Severity::critical);
}

TEST_CASE("a failed deployment says whether it was rolled back, and whether even that failed") {
    Lineage lineage;
    lineage.web().state = HostState::failed;
    lineage.web().failures = 1;
    lineage.web().problem = problem("deploy.test", "nginx -t failed");
    CHECK(lineage.found() == Lines{"deployment error deployment to web failed"});
    lineage.web().state = HostState::rolled_back;
    CHECK(lineage.found() == Lines{"deployment error deployment to web failed and was rolled back"});
    lineage.web().problem->parts.push_back(problem("deploy.restoreFailed", "Putting the old certificate back failed"));
    CHECK(lineage.found() == Lines{"rollback critical rollback of web failed"});
    Condition condition = lineage.seen(start_of_tests).front();
    CHECK(condition.key == "lineage/example.com/target/web");
    CHECK(condition.served == "not known: see the problem");
    CHECK(condition.next == "a certificate is ordered from main at 2026-12-23T00:00:00Z (in 30d 0h)");
}

TEST_CASE("while a deployment is tried its failure is not told, unless it takes long") {
    Lineage lineage;
    lineage.web().state = HostState::failed;
    lineage.web().failures = 1;
    lineage.web().problem = problem("deploy.test", "nginx -t failed");
    lineage.running = LineageSight::Running{"Testing web", lineage.now - minutes(9)};
    CHECK(lineage.found().empty());
    CHECK(lineage.seen(lineage.now).size() == 1);  // which keeps an incident open
    lineage.running->since = lineage.now - minutes(10);
    CHECK(lineage.found() == Lines{"deployment error deployment to web failed"});
    lineage.web().failures = 0;
    lineage.web().version = {};
    lineage.running->since = lineage.now;
    CHECK(lineage.found() == Lines{"served error web serves another certificate"});
}

TEST_CASE("a certificate that is not served any more is told, and what is served instead") {
    Lineage lineage;
    lineage.web().problem = problem("net.connect", "Cannot connect to 127.0.0.1:443");
    CHECK(lineage.found() == Lines{"served warning web does not show its certificate"});
    lineage.web().state = HostState::failed;
    lineage.web().version = {};
    lineage.web().served_fingerprint = "ab12";
    CHECK(lineage.found() == Lines{"served error web serves another certificate"});
    CHECK(lineage.seen(start_of_tests).front().served == "another certificate, SHA-256 ab12");
}

TEST_CASE("a rollout that stopped is one incident with the hosts that failed") {
    Lineage lineage;
    config::Target& fleet = lineage.targets[{"web"}];
    fleet.name = {"web"};
    lineage.state.targets.clear();
    for (int i = 1; i <= 6; ++i) {
        std::string name = fmt::format("web{}", i);
        fleet.hosts.push_back({name, name, 22, {}});
        TargetState host;
        host.target = {"web"};
        host.host = name;
        host.wanted = {4};
        host.state = i <= 4 ? HostState::failed : HostState::pending;
        host.failures = 1;
        host.problem = problem("deploy.test", "failed");
        lineage.state.targets.push_back(host);
    }
    CHECK(lineage.found() ==
          Lines{"rollout error rollout to web stopped: web1, web2, web3 and 1 more failed, 2 not tried"});
    // A host that is not configured any more does not count.
    fleet.hosts.erase(fleet.hosts.begin(), fleet.hosts.begin() + 4);
    CHECK(lineage.found().empty());
}

TEST_CASE("a certificate near its end, and past it, is one incident that gets worse") {
    Lineage lineage;
    lineage.plan.at = lineage.live.not_after;
    CHECK(lineage.found(lineage.live.not_after - days(15) - minutes(1)).empty());
    CHECK(lineage.found(lineage.live.not_after - days(15)) ==
          Lines{"expiring error the certificate expires soon and is not renewed"});
    CHECK(lineage.found(lineage.live.not_after) == Lines{"expired critical the certificate has expired"});
    CHECK(lineage.seen(lineage.live.not_after - days(1)).front().key ==
          lineage.seen(lineage.live.not_after).front().key);
    CHECK(lineage.seen(lineage.live.not_after).front().served == "version 3, which expired at 2027-01-22T00:00:00Z");
}

TEST_CASE("no progress is an incident: not started, never ending, paused though due") {
    Lineage lineage;
    lineage.plan.at = lineage.now - days(2);
    CHECK(lineage.found() == Lines{"stalled error what is due is not started"});
    // After a long rest of certd itself there is time to catch up.
    CHECK(lineage.seen(lineage.now, lineage.now - minutes(59)).empty());
    CHECK(lineage.seen(lineage.now, lineage.now - minutes(60)).size() == 1);

    lineage.running = LineageSight::Running{"Verifying web", lineage.now - minutes(119)};
    CHECK(lineage.found().empty());
    lineage.running->since = lineage.now - minutes(120);
    CHECK(lineage.found() == Lines{"stalled error a job does not come to an end"});
    config::Target& slow = lineage.targets[{"web"}];
    slow.rollout.pause_between = hours(1);
    slow.hosts.resize(2);
    slow.hosts[0].name = slow.hosts[1].name = "a";
    lineage.state.targets.clear();
    CHECK(lineage.found().empty());

    Lineage paused;
    paused.state.paused = true;
    paused.plan = {};
    CHECK(paused.found().empty());
    CHECK(paused.found(paused.now + days(40)) == Lines{"stalled warning paused although it is due for renewal"});
    CHECK(paused.seen(paused.now + days(40)).front().next == "nothing, until `certctl resume example.com`");
}

TEST_CASE("a scheduler that is stuck and a refused configuration are incidents of certd itself") {
    DaemonSight daemon;
    daemon.since_last_pass = minutes(3);
    daemon.config_problem = problem("config.invalid", "certd.yaml:3: Unknown key");
    auto conditions = daemon_conditions(daemon, {}, start_of_tests);
    REQUIRE(conditions.size() == 2);
    CHECK(conditions[0].title == "the configuration on disk was refused");
    CHECK(conditions[1].title == "certd makes no progress");
    CHECK(conditions[1].problem->code == "schedule.stuck");
}

TEST_CASE("a clock that is wrong is one incident, and nothing else is told by it") {
    Lineage lineage;
    lineage.plan.problem = problem("schedule.clock", "The clock says 1970");
    lineage.plan.health = Health::warning;
    lineage.live.not_after = lineage.now - days(1);
    CHECK(lineage.found() == Lines{"clock error this machine's clock is wrong"});
    CHECK(lineage.seen(lineage.now).front().key == clock_key);
}

TEST_CASE("what else makes a lineage unhealthy needs attention") {
    Lineage lineage;
    lineage.plan.health = Health::warning;
    lineage.plan.problem = problem("acme.namesRefused", "The certificate lacks www.example.com");
    CHECK(lineage.found() == Lines{"attention warning needs attention"});
    lineage.plan.state = State::held;  // by an operator, who knows
    CHECK(lineage.found().empty());
}
