// State and health, and what a wrong clock does.
#include "tests/support/catch.hpp"
#include "tests/unit/lineage/lineage_builders.hpp"

using namespace certd;
using namespace certd::test;

namespace {

const Problem refused = problem("acme.rejectedIdentifier", "The CA does not issue for example.com");

}  // namespace

TEST_CASE("a paused lineage does nothing, whatever is due") {
    Scene scene(spec_of({"web"}));
    scene.state.paused = scene.state.renew_requested = true;
    scene.fail_issue(day(60), "first", refused);
    Plan plan = scene.at(day(80));
    CHECK(plan.action == Action::none);
    CHECK(plan.state == State::paused);
    CHECK(plan.health == Health::warning);
    CHECK(scene.at(day(90)).health == Health::critical);
}

TEST_CASE("a problem that needs a change blocks the lineage, to be looked at again after a day") {
    REQUIRE(refused.retry == Retry::after_change);
    Scene scene(spec_of());
    scene.fail_issue(day(60), "first", refused);
    Plan plan = scene.at(day(60) + minutes(1));
    CHECK(plan.state == State::blocked);
    CHECK(plan.health == Health::warning);
    CHECK(plan.action == Action::issue);
    CHECK(plan.at >= day(61));
    CHECK(plan.at < day(62));
    CHECK(plan.problem == refused);
}

TEST_CASE("a blocked lineage is due again when its configuration changes") {
    Scene scene(spec_of());
    scene.fail_issue(day(60), "first", refused);
    scene.spec.names = {{Identifier::Type::dns, "example.net"}};
    Plan plan = scene.at(day(60) + minutes(1));
    CHECK(plan.state == State::waiting);
    CHECK(plan.at == day(60) + minutes(1));
}

TEST_CASE("a record of dns-persist-01 that ends before the next renewal is worth a warning") {
    Scene scene(spec_of());
    scene.state.persist_until = day(59);
    CHECK(scene.at(day(1)).health == Health::ok);  // names are proven in another way
    scene.spec.name_challenges.push_back({".example.com", {}});
    scene.spec.name_challenges.back().challenge.dns_persist01.emplace();
    Plan plan = scene.at(day(1));
    CHECK(plan.health == Health::warning);
    CHECK(plan.state == State::waiting);
    REQUIRE(plan.problem);
    CHECK(plan.problem->what ==
          "The record for dns-persist-01 runs out at 2026-03-01T00:00:00Z, before the renewal at 2026-03-02T00:00:00Z");
    scene.state.persist_until = day(61);
    CHECK(scene.at(day(1)).health == Health::ok);
    scene.state.persist_until.reset();
    CHECK(scene.at(day(1)).health == Health::ok);
}

TEST_CASE("another provider is another way of proof: what failed before no longer counts") {
    config::Lineage before = spec_of(), after = spec_of();
    auto office = std::make_shared<config::DnsProvider>(), other = std::make_shared<config::DnsProvider>();
    office->name = "office";
    other->name = "other";
    before.challenge.dns01 = config::Dns01{office};
    after.challenge.dns01 = config::Dns01{other};
    CHECK(policy_digest(before) != policy_digest(after));
    after.challenge.dns01.reset();
    after.challenge.dns_account01 = config::Dns01{office};
    CHECK(policy_digest(before) != policy_digest(after));
    after.challenge.dns_account01.reset();
    after.challenge.dns_persist01.emplace();
    std::string anywhere = policy_digest(after);
    after.challenge.dns_persist01->servers = {"ns.example"};
    CHECK(policy_digest(after) != anywhere);
}

TEST_CASE("states take precedence in the order blocked, rolled-back, deploy-failed, backing-off, held") {
    Scene scene(spec_of({"web", "mail"}));
    scene.state.held = true;
    CHECK(scene.at(day(80)).state == State::held);
    scene.fail_issue(day(80));
    CHECK(scene.at(day(80)).state == State::backing_off);
    scene.state.held = false;
    scene.issue(facts_of(2, day(10)));
    scene.state.targets = {failed("web", 1, 2, day(81)), deployed("mail", 2)};
    CHECK(scene.at(day(80)).state == State::deploy_failed);
    scene.state.targets[1] = failed("mail", 1, 2, day(81), HostState::rolled_back);
    CHECK(scene.at(day(80)).state == State::rolled_back);
    scene.fail_issue(day(80), "first", refused);
    CHECK(scene.at(day(80)).state == State::blocked);
}

TEST_CASE("failures before the lineage is due are a warning, not a state") {
    Scene scene(spec_of());
    scene.fail_issue(day(10));
    Plan plan = scene.at(day(10));
    CHECK(plan.state == State::waiting);
    CHECK(plan.at == day(60));
    CHECK(plan.health == Health::warning);
}

TEST_CASE("failures before the last success are forgotten") {
    Scene scene(spec_of({}, {"first", "second"}));
    scene.fail_issue(day(0), "first");
    record_issue_success(scene.state, {"second"}, day(0) + minutes(1));
    CHECK(scene.at(day(1)).health == Health::ok);
}

TEST_CASE("an expired live certificate is critical") {
    Scene scene(spec_of());
    CHECK(scene.at(day(90) - milliseconds(1)).health == Health::warning);
    CHECK(scene.at(day(90)).health == Health::critical);
}

TEST_CASE("failing past the emergency point is critical, before it a warning") {
    Scene scene(spec_of());
    scene.fail_issue(day(74));
    CHECK(scene.at(day(75) - milliseconds(1)).health == Health::warning);
    CHECK(scene.at(day(75)).health == Health::critical);
}

TEST_CASE("failing to deploy is critical once the served certificate is past its emergency point") {
    Scene scene(spec_of({"web"}));
    scene.issue(facts_of(2, day(60)));
    scene.state.targets = {failed("web", 1, 2, day(74))};
    CHECK(scene.at(day(74)).health == Health::warning);
    CHECK(scene.at(day(76)).health == Health::critical);
}

TEST_CASE("failing without any certificate is critical") {
    Scene scene;
    scene.fail_issue(day(0));
    CHECK(scene.at(day(0)).health == Health::critical);
    CHECK(scene.at(day(0)).state == State::backing_off);
}

TEST_CASE("a renewal overdue by more than a day or a thirtieth of the lifetime is late") {
    Scene scene(spec_of());
    CHECK(scene.at(day(63)).health == Health::ok);
    CHECK(scene.at(day(63) + milliseconds(1)).health == Health::warning);
    scene.live = scene.newest = facts_of(1, day(0), days(9));
    CHECK(scene.at(day(4) + hours(12 + 24)).health == Health::ok);
    CHECK(scene.at(day(4) + hours(12 + 24) + milliseconds(1)).health == Health::warning);
}

TEST_CASE("a clock before the live certificate's beginning waits instead of renewing") {
    Scene scene(spec_of({"web"}));
    scene.spec.names.push_back({Identifier::Type::dns, "www.example.com"});
    Plan plan = scene.at(day(-1));
    CHECK(plan.action == Action::none);
    CHECK(plan.state == State::waiting);
    CHECK(plan.health == Health::warning);
    CHECK(mentions(plan.reasons, "clock"));
    CHECK(plan.problem->code == "schedule.clock");
    CHECK(plan.at > day(-1));
}

TEST_CASE("a clock that is a little behind the CA's is no reason to wait") {
    Scene scene(spec_of());
    CHECK(scene.at(day(0) - minutes(59)).action == Action::issue);
    CHECK(scene.at(day(0) - minutes(61)).action == Action::none);
}

TEST_CASE("a clock before the newest version was issued waits, whatever that version says") {
    Scene scene(spec_of({"web"}));
    scene.live->not_before = scene.newest->not_before = day(-100);
    CHECK(scene.at(day(-1)).action == Action::issue);
    CHECK(scene.at(day(-1) - milliseconds(1)).action == Action::none);
    CHECK(scene.at(Time(Duration::zero())).action == Action::none);
}

TEST_CASE("every action, state and health has the name that programs rely on") {
    CHECK(to_string(Action::deploy) == "deploy");
    CHECK(to_string(State::waiting) == "waiting");
    CHECK(to_string(State::backing_off) == "backing-off");
    CHECK(to_string(State::deploy_failed) == "deploy-failed");
    CHECK(to_string(State::rolled_back) == "rolled-back");
    CHECK(to_string(State::blocked) == "blocked");
    CHECK(to_string(Health::critical) == "critical");
}
