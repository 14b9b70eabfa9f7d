// The process dies at every operation on its disk; the next one finds everything it needs.
#include "tests/flow/world.hpp"

#include "tests/support/catch.hpp"

using namespace certd;
using namespace certd::test;

TEST_CASE(
    "after a crash at any operation of the store the next start ends with a deployed certificate and at most one more "
    "order") {
    for (std::size_t operation = 0;; ++operation) {
        CAPTURE(operation);
        World world;
        world.start();
        world.run_for(days(1));
        std::string old = world.service.serves();
        std::size_t orders = world.ca.orders();
        FaultPlan plan;
        plan.crash_at = operation;
        world.files.plan(plan);
        // A dead process does nothing on the host either.
        world.host.on_operation = [&](std::size_t) {
            if (world.files.fired()) throw SimulatedCrash{};
        };
        REQUIRE(world.scheduler().renew(name_of("example.com"), {true, false}));
        world.run_for(minutes(5));
        bool crashed = world.files.fired();
        world.kill();
        world.files.plan({});
        world.host.on_operation = nullptr;
        if (!crashed) break;

        world.start();
        world.run_for(minutes(10));
        // Whatever had happened: a complete version is live and served, and nothing is stuck.
        CHECK(world.service.serves() == world.live_fingerprint());
        CHECK(world.engine->store.read_version(name_of("example.com"), world.lineage().state.live));
        CHECK(world.plan().state == State::waiting);
        REQUIRE(world.renew({true, false}));
        CHECK(world.service.serves() == world.live_fingerprint());
        CHECK(world.ca.orders() <= orders + 3);
        CHECK(world.ca.violations().empty());
    }
}

TEST_CASE("after a crash at any operation of a deployment no mismatched pair stays and the new version is deployed") {
    for (std::size_t operation = 0;; ++operation) {
        CAPTURE(operation);
        World world;
        world.start();
        world.run_for(days(1));
        FaultPlan plan;
        plan.crash_at = operation;
        world.host.plan(plan);
        world.host.on_operation = [&](std::size_t number) {
            if (number < operation) return;
            FaultPlan dead;
            dead.crash_at = 0;
            world.files.plan(dead);
        };
        REQUIRE(world.scheduler().renew(name_of("example.com"), {true, false}));
        world.run_for(minutes(5));
        bool crashed = world.host.fired();
        world.kill();
        world.host.plan({});
        world.host.on_operation = nullptr;
        world.files.plan({});
        if (!crashed) break;
        world.start();
        world.run_for(minutes(10));
        CHECK(world.lineage().state.live == VersionNumber{2});
        CHECK(world.service.serves() == world.live_fingerprint());
    }
}
