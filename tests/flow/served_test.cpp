// What happens when a service no longer serves what was deployed to it, and nobody says so.
#include "tests/flow/world.hpp"

#include "tests/support/catch.hpp"

using namespace certd;
using namespace certd::test;

namespace {

// As a backup does that brings yesterday's files back, with the reload that follows.
class Yesterday {
   public:
    explicit Yesterday(World& world) : world_(world), files_(world.host.files) {}
    void come_back() {
        world_.host.files = files_;
        world_.service.start();
    }

   private:
    World& world_;
    std::map<std::string, InstalledFile> files_;
};

}  // namespace

TEST_CASE("a service that falls back to an old certificate behind certd's back is found out and put right") {
    World world;
    world.start();
    world.run_for(days(1));
    Yesterday yesterday(world);
    REQUIRE(world.renew({true, false}));
    const std::size_t orders = world.ca.orders();
    yesterday.come_back();
    REQUIRE(world.service.serves() != world.live_fingerprint());

    world.run_for(hours(13));
    CHECK(world.count(EventType::served_lost) == 1);
    CHECK(world.service.serves() == world.live_fingerprint());
    CHECK(world.lineage().state.live == VersionNumber{2});
    CHECK(world.plan().health == Health::ok);
    CHECK(world.ca.orders() == orders);

    world.run_for(days(3));
    CHECK(world.count(EventType::served_lost) == 1);
}

TEST_CASE("what was lost is not forgotten by a restart, and stays a warning while it cannot be put right") {
    World world;
    world.start();
    world.run_for(days(1));
    Yesterday yesterday(world);
    REQUIRE(world.renew({true, false}));
    yesterday.come_back();
    world.service.config_broken = true;
    world.run_for(hours(13));
    CHECK(world.plan().state == State::deploy_failed);
    CHECK(world.plan().health == Health::warning);

    world.restart();
    CHECK(world.plan().health == Health::warning);
    world.service.config_broken = false;
    world.run_for(days(2));
    CHECK(world.service.serves() == world.live_fingerprint());
    CHECK(world.plan().health == Health::ok);
}

TEST_CASE("after a rollback by hand it is the version gone back to that is put back") {
    World world;
    world.start();
    world.run_for(days(1));
    REQUIRE(world.renew({true, false}));
    Yesterday yesterday(world);
    REQUIRE(world.roll_back());
    const std::string first = world.live_fingerprint();
    yesterday.come_back();
    REQUIRE(world.service.serves() != first);

    world.run_for(hours(13));
    CHECK(world.service.serves() == first);
    CHECK(world.plan().state == State::held);
}

TEST_CASE("a service that shows nothing is told of once, and its return too") {
    World world;
    world.start();
    world.run_for(days(1));
    const auto answers = world.host.on_probe;
    const std::size_t reloads = world.host.count("run service reload");
    world.host.on_probe = [](const ProbeRequest&) -> Result<Served> {
        return failure("net.connect", "Connection refused");
    };
    world.run_for(hours(18));
    CHECK(world.count(EventType::served_lost) == 1);
    CHECK(world.plan().state == State::waiting);
    CHECK(world.plan().health == Health::warning);
    CHECK(world.host.count("run service reload") == reloads);

    world.host.on_probe = answers;
    world.run_for(minutes(15));
    CHECK(world.count(EventType::served_again) == 1);
    CHECK(world.plan().health == Health::ok);
    CHECK(world.host.count("run service reload") == reloads);
}

TEST_CASE("a finding that cannot be stored is told, and acted upon all the same") {
    World world;
    world.start();
    world.run_for(days(1));
    Yesterday yesterday(world);
    REQUIRE(world.renew({true, false}));
    yesterday.come_back();
    FaultPlan full;
    full.fail_at = 1;  // 0 reads the history kept so far
    full.code = "storage.noSpace";
    world.files.plan(full);
    world.run_for(hours(14));
    CHECK(world.count(EventType::daemon_problem) == 1);
    CHECK(world.count(EventType::served_lost) == 1);
    CHECK(world.service.serves() == world.live_fingerprint());
}

TEST_CASE("a look that breaks off is told and not begun again at once") {
    World world;
    world.start();
    world.run_for(days(1));
    const auto answers = world.host.on_probe;
    std::size_t broken = 0;
    world.host.on_probe = [&broken](const ProbeRequest&) -> Result<Served> {
        ++broken;
        throw std::runtime_error("nobody expected this");
    };
    world.run_for(hours(13));
    CHECK(broken >= 1);
    CHECK(broken <= 13 * 6);
    CHECK(world.count(EventType::daemon_problem) == broken);
    world.host.on_probe = answers;
    world.run_for(minutes(11));
    CHECK(world.plan().health == Health::ok);
    CHECK(world.count(EventType::daemon_problem) == broken);
}

TEST_CASE("a paused lineage is not looked at") {
    World world;
    world.start();
    world.run_for(days(1));
    REQUIRE(world.drive(world.scheduler().pause(value_or_fail(LineageName::parse("example.com")))));
    const std::size_t looks = world.host.log.size();
    world.run_for(days(10));
    CHECK(world.host.log.size() == looks);
}

TEST_CASE("how often is configured, and a change of that counts from the last look") {
    World world;
    world.start(with(usual_config(), "timeout: 30s }", "timeout: 30s, every: 10d }"));
    world.run_for(days(1));
    const std::size_t looks = world.host.log.size();
    world.run_for(days(8));
    CHECK(world.host.log.size() == looks);
    world.reload(with(usual_config(), "timeout: 30s }", "timeout: 30s, every: 1h }"));
    world.run_for(days(1));
    CHECK(world.host.log.size() >= looks + 20);
}
