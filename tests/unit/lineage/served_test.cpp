// When targets are looked at again after their deployment, and what a look changes.
#include "daemon/lineage/served.hpp"
#include "tests/support/catch.hpp"
#include "tests/unit/lineage/lineage_builders.hpp"

#include <set>

using namespace certd;
using namespace certd::test;

namespace {

config::Config config_with(const std::vector<std::string>& targets, Duration every = hours(12)) {
    config::Config config;
    for (const std::string& name : targets) {
        config::Target target{.name = {name}};
        target.verify.addresses = {{StartTls::none, "127.0.0.1:443"}};
        target.verify.every = every;
        target.reads_live = true;
        config.targets[{name}] = target;
    }
    return config;
}

Scene verified(std::vector<std::string> targets, Time at) {
    Scene scene(spec_of(std::move(targets)));
    for (TargetState& target : scene.state.targets)
        target.verified_at = at;
    return scene;
}

Looked other_certificate() {
    return {Looked::Kind::other, "f9", problem("tls.notServed", "127.0.0.1:443 does not serve version 1")};
}

Looked nothing() {
    return {Looked::Kind::unreachable, {}, problem("tls.notServed", "127.0.0.1:443 cannot be reached")};
}

}  // namespace

TEST_CASE("a target is looked at so long after it was last seen to serve") {
    const Scene scene = verified({"web", "mail"}, day(3));
    config::Config config = config_with({"web", "mail"});
    config.targets.at({"mail"}).verify.every = hours(1);
    const auto watched = watched_places(scene.spec, config, scene.state, day(0));
    REQUIRE(watched.size() == 2);
    CHECK(watched[0].place.target.text == "web");
    CHECK(watched[0].at == day(3) + hours(12));
    CHECK(watched[1].at == day(3) + hours(1));
}

TEST_CASE("looks that were missed are made up for within the hour, each lineage at its own moment") {
    Scene scene = verified({"web"}, day(3));
    const config::Config config = config_with({"web"});
    std::set<Time> moments;
    for (int i = 0; i < 50; ++i) {
        scene.spec.name = "l" + std::to_string(i);
        const Time at = watched_places(scene.spec, config, scene.state, day(9)).at(0).at;
        CHECK(at >= day(9));
        CHECK(at < day(9) + hours(1));
        CHECK(at == watched_places(scene.spec, config, scene.state, day(9)).at(0).at);
        moments.insert(at);
    }
    CHECK(moments.size() > 40);
}

TEST_CASE("only what was deployed, can be asked and is still the lineage's own is looked at") {
    const config::Config config = config_with({"web"});
    Scene scene = verified({"web"}, day(0));
    REQUIRE(watched_places(scene.spec, config, scene.state, day(0)).size() == 1);
    SECTION("not one whose deployment failed") {
        scene.state.targets[0].state = HostState::failed;
    }
    SECTION("not one with another version") {
        scene.state.targets[0].version = {7};
    }
    SECTION("not one that was taken out of the lineage") {
        scene.spec.targets.clear();
    }
    SECTION("not before there is a certificate") {
        scene.state.live = {};
        scene.state.targets[0].version = {};
    }
    CHECK(watched_places(scene.spec, config, scene.state, day(0)).empty());
}

TEST_CASE("without addresses there is nothing to look at") {
    config::Config config = config_with({"web"});
    const Scene scene = verified({"web"}, day(0));
    config.targets.at({"web"}).verify.addresses.clear();
    CHECK(watched_places(scene.spec, config, scene.state, day(0)).empty());
    CHECK(watched_places(scene.spec, config_with({}), scene.state, day(0)).empty());
}

TEST_CASE("another certificate than the one deployed makes the target due, also after a rollback by hand") {
    const bool held = GENERATE(false, true);
    Scene scene = verified({"web"}, day(3));
    if (held) {
        scene.issue(facts_of(2, day(1)));
        scene.state.rejected = {{2}};
        scene.state.held = true;
    }
    CHECK(record_look(scene.state.targets[0], other_certificate(), {1}, day(4)) == ServedChange::lost);
    CHECK(scene.state.targets[0].served_fingerprint == "f9");
    CHECK(scene.state.targets[0].verified_at == day(3));
    const Plan plan = scene.at(day(4));
    CHECK(plan.action == Action::deploy);
    CHECK(plan.at == day(4));
    CHECK(plan.version == VersionNumber{1});
    CHECK(plan.health == Health::warning);
    REQUIRE(plan.problem);
    CHECK(plan.problem->code == "tls.notServed");
}

TEST_CASE("a target that shows nothing is told of once, asked again soon, and left alone otherwise") {
    Scene scene = verified({"web"}, day(3));
    TargetState& web = scene.state.targets[0];
    CHECK(record_look(web, nothing(), {1}, day(4)) == ServedChange::unreachable);
    CHECK(record_look(web, nothing(), {1}, day(4) + minutes(10)) == ServedChange::none);
    CHECK(watched_places(scene.spec, config_with({"web"}), scene.state, day(0)).at(0).at == day(4) + minutes(20));
    CHECK(watched_places(scene.spec, config_with({"web"}, minutes(1)), scene.state, day(0)).at(0).at ==
          day(4) + minutes(11));
    const Plan plan = scene.at(day(5));
    CHECK(plan.action == Action::issue);
    CHECK(plan.state == State::waiting);
    CHECK(plan.health == Health::warning);
    REQUIRE(plan.problem);
    CHECK(plan.problem->what == "127.0.0.1:443 cannot be reached");

    CHECK(record_look(web, {Looked::Kind::serves, "f1", {}}, {1}, day(5)) == ServedChange::back);
    CHECK(record_look(web, {Looked::Kind::serves, "f1", {}}, {1}, day(6)) == ServedChange::none);
    CHECK(web.verified_at == day(6));
    CHECK(scene.at(day(6)).health == Health::ok);
}
