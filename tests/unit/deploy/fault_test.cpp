// Every operation of a deployment made to fail, to be the last before the process dies, and to be interrupted, once
// each. Whatever happens, key and certificate match, and the old content is back or the new is complete (faults I3, I6,
// F52).
#include "tests/unit/deploy/world.hpp"

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>

using namespace certd;
using namespace certd::test;

namespace {

enum class Start { installed, first, expired };

struct Prepared {
    explicit Prepared(Start start, bool broken = false) : world(start == Start::expired ? days(59) : days(90)) {
        if (start != Start::first) world.install_old();
        world.service.config_broken = broken;
        world.host.plan({});
        world.files.plan({});
    }
    World world;
};

std::size_t host_operations(Start start, bool broken) {
    Prepared prepared(start, broken);
    prepared.world.deploy(prepared.world.order(2));
    return prepared.world.host.operations();
}

std::size_t file_operations(Start start, bool broken) {
    Prepared prepared(start, broken);
    prepared.world.deploy(prepared.world.order(2));
    return prepared.world.files.operations();
}

// Neither half of a pair nor half of a switch.
void check_whole(World& world, Start start) {
    const int installed = world.installed();
    CHECK(installed != -1);
    if (start != Start::first) CHECK(installed != 0);
    const auto live = world.store.live(world.name);
    REQUIRE(live);
    if (*live) CHECK(world.store.read_version(world.name, *live));
}

void deploy_and_die(World& world) {
    try {
        world.deploy(world.order(2));
    } catch (const SimulatedCrash&) {
        return;
    }
    FAIL("the deployment outlived the crash");
}

void restart(World& world) {
    world.host.plan({});
    world.files.plan({});
    world.store.recover();
    world.recover();
}

void check_after_crash(World& world, Start start) {
    restart(world);
    check_whole(world, start);
    CHECK_FALSE(world.has_journal());
    // The next attempt succeeds from there.
    world.service.config_broken = false;
    CHECK(world.deploy(world.order(2)).complete);
    CHECK(world.installed() == 2);
    CHECK(world.service.serves() == world.fingerprint(2));
}

// Deploys version 2 and lets the test cancel that from within; gives what it ended with.
std::exception_ptr deploy_cancellably(World& world, asio::cancellation_signal& cancel) {
    std::exception_ptr error;
    bool done = false;
    asio::co_spawn(world.io, world.deployer.deploy(world.order(2)),
                   asio::bind_cancellation_slot(cancel.slot(), [&](std::exception_ptr failed, DeployOutcome) {
                       error = failed;
                       done = true;
                   }));
    for (;;) {
        world.clock.run_until_idle(world.io);
        if (done) return error;
        REQUIRE(world.clock.advance_to_next_timer());
    }
}

}  // namespace

TEST_CASE("each operation of the host failing once leaves no mixed pair, and the next attempt succeeds") {
    const auto start = GENERATE(Start::installed, Start::first, Start::expired);
    const bool broken = GENERATE(false, true);
    const auto operations = host_operations(start, broken);
    REQUIRE(operations > 5);
    for (std::size_t k = 0; k < operations + 3; ++k) {
        CAPTURE(static_cast<int>(start), broken, k);
        Prepared prepared(start, broken);
        auto& world = prepared.world;
        FaultPlan plan;
        plan.fail_at = k;
        world.host.plan(plan);
        const auto outcome = world.deploy(world.order(2));
        world.host.plan({});
        // A restore that failed keeps its journal; the next start, or the next attempt, undoes the rest.
        if (world.has_journal()) {
            CHECK(world.event(EventType::deploy_rollback_failed)->severity == Severity::critical);
            world.recover();
        }
        check_whole(world, start);
        if (outcome.complete) CHECK(world.service.serves() == world.fingerprint(2));
        if (!outcome.complete) CHECK(outcome.problem);
        world.service.config_broken = false;
        CHECK(world.deploy(world.order(2)).complete);
        CHECK(world.installed() == 2);
    }
}

TEST_CASE("each operation of the store failing once leaves no mixed pair, and the next attempt succeeds") {
    const bool broken = GENERATE(false, true);
    const auto operations = file_operations(Start::installed, broken);
    REQUIRE(operations > 5);
    for (std::size_t k = 0; k < operations + 3; ++k) {
        CAPTURE(broken, k);
        Prepared prepared(Start::installed, broken);
        auto& world = prepared.world;
        FaultPlan plan;
        plan.fail_at = k;
        world.files.plan(plan);
        const auto outcome = world.deploy(world.order(2));
        world.files.plan({});
        check_whole(world, Start::installed);
        if (outcome.complete) CHECK(world.service.serves() == world.fingerprint(2));
        if (!outcome.complete) CHECK(world.service.serves() == world.fingerprint(1));
        world.service.config_broken = false;
        CHECK(world.deploy(world.order(2)).complete);
        CHECK(world.installed() == 2);
        CHECK_FALSE(world.has_journal());
    }
}

TEST_CASE("a disk that stays full from any operation on never leaves a mixed pair") {
    const auto operations = host_operations(Start::installed, false);
    for (std::size_t k = 0; k < operations; ++k) {
        CAPTURE(k);
        Prepared prepared(Start::installed);
        auto& world = prepared.world;
        FaultPlan plan;
        plan.fail_at = k;
        plan.lasting = true;
        plan.code = "storage.full";
        world.host.plan(plan);
        world.deploy(world.order(2));
        world.host.plan({});
        if (world.has_journal()) world.recover();
        check_whole(world, Start::installed);
    }
}

TEST_CASE("a crash at any operation of the host is undone or completed by the next start") {
    const auto start = GENERATE(Start::installed, Start::first, Start::expired);
    const bool broken = GENERATE(false, true);
    const auto operations = host_operations(start, broken);
    for (std::size_t k = 0; k < operations; ++k) {
        CAPTURE(static_cast<int>(start), broken, k);
        Prepared prepared(start, broken);
        FaultPlan plan;
        plan.crash_at = k;
        prepared.world.host.plan(plan);
        deploy_and_die(prepared.world);
        check_after_crash(prepared.world, start);
    }
}

TEST_CASE("a crash at any operation of the store is undone or completed by the next start") {
    const bool broken = GENERATE(false, true);
    const bool torn = GENERATE(false, true);
    const auto operations = file_operations(Start::installed, broken);
    for (std::size_t k = 0; k < operations; ++k) {
        CAPTURE(broken, torn, k);
        Prepared prepared(Start::installed, broken);
        FaultPlan plan;
        plan.crash_at = k;
        plan.torn = torn;
        prepared.world.files.plan(plan);
        deploy_and_die(prepared.world);
        check_after_crash(prepared.world, Start::installed);
    }
}

TEST_CASE("a crash while the crash is being undone is undone by the start after that") {
    for (std::size_t k = 0; k < 8; ++k) {
        CAPTURE(k);
        Prepared prepared(Start::installed);
        auto& world = prepared.world;
        // In the middle of the installation: the certificate is new, the key is old.
        std::size_t install = 0;
        world.host.on_operation = [&](std::size_t number) {
            if (world.host.log.back().starts_with("install ") && install == 0) install = number;
        };
        world.deploy(world.order(2));
        World again;
        again.install_old();
        FaultPlan plan;
        plan.crash_at = install + 2;
        again.host.plan(plan);
        deploy_and_die(again);
        REQUIRE(again.installed() == -1);
        plan.crash_at = k;
        again.host.plan(plan);
        again.files.plan({});
        try {
            again.recover();
        } catch (const SimulatedCrash&) {}
        check_after_crash(again, Start::installed);
    }
}

TEST_CASE("a deployment cancelled at any operation puts everything back before it ends") {
    const bool hangs = GENERATE(true, false);
    const auto operations = host_operations(Start::installed, false);
    for (std::size_t k = 0; k < operations; ++k) {
        CAPTURE(hangs, k);
        Prepared prepared(Start::installed);
        auto& world = prepared.world;
        asio::cancellation_signal cancel;
        world.host.on_operation = [&](std::size_t number) {
            if (number == k) asio::post(world.io, [&] { cancel.emit(asio::cancellation_type::all); });
        };
        if (hangs) world.host.hang_at = k;
        const auto error = deploy_cancellably(world, cancel);
        const bool was_cancelled = error && problem_of(error).kind == ProblemKind::cancelled;
        check_whole(world, Start::installed);
        CHECK_FALSE(world.has_journal());
        if (hangs) CHECK(was_cancelled);
        if (was_cancelled) {
            CHECK(world.installed() == 1);
            CHECK(world.live() == VersionNumber{1});
            CHECK(world.service.serves() == world.fingerprint(1));
        } else {
            CHECK_FALSE(error);
            CHECK(world.installed() == 2);
        }
        CHECK(world.clock.now() - virtual_start < seconds(7));
    }
}

TEST_CASE("a way back that hangs is given up after six seconds and finished at the next start") {
    Prepared prepared(Start::installed);
    auto& world = prepared.world;
    asio::cancellation_signal cancel;
    // The reload hangs; told to stop, so does the reload of the way back.
    world.host.on_operation = [&](std::size_t number) {
        if (world.host.log.back() != "run service reload") return;
        world.host.hang_at = number;
        asio::post(world.io, [&] { cancel.emit(asio::cancellation_type::all); });
    };
    const auto error = deploy_cancellably(world, cancel);
    REQUIRE(error);
    CHECK(problem_of(error).kind == ProblemKind::cancelled);
    CHECK(world.clock.now() - virtual_start == seconds(6));
    REQUIRE(world.event(EventType::deploy_rollback_failed));
    CHECK(world.event(EventType::deploy_rollback_failed)->severity == Severity::critical);
    CHECK(world.has_journal());
    CHECK(world.installed() == 1);
    world.host.on_operation = nullptr;
    world.host.hang_at.reset();
    check_after_crash(world, Start::installed);
}

TEST_CASE("two lineages never reload the same target at once") {
    Prepared prepared(Start::installed);
    auto& world = prepared.world;
    int inside = 0, most = 0, done = 0;
    world.host.on_operation = [&](std::size_t) {
        if (world.host.log.back() == "run convert -x") most = std::max(most, ++inside);
        if (world.host.log.back() == "run service reload") --inside;
    };
    for (int i = 0; i < 3; ++i) {
        asio::co_spawn(world.io, world.deployer.deploy(world.order(2)),
                       [&](std::exception_ptr error, DeployOutcome outcome) {
                           CHECK_FALSE(error);
                           CHECK(outcome.complete);
                           ++done;
                       });
    }
    world.clock.run_until_idle(world.io);
    CHECK(done == 3);
    CHECK(most == 1);
}
