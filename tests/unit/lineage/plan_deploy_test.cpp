// When plan() deploys, and what a manual rollback changes.
#include "tests/support/catch.hpp"
#include "tests/unit/lineage/lineage_builders.hpp"

using namespace certd;
using namespace certd::test;

namespace {

using Places = std::vector<Place>;

// Version 2 was issued on day 60; version 1 is live and served.
Scene with_new_version(std::vector<std::string> targets) {
    Scene scene(spec_of(std::move(targets)));
    scene.issue(facts_of(2, day(60)));
    return scene;
}

// Version 2 was live and was rolled back from by hand.
Scene after_rollback(std::vector<std::string> targets = {"web"}) {
    Scene scene = with_new_version(std::move(targets));
    scene.state.rejected = {{2}};
    scene.state.held = true;
    return scene;
}

}  // namespace

TEST_CASE("a new version is deployed at once to every target that lacks it") {
    Scene scene = with_new_version({"web", "mail"});
    Plan plan = scene.at(day(60));
    CHECK(plan.action == Action::deploy);
    CHECK(plan.at == day(60));
    CHECK(plan.version == VersionNumber{2});
    CHECK(plan.places == Places{{{"web"}}, {{"mail"}}});
    CHECK(plan.reasons == std::vector<std::string>{"version 2 is not deployed to web, mail"});
    CHECK(plan.state == State::waiting);
    CHECK(plan.health == Health::ok);
}

TEST_CASE("a target added to the configuration gets the current version") {
    Scene scene(spec_of({"web"}));
    scene.spec.targets.push_back({"mail"});
    Plan plan = scene.at(day(10));
    CHECK(plan.action == Action::deploy);
    CHECK(plan.places == Places{{{"mail"}}});
    CHECK(plan.version == VersionNumber{1});
}

TEST_CASE("a host that failed is tried again alone, and those that wait for it come with it") {
    Targets targets;
    targets[{"fleet"}].hosts = {{"web1", "web1"}, {"web2", "web2"}, {"web3", "web3"}};
    Scene scene = with_new_version({"fleet"});
    scene.targets = &targets;
    TargetState done = deployed("fleet", 2);
    done.host = "web1";
    TargetState broken = failed("fleet", 1, 2, day(60) + minutes(5));
    broken.host = "web2";
    TargetState waiting = broken;
    waiting.host = "web3";
    waiting.state = HostState::pending;
    waiting.problem.reset();
    scene.state.targets = {done, broken, waiting};
    Plan plan = scene.at(day(60));
    CHECK(plan.at == day(60) + minutes(5));
    CHECK(plan.places == Places{{{"fleet"}, "web2"}, {{"fleet"}, "web3"}});
    CHECK(plan.state == State::deploy_failed);
    waiting.state = HostState::deployed;
    waiting.version = {2};
    scene.state.targets = {done, broken, waiting};
    CHECK(scene.at(day(60)).places == Places{{{"fleet"}, "web2"}});
}

TEST_CASE("a deployment waits for the maintenance window of its target") {
    Targets targets;
    targets[{"web"}].maintenance = {config::parse_window("Sat 02:00-05:00").value()};
    targets[{"mail"}];
    Scene scene = with_new_version({"web"});
    scene.targets = &targets;
    Plan plan = scene.at(day(60));
    CHECK(plan.action == Action::deploy);
    CHECK(plan.at == config::next_opening(targets[{"web"}].maintenance, day(60)));
    CHECK(plan.at > day(60));
    CHECK(plan.at < day(67) + hours(5));
    CHECK_FALSE(plan.overrides_maintenance);
    CHECK(mentions(plan.reasons, "the maintenance window opens at"));
    CHECK(plan.health == Health::ok);
    Plan inside = scene.at(plan.at + minutes(30));
    CHECK(inside.at <= plan.at + minutes(30));
    CHECK(inside.places == Places{{{"web"}}});

    SECTION("a target without one does not wait for the other") {
        scene.spec.targets.push_back({"mail"});
        CHECK(scene.at(day(60)).places == Places{{{"mail"}}});
    }
    SECTION("a retry within the window does not wait for the next, one after it does") {
        scene.state.targets = {failed("web", 1, 2, plan.at + minutes(5))};
        CHECK(scene.at(plan.at).at == plan.at + minutes(5));
        scene.state.targets = {failed("web", 1, 2, plan.at + hours(4))};
        CHECK(scene.at(plan.at).at == plan.at + days(7));
    }
}

TEST_CASE("no maintenance window is waited for once what is served nears its end") {
    Targets targets;
    targets[{"web"}].maintenance = {config::parse_window("Sat 02:00-05:00").value()};
    Scene scene = with_new_version({"web"});
    scene.targets = &targets;
    const Time emergency = emergency_point(*scene.live);
    Plan plan = scene.at(emergency + minutes(1));
    CHECK(plan.at <= emergency + minutes(1));
    CHECK(plan.overrides_maintenance);
    CHECK(mentions(plan.reasons, "the maintenance window would come too late"));
    SECTION("which is that of the place, whatever is live") {
        scene.live = scene.newest;
        scene.state.live = scene.state.newest;
        scene.state.targets.front().emergency_at = emergency;
        CHECK(scene.at(emergency + minutes(1)).overrides_maintenance);
        scene.state.targets.front().emergency_at = emergency + days(10);
        CHECK_FALSE(scene.at(emergency + minutes(1)).overrides_maintenance);
    }
}

TEST_CASE("a host added to a target gets the current version, and this machine comes first") {
    Targets targets;
    targets[{"fleet"}].hosts = {{"web1", "web1"}};
    Scene scene = with_new_version({"fleet", "web"});
    scene.targets = &targets;
    Plan plan = scene.at(day(60));
    CHECK(plan.places == Places{{{"web"}}, {{"fleet"}, "web1"}});
    CHECK(plan.reasons == std::vector<std::string>{"version 2 is not deployed to web, fleet on web1"});
    targets[{"fleet"}].hosts.push_back({"web2", "web2"});
    CHECK(scene.at(day(60)).reasons == std::vector<std::string>{"version 2 is not deployed to web, fleet (2 hosts)"});
}

TEST_CASE("a target is done when every host of it is") {
    Targets targets;
    targets[{"fleet"}].hosts = {{"web1", "web1"}, {"web2", "web2"}};
    Scene scene(spec_of({"fleet"}));
    scene.targets = &targets;
    scene.state.targets.front().host = "web1";
    CHECK(scene.at(day(1)).places == Places{{{"fleet"}, "web2"}});
    TargetState second = deployed("fleet", 1);
    second.host = "web2";
    scene.state.targets.push_back(second);
    CHECK(scene.at(day(1)).action == Action::issue);
    scene.state.targets.back().state = HostState::pending;
    CHECK(scene.at(day(1)).action == Action::deploy);
    scene.state.targets.back() = deployed("fleet", 0);
    CHECK(scene.at(day(1)).action == Action::deploy);
    scene.state.targets.back() = deployed("fleet", 1);
    scene.state.targets.back().state = HostState::deploying;
    CHECK(scene.at(day(1)).action == Action::deploy);
}

TEST_CASE("states of targets no longer configured do not matter") {
    Scene scene(spec_of({"web"}));
    scene.state.targets.push_back(failed("gone", 0, 1));
    Plan plan = scene.at(day(1));
    CHECK(plan.action == Action::issue);
    CHECK(plan.health == Health::ok);
}

TEST_CASE("a failed deployment is retried on its own schedule without another order") {
    Scene scene = with_new_version({"web"});
    scene.state.targets = {failed("web", 1, 2, day(60) + minutes(5))};
    Plan plan = scene.at(day(60) + minutes(1));
    CHECK(plan.action == Action::deploy);
    CHECK(plan.at == day(60) + minutes(5));
    CHECK(mentions(plan.reasons, "the last deployment failed"));
    CHECK(plan.state == State::deploy_failed);
    CHECK(plan.health == Health::warning);
    CHECK(plan.problem->code == "deploy.test");
}

TEST_CASE("only the targets whose time has come are tried again") {
    Scene scene = with_new_version({"web", "mail", "ftp"});
    scene.state.targets = {failed("web", 1, 2, day(60) + hours(1)), failed("mail", 1, 2, day(60) + minutes(5)),
                           failed("ftp", 1, 2, day(60) + minutes(5) + seconds(30))};
    CHECK(scene.at(day(60)).at == day(60) + minutes(5));
    CHECK(scene.at(day(60)).places == Places{{{"mail"}}, {{"ftp"}}});
    CHECK(scene.at(day(60) + hours(2)).places == Places{{{"web"}}, {{"mail"}}, {{"ftp"}}});
}

TEST_CASE("what an older version's deployment failed on does not hold up a new version") {
    Scene scene = with_new_version({"web"});
    scene.state.targets = {failed("web", 0, 1, day(60) + hours(1))};
    CHECK(scene.at(day(60)).at == day(60));
}

TEST_CASE("a target rolled back after verification makes the state rolled-back") {
    Scene scene = with_new_version({"web", "mail"});
    scene.state.targets = {failed("web", 1, 2, day(61)), failed("mail", 1, 2, day(61), HostState::rolled_back)};
    CHECK(scene.at(day(60)).state == State::rolled_back);
}

TEST_CASE("a lineage without targets only switches live") {
    Scene scene = with_new_version({});
    Plan plan = scene.at(day(60));
    CHECK(plan.action == Action::deploy);
    CHECK(plan.places.empty());
    CHECK(plan.reasons == std::vector<std::string>{"version 2 is not live yet"});
    scene.live = scene.newest;
    CHECK(scene.at(day(60)).action == Action::issue);
}

TEST_CASE("a failed switch of live is retried on its own schedule") {
    Scene scene = with_new_version({});
    scene.state.targets = {failed("", 1, 2, day(60) + minutes(5))};
    Plan plan = scene.at(day(60));
    CHECK(plan.action == Action::deploy);
    CHECK(plan.at == day(60) + minutes(5));
    CHECK(plan.state == State::deploy_failed);
    scene.live = scene.newest;
    CHECK(scene.at(day(60)).state == State::waiting);
}

TEST_CASE("an issue that is due wins over a deployment") {
    Scene scene = with_new_version({"web"});
    scene.spec.names.push_back({Identifier::Type::dns, "www.example.com"});
    CHECK(scene.at(day(60)).action == Action::issue);
}

TEST_CASE("a deployment goes on while the issue waits for its back-off") {
    Scene scene = with_new_version({"web"});
    scene.spec.names.push_back({Identifier::Type::dns, "www.example.com"});
    scene.fail_issue(day(60));
    CHECK(scene.at(day(60)).action == Action::deploy);
}

TEST_CASE("whichever of deployment and issue comes first is planned") {
    Scene scene = with_new_version({"web"});
    scene.state.targets = {failed("web", 1, 2, day(200))};
    Plan plan = scene.at(day(61));
    CHECK(plan.action == Action::issue);
    CHECK(plan.at == day(120));
}

TEST_CASE("an undeployed version's own age decides on the next issue") {
    Scene scene = with_new_version({"web"});
    scene.state.targets = {failed("web", 1, 2, day(80))};
    CHECK(scene.at(day(79)).action == Action::deploy);
    scene.state.targets = {failed("web", 1, 2, day(121))};
    CHECK(scene.at(day(119)).at == day(120));
}

TEST_CASE("an expired version is never deployed") {
    Scene scene = with_new_version({"web"});
    Plan plan = scene.at(day(151));
    CHECK(plan.action == Action::issue);
    CHECK(plan.at <= day(151));
}

TEST_CASE("the version rolled back from is not deployed again") {
    Scene scene = after_rollback();
    Plan plan = scene.at(day(61));
    CHECK(plan.action == Action::issue);
    CHECK(plan.state == State::held);
    CHECK(plan.health == Health::warning);
    CHECK(mentions(plan.reasons, "held after a manual rollback"));
}

TEST_CASE("a held lineage issues at the emergency point of the live version when that comes first") {
    Scene scene = after_rollback();
    Plan plan = scene.at(day(61));
    CHECK(plan.at == day(75));
    CHECK(mentions(plan.reasons, "version 1, which is live, has 1/6 of its lifetime left"));
}

TEST_CASE("a held lineage issues at the renewal time of the newest version when that comes first") {
    Scene scene = after_rollback();
    scene.live->not_after = day(400);
    CHECK(scene.at(day(61)).at == day(120));
    CHECK(scene.at(day(61)).reasons.front() == "2/3 of the lifetime");
}

TEST_CASE("a resumed lineage whose newest version was rejected renews by the age of the live one") {
    Scene scene = after_rollback();
    scene.state.held = false;
    Plan plan = scene.at(day(61));
    CHECK(plan.action == Action::issue);
    CHECK(plan.at == day(60));
    CHECK(plan.state == State::waiting);
}

TEST_CASE("after a manual rollback a target that lags behind the live version is brought to it") {
    Scene scene = after_rollback({"web", "mail"});
    scene.state.targets = {deployed("web", 1), failed("mail", 2, 1, day(61))};
    Plan plan = scene.at(day(60));
    CHECK(plan.action == Action::deploy);
    CHECK(plan.version == VersionNumber{1});
    CHECK(plan.places == Places{{{"mail"}}});
}

TEST_CASE("a version newer than the one rolled back to is not deployed while the lineage is held") {
    Scene scene = with_new_version({"web"});
    scene.state.held = true;
    CHECK(scene.at(day(61)).action == Action::issue);
}

TEST_CASE("a new version ends what a rollback began") {
    Scene scene = after_rollback();
    scene.state.held = false;
    scene.issue(facts_of(3, day(75)));
    Plan plan = scene.at(day(75));
    CHECK(plan.action == Action::deploy);
    CHECK(plan.version == VersionNumber{3});
}
