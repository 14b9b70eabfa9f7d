#include "daemon/app/views.hpp"
#include "tests/support/catch.hpp"

using namespace certd;

namespace {

const Time now{days(20000)};

std::shared_ptr<const VersionFacts> version(std::uint32_t number) {
    VersionFacts facts;
    facts.number = {number};
    facts.names = {{Identifier::Type::dns, "example.com"}};
    facts.ca = {"main"};
    facts.fingerprint = "ab";
    facts.not_before = now - days(10);
    facts.not_after = now + days(80);
    return std::make_shared<const VersionFacts>(facts);
}

Entry entry() {
    auto spec = std::make_shared<config::Lineage>();
    spec->name = "example.com";
    spec->names = {{Identifier::Type::dns, "example.com"}};
    spec->cas = {{"main"}};
    spec->targets = {{"web"}};
    Entry made;
    made.record.spec = spec;
    made.record.live = made.record.newest = version(2);
    made.record.state.live = made.record.state.newest = {2};
    TargetState target;
    target.target = {"web"};
    target.state = HostState::deployed;
    target.version = {2};
    target.verified_at = now;
    made.record.state.targets = {target};
    return made;
}

Plan waiting() {
    Plan plan;
    plan.action = Action::issue;
    plan.at = now + days(50);
    plan.ca = CaName{"main"};
    plan.reasons = {"2/3 of the lifetime"};
    return plan;
}

}  // namespace

TEST_CASE("a healthy lineage is shown with its certificate, what serves it and what comes next") {
    api::Lineage view = lineage_view(entry(), waiting(), false);
    CHECK(view.state == "waiting");
    CHECK(view.health == "ok");
    CHECK(view.served == "yes");
    CHECK(view.version == 2);
    CHECK(view.next.action == "issue");
    CHECK(view.next.reasons == std::vector<std::string>{"2/3 of the lifetime"});
    CHECK(view.targets.at(0).state == "deployed");
    CHECK(lineage_view(entry(), waiting(), true).targets.empty());
}

TEST_CASE("a running job shows as issuing, then deploying") {
    Entry busy = entry();
    busy.job = std::make_shared<Job>();
    busy.job->step = "Asking main to sign";
    CHECK(lineage_view(busy, waiting(), false).state == "issuing");
    CHECK(lineage_view(busy, waiting(), true).step == "Asking main to sign");
    busy.job->deploying = true;
    CHECK(lineage_view(busy, waiting(), false).state == "deploying");
}

TEST_CASE("served tells yes, no, partly and unknown apart") {
    Entry shown = entry();
    shown.record.state.targets[0].version = {1};
    CHECK(lineage_view(shown, waiting(), true).served == "no");
    shown.record.state.targets[0].verified_at.reset();
    CHECK(lineage_view(shown, waiting(), true).served == "unknown");
    shown = entry();
    auto spec = std::make_shared<config::Lineage>(*shown.record.spec);
    spec->targets.push_back({"mail"});
    shown.record.spec = spec;
    CHECK(lineage_view(shown, waiting(), true).served == "partly");
    spec->targets.clear();
    CHECK(lineage_view(shown, waiting(), true).served == "-");
}

TEST_CASE("each version has its status") {
    LineageState state;
    state.live = {3};
    state.rejected = {{4}};
    std::vector<VersionFacts> versions;
    for (std::uint32_t number = 1; number <= 5; ++number)
        versions.push_back(*version(number));
    api::Lineage view;
    add_versions(view, state, versions);
    std::vector<std::string> statuses;
    for (const api::Version& shown : view.versions)
        statuses.push_back(shown.status);
    CHECK(statuses == std::vector<std::string>{"old", "previous", "live", "rejected", "pending"});
}

TEST_CASE("an explanation says why, what happens next and the remedy") {
    Entry failed = entry();
    failed.record.newest = version(3);
    failed.record.state.newest = {3};
    failed.record.state.last_problem = problem("deploy.test", "nginx -t exited with 1", "nginx: [emerg] bad");
    Plan plan;
    plan.action = Action::deploy;
    plan.version = {3};
    plan.at = now + minutes(5);
    plan.state = State::deploy_failed;
    api::Explanation view = explanation_view(failed, plan, {{now, "deployment failed", "deploy.test"}}, now);
    CHECK(view.why.at(0) == "Version 3 is issued, but its deployment failed; version 2 stays in service.");
    CHECK(view.why.at(1).find("nginx: [emerg] bad") != std::string::npos);
    CHECK(view.then.at(0).find("Version 3 is deployed in 5m") == 0);
    CHECK_FALSE(view.cause.empty());
    CHECK_FALSE(view.remedy.empty());
    CHECK(view.history.at(0).code == "deploy.test");
}
