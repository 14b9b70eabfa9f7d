// Lives of one lineage whose deployment goes wrong, and what operators do about it.
#include "tests/flow/world.hpp"

#include "tests/support/catch.hpp"

using namespace certd;
using namespace certd::test;

TEST_CASE(
    "a renewal whose reload fails leaves the old certificate served and is deployed without another order once "
    "mended") {
    World world;
    world.start();
    world.run_for(days(1));
    std::string old = world.service.serves();
    world.service.config_broken = true;
    Result<JobOutcome> renewed = world.renew({true, false});
    REQUIRE_FALSE(renewed);
    CHECK(renewed.error().code == "deploy.test");
    CHECK_FALSE(renewed.error().remote.empty());
    CHECK(world.plan().state == State::deploy_failed);
    CHECK(world.service.serves() == old);
    CHECK(world.lineage().state.live == VersionNumber{1});
    CHECK(world.lineage().state.newest == VersionNumber{2});

    std::size_t orders = world.ca.orders();
    world.run_for(days(2));
    CHECK(world.ca.orders() == orders);
    world.service.config_broken = false;
    world.run_for(hours(2));
    CHECK(world.lineage().state.live == VersionNumber{2});
    CHECK(world.service.serves() == world.live_fingerprint());
    CHECK(world.ca.orders() == orders);
    CHECK(world.plan().health == Health::ok);
}

TEST_CASE("a certificate that is not seen served is rolled back, and the state says so over a restart") {
    World world;
    world.start();
    world.run_for(days(1));
    std::string old = world.service.serves();
    world.service.keeps_old = true;
    Result<JobOutcome> renewed = world.renew({true, false});
    REQUIRE_FALSE(renewed);
    CHECK(renewed.error().code == "tls.notServed");
    CHECK(world.plan().state == State::rolled_back);
    world.restart();
    CHECK(world.plan().state == State::rolled_back);
    CHECK(world.service.serves() == old);
    CHECK(world.lineage().state.live == VersionNumber{1});
}

TEST_CASE("a manual rollback is verified and held: its version never comes back, the next renewal issues a new one") {
    World world;
    world.start();
    world.run_for(days(1));
    REQUIRE(world.renew({true, false}));
    std::string second = world.service.serves();
    Result<JobOutcome> rolled = world.roll_back();
    REQUIRE(rolled);
    CHECK(rolled->version == VersionNumber{1});
    CHECK(world.service.serves() != second);
    CHECK(world.service.serves() == world.live_fingerprint());
    CHECK(world.plan().state == State::held);

    world.restart();
    world.run_for(days(30));
    CHECK(world.lineage().state.live == VersionNumber{1});
    world.run_for(days(50));
    CHECK(world.lineage().state.live == VersionNumber{3});
    CHECK(world.plan().state == State::waiting);
}

TEST_CASE("a rollback without anything to go back to, or to an expired version, is refused") {
    World world;
    world.start();
    world.run_for(days(1));
    CHECK(world.roll_back().error().code == "control.noSuchVersion");
    CHECK(world.roll_back(7).error().code == "control.noSuchVersion");
    CHECK(world.roll_back(1).error().code == "control.noSuchVersion");
    world.run_for(days(95));
    CHECK(world.lineage().state.live == VersionNumber{2});
    CHECK(world.roll_back(1).error().code == "control.versionExpired");
    CHECK(world.roll_back().error().code == "control.noSuchVersion");
    CHECK(world.service.serves() == world.live_fingerprint());
}

TEST_CASE("a failed manual rollback leaves the current version in service and is not held") {
    World world;
    world.start();
    world.run_for(days(1));
    REQUIRE(world.renew({true, false}));
    world.service.config_broken = true;
    CHECK(world.roll_back().error().code == "deploy.test");
    CHECK(world.lineage().state.live == VersionNumber{2});
    CHECK_FALSE(world.lineage().state.held);
    CHECK(world.service.serves() == world.live_fingerprint());
}

TEST_CASE("an explicit deploy does not wait for its schedule") {
    World world;
    world.start();
    world.run_for(days(1));
    world.service.config_broken = true;
    CHECK_FALSE(world.renew({true, false}));
    CHECK_FALSE(world.finish(world.scheduler().deploy(name_of("example.com"), "")));
    world.service.config_broken = false;
    Result<JobOutcome> deployed = world.finish(world.scheduler().deploy(name_of("example.com"), "web"));
    REQUIRE(deployed);
    CHECK(deployed->version == VersionNumber{2});
    CHECK(world.scheduler().deploy(name_of("example.com"), "mail").error().code == "control.noSuchTarget");
}

TEST_CASE("a dry run goes through the whole flow at the CA for dry runs and touches nothing") {
    World world;
    std::string config = with(usual_config(), "defaults: {", "defaults: { dry_run_ca: other,");
    world.start(config);
    world.run_for(days(1));
    std::string serving = world.service.serves();
    auto before = world.host.files;
    Result<JobOutcome> rehearsed = world.renew({false, true});
    REQUIRE(rehearsed);
    CHECK(rehearsed->outcome == "rehearsed");
    CHECK(world.other_ca.certificates() == 1);
    CHECK(world.host.files == before);
    CHECK(world.service.serves() == serving);
    CHECK(world.engine->store.versions(name_of("example.com"))->size() == 1);
    CHECK(world.engine->store.load_order(name_of("example.com")).value() == std::nullopt);

    rehearsed = world.finish(world.scheduler().deploy(name_of("example.com"), "web", {}, true));
    REQUIRE(rehearsed);
    CHECK(rehearsed->outcome == "rehearsed");
    CHECK(rehearsed->version == VersionNumber{1});
    REQUIRE(rehearsed->rehearsed.size() == 1);
    CHECK(rehearsed->rehearsed[0].steps == std::vector<std::string>{"install", "test"});
    CHECK(rehearsed->rehearsed[0].not_rehearsed == std::vector<std::string>{"reload", "verify"});
    CHECK(world.count(EventType::deploy_rehearsed) == 2);
    CHECK(world.host.files == before);

    world.service.config_broken = true;
    CHECK(world.renew({false, true}).error().code == "deploy.test");
    CHECK(world.finish(world.scheduler().deploy(name_of("example.com"), "", {}, true)).error().code == "deploy.test");
    CHECK(world.count(EventType::deploy_failed) == 0);
    world.restart();
    CHECK(world.renew({false, true}).error().code == "config.noDryRunCa");
}

TEST_CASE("retention keeps the newest versions and the live one") {
    World world;
    world.start(with(usual_config(), "targets: [web] }", "targets: [web], keep_versions: 3 }"));
    world.run_for(days(1));
    for (int i = 0; i < 6; ++i)
        REQUIRE(world.renew({true, false}));
    auto versions = world.engine->store.versions(name_of("example.com"));
    REQUIRE(versions);
    CHECK(versions->size() == 3);
    CHECK(versions->back().number == VersionNumber{7});
}

TEST_CASE("a pending version whose files were damaged is put aside and the next renewal takes its place") {
    World world;
    world.start();
    world.run_for(days(1));
    world.service.config_broken = true;
    CHECK_FALSE(world.renew({true, false}));
    world.files.overwrite("/state/lineages/example.com/versions/0002/privkey.pem", "garbage");
    world.service.config_broken = false;
    world.run_for(hours(2));
    CHECK(world.count(EventType::store_damaged) >= 1);
    CHECK(world.count(EventType::deploy_failed) <= 3);
    CHECK(world.lineage().newest->number == VersionNumber{1});
    CHECK(world.service.serves() == world.live_fingerprint());
    REQUIRE(world.renew({true, false}));
    CHECK(world.lineage().state.live == VersionNumber{3});
    CHECK(world.service.serves() == world.live_fingerprint());
}

TEST_CASE("what is issued outside of the maintenance window is deployed in the next one") {
    // The world begins on Monday, 2026-11-23.
    World world;
    const std::string windows = with(usual_config(), "    test: [service, test]\n",
                                     "    test: [service, test]\n    maintenance: Sat 02:00-05:00\n");
    world.start();
    world.run_for(days(1));
    const std::string old = world.service.serves();
    world.reload(windows);
    Result<JobOutcome> renewed = world.renew({true, false});
    REQUIRE(renewed);
    CHECK(renewed->outcome == "issued");
    const Time opening = config::next_opening({config::parse_window("Sat 02:00-05:00").value()}, world.clock.now());
    CHECK(renewed->message.ends_with("waits for the maintenance window at " + format_rfc3339(opening)));
    CHECK(world.lineage().state.live == VersionNumber{1});
    CHECK(world.plan().health == Health::ok);
    world.run_for(opening - world.clock.now() - hours(1));
    CHECK(world.service.serves() == old);
    world.restart(windows);
    world.run_for(hours(2));
    CHECK(world.service.serves() == world.live_fingerprint());
    CHECK(world.lineage().state.live == VersionNumber{2});
    CHECK(world.count(EventType::deploy_outside_window) == 0);
}

TEST_CASE("an operator need not wait for the window") {
    World world;
    world.start(with(usual_config(), "    test: [service, test]\n",
                     "    test: [service, test]\n    maintenance: Sat 02:00-05:00\n"));
    world.run_for(hours(1));
    REQUIRE(world.lineage().state.newest == VersionNumber{1});
    CHECK(world.service.serves().empty());
    REQUIRE(world.finish(world.scheduler().deploy(name_of("example.com"), "")));
    CHECK(world.service.serves() == world.live_fingerprint());
}

TEST_CASE("a window that comes too late is not waited for, and that is an alarm") {
    World world;
    world.ca.knobs.certificate_lifetime = hours(48);
    world.start();
    world.run_for(hours(1));
    world.reload(with(usual_config(), "    test: [service, test]\n",
                      "    test: [service, test]\n    maintenance: Sun 02:00-05:00\n"));
    world.run_for(hours(48));
    CHECK(world.count(EventType::deploy_outside_window) == 1);
    CHECK(world.lineage().state.live == VersionNumber{2});
    CHECK(world.service.serves() == world.live_fingerprint());
}
