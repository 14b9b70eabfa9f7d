#include "daemon/app/views.hpp"
#include "daemon/app/explain_view.hpp"
#include "tests/support/catch.hpp"

#include <fmt/format.h>

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

TEST_CASE("every host of a target is shown, also one that nothing is known of yet") {
    Targets targets;
    targets[{"web"}].hosts = {{"web1", "web1"}, {"web2", "web2"}};
    Entry half = entry();
    half.record.state.targets.front().host = "web1";
    api::Lineage view = lineage_view(half, waiting(), false, &targets);
    CHECK(view.served == "partly");
    REQUIRE(view.targets.size() == 2);
    CHECK(view.targets[0].host == "web1");
    CHECK(view.targets[0].state == "deployed");
    CHECK(view.targets[1].host == "web2");
    CHECK(view.targets[1].state == "pending");
    CHECK(view.targets[1].version == 0);
    half.record.state.targets.push_back(half.record.state.targets.front());
    half.record.state.targets.front().host = "web2";  // in the order in which they were deployed to
    CHECK(lineage_view(half, waiting(), false, &targets).targets.front().host == "web1");
    CHECK(lineage_view(half, waiting(), true, &targets).served == "yes");
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

TEST_CASE("the CA's window is shown with its instant, and explained with what comes of it") {
    Entry windowed = entry();
    windowed.record.state.ari =
        AriState{{2},
                 AriWindow{now + days(40), now + days(42), now + days(41), "https://ca.example/why", true},
                 now + hours(5),
                 0,
                 ""};
    api::Lineage view = lineage_view(windowed, waiting(), false);
    REQUIRE(view.ari);
    CHECK(view.ari->start == now + days(40));
    CHECK(view.ari->end == now + days(42));
    CHECK(view.ari->selected == now + days(41));
    CHECK(view.ari->explanation_url == "https://ca.example/why");
    CHECK_FALSE(lineage_view(windowed, waiting(), true).ari);

    std::string text = fmt::format("{}", fmt::join(explanation_view(windowed, waiting(), {}, now).then, "\n"));
    CHECK(text.find("main suggests to renew version 2 between 2024-11-13T00:00:00Z and 2024-11-15T00:00:00Z; the "
                    "instant chosen is "
                    "2024-11-14T00:00:00Z.") != std::string::npos);
    CHECK(text.find("main explains this at https://ca.example/why") != std::string::npos);
    CHECK(text.find("main is asked about the time of the renewal again in 5h 0m") != std::string::npos);

    // About a version that was replaced: of no meaning.
    windowed.record.state.ari->version = {1};
    CHECK_FALSE(lineage_view(windowed, waiting(), false).ari);
}

TEST_CASE("questions to the CA that went unanswered are counted in the explanation") {
    Entry failing = entry();
    failing.record.state.ari = AriState{{2}, std::nullopt, now + hours(5), 3, "acme.http"};
    CHECK_FALSE(lineage_view(failing, waiting(), false).ari);
    std::string text = fmt::format("{}", fmt::join(explanation_view(failing, waiting(), {}, now).then, "\n"));
    CHECK(text.find("The last 3 questions to main about the time of the renewal went unanswered [acme.http].") !=
          std::string::npos);
}
