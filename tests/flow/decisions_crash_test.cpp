// The process dies at every operation on its disk: nothing is begun that was not decided on record, and nothing is
// decided twice.
#include "tests/flow/decision_trace.hpp"
#include "tests/support/catch.hpp"

#include <algorithm>

using namespace certd;
using namespace certd::test;
using acme::RequestKind;

namespace {

// Whether the last decision on disk that stands is to order now, or is due.
bool is_decided(World& world) {
    const std::vector<Decision> trace = trace_on_disk(world);
    const auto last =
        std::find_if(trace.rbegin(), trace.rend(), [](const Decision& one) { return is_standing(one.kind); });
    return last != trace.rend() && last->kind == DecisionKind::issue &&
           last->due.value_or(Time::min()) <= world.clock.now();
}

}  // namespace

TEST_CASE("a crash at any operation of a first issuance leaves no order without its decision and no decision twice") {
    for (std::size_t operation = 0;; ++operation) {
        CAPTURE(operation);
        World world;
        std::size_t undecided = 0;
        world.ca.knobs.intercept = [&](std::size_t, RequestKind kind) -> std::optional<Fault> {
            if (kind == RequestKind::new_order && !world.files.fired() && !is_decided(world)) ++undecided;
            return std::nullopt;
        };
        std::string empty = usual_config();
        empty = with(empty, "  example.com: { names: [example.com, www.example.com], targets: [web] }\n",
                     "  other.example: { names: [other.example] }\n");
        world.start(empty);
        world.run_for(minutes(1));
        undecided = 0;
        FaultPlan plan;
        plan.crash_at = operation;
        world.files.plan(plan);
        world.host.on_operation = [&](std::size_t) {
            if (world.files.fired()) throw SimulatedCrash{};
        };
        try {
            world.reload(usual_config());
            world.run_for(minutes(5));
        } catch (const SimulatedCrash&) {}
        const bool crashed = world.files.fired();
        CHECK(undecided == 0);
        world.kill();
        world.files.plan({});
        world.host.on_operation = nullptr;
        world.start();
        world.run_for(minutes(10));
        CHECK(world.lineage().live);
        CHECK(trace_on_disk(world) == trace_of(world));
        check_trace(world);
        CHECK(undecided == 0);
        if (!crashed) break;
    }
}

TEST_CASE("a crash at some operation of a renewal that was asked for keeps its decision at most once") {
    for (std::size_t operation = 0;; operation += 3) {  // crash_test.cpp dies at each
        CAPTURE(operation);
        World world;
        world.start();
        world.run_for(days(1));
        FaultPlan plan;
        plan.crash_at = operation;
        world.files.plan(plan);
        world.host.on_operation = [&](std::size_t) {
            if (world.files.fired()) throw SimulatedCrash{};
        };
        REQUIRE(world.scheduler().renew(name_of("example.com"), {true, false, "uid 0: renew --force"}));
        world.run_for(minutes(5));
        const bool crashed = world.files.fired();
        world.kill();
        world.files.plan({});
        world.host.on_operation = nullptr;
        world.start();
        world.run_for(minutes(10));
        const std::vector<Decision> trace = trace_of(world);
        INFO(text_of(trace));
        const auto asked = std::ranges::count(trace, "uid 0: renew --force", &Decision::by);
        CHECK(asked <= 1);
        // Whatever has led to another certificate is on record.
        if (world.lineage().state.newest > VersionNumber{1}) CHECK(asked == 1);
        check_trace(world);
        if (!crashed) break;
    }
}
