// Which hosts a rollout takes next, and when it stops.
#include "daemon/deploy/rollout.hpp"
#include "tests/support/catch.hpp"

#include <fmt/format.h>

#include <set>
#include <string>

using namespace certd;
using OnFailure = config::Rollout::OnFailure;
using Kind = RolloutStep::Kind;

namespace {

// The steps as text, with the hosts of `broken` failing: "0", "pause", "1 2 3", "back 0".
std::vector<std::string> play(Rollout& rollout, const std::set<std::size_t>& broken = {}) {
    std::vector<std::string> steps;
    while (rollout.next().kind != Kind::done) {
        const RolloutStep step = rollout.next();
        steps.push_back(step.kind == Kind::pause     ? "pause"
                        : step.kind == Kind::go_back ? fmt::format("back {}", fmt::join(step.hosts, " "))
                                                     : fmt::format("{}", fmt::join(step.hosts, " ")));
        if (step.kind == Kind::deploy) {
            for (const std::size_t host : step.hosts)
                rollout.report(host, !broken.contains(host));
        }
        rollout.step_ended();
        REQUIRE(steps.size() < 100);
    }
    return steps;
}

using Steps = std::vector<std::string>;
using Hosts = std::vector<std::size_t>;

}  // namespace

TEST_CASE("a rollout takes its canary first, then batches") {
    Rollout rollout(8, {.canary = 1, .batch = 3});
    CHECK(play(rollout) == Steps{"0", "1 2 3", "4 5 6", "7"});
    CHECK_FALSE(rollout.stopped());
    CHECK(rollout.served().size() == 8);
}

TEST_CASE("canaries come one after another, and none is needed") {
    Rollout two(5, {.canary = 2, .batch = 5});
    CHECK(play(two) == Steps{"0", "1", "2 3 4"});
    Rollout none(5, {.canary = 0, .batch = 5});
    CHECK(play(none) == Steps{"0 1 2 3 4"});
    Rollout more_than_hosts(2, {.canary = 9, .batch = 5});
    CHECK(play(more_than_hosts) == Steps{"0", "1"});
}

TEST_CASE("a rollout rests after its canaries and between batches, not after the last") {
    Rollout rollout(6, {.canary = 2, .batch = 2, .pause_between = minutes(10)});
    CHECK(play(rollout) == Steps{"0", "1", "pause", "2 3", "pause", "4 5"});
}

TEST_CASE("a rollout stops after the batch in which too many hosts failed") {
    Rollout rollout(8, {.canary = 1, .batch = 2, .max_failures = 0});
    CHECK(play(rollout, {2}) == Steps{"0", "1 2"});
    CHECK(rollout.stopped());
    CHECK(rollout.served() == Hosts{0, 1});
    CHECK(rollout.failed() == Hosts{2});
    CHECK(rollout.untried() == Hosts{3, 4, 5, 6, 7});
}

TEST_CASE("as many hosts may fail as the configuration says") {
    Rollout rollout(6, {.canary = 1, .batch = 1, .max_failures = 1});
    CHECK(play(rollout, {1}) == Steps{"0", "1", "2", "3", "4", "5"});
    CHECK_FALSE(rollout.stopped());
    Rollout one_more(6, {.canary = 1, .batch = 1, .max_failures = 1});
    CHECK(play(one_more, {1, 3}) == Steps{"0", "1", "2", "3"});
    CHECK(one_more.stopped());
}

TEST_CASE("another host takes the place of a canary that fails") {
    Rollout rollout(5, {.canary = 1, .batch = 4, .max_failures = 1});
    CHECK(play(rollout, {0}) == Steps{"0", "1", "2 3 4"});
    Rollout strict(5, {.canary = 1, .batch = 4});
    CHECK(play(strict, {0}) == Steps{"0"});
}

TEST_CASE("hosts that had the version before the failure go back when the configuration says so") {
    Rollout rollout(6, {.canary = 1, .batch = 2, .on_failure = OnFailure::rollback});
    CHECK(play(rollout, {2}) == Steps{"0", "1 2", "back 1 0"});
    CHECK(rollout.stopped());
    Rollout at_the_end(3, {.canary = 1, .batch = 2, .on_failure = OnFailure::rollback});
    CHECK(play(at_the_end, {2}) == Steps{"0", "1 2", "back 1 0"});
    CHECK_FALSE(at_the_end.stopped());
    Rollout nothing_to_take_back(3, {.canary = 1, .batch = 2, .on_failure = OnFailure::rollback});
    CHECK(play(nothing_to_take_back, {0}) == Steps{"0"});
}

TEST_CASE("every host is tried when failures are to be passed over") {
    Rollout rollout(5, {.canary = 1, .batch = 2, .on_failure = OnFailure::go_on});
    CHECK(play(rollout, {0, 1, 2, 3}) == Steps{"0", "1", "2", "3", "4"});
    CHECK_FALSE(rollout.stopped());
    CHECK(rollout.served() == Hosts{4});
}

TEST_CASE("each batch knows its number and how many there will be, the pause that of the next") {
    Rollout rollout(6, {.canary = 1, .batch = 2, .pause_between = minutes(1)});
    Steps seen;
    while (rollout.next().kind != Kind::done) {
        const RolloutStep step = rollout.next();
        seen.push_back(fmt::format("{}{}/{}",
                                   step.canary                ? "canary "
                                   : step.kind == Kind::pause ? "pause "
                                                              : "",
                                   step.batch, step.batches));
        for (const std::size_t host : step.hosts)
            rollout.report(host, true);
        rollout.step_ended();
    }
    CHECK(seen == Steps{"canary 0/0", "pause 1/3", "1/3", "pause 2/3", "2/3", "pause 3/3", "3/3"});
}

TEST_CASE("whatever fails, no host is tried twice and none is forgotten") {
    for (std::uint32_t broken = 0; broken < 64; ++broken) {
        for (std::uint32_t canary = 0; canary < 3; ++canary) {
            for (std::uint32_t batch = 0; batch < 4; ++batch) {
                for (const OnFailure on_failure : {OnFailure::rollback, OnFailure::stop, OnFailure::go_on}) {
                    std::set<std::size_t> failing;
                    for (std::size_t host = 0; host < 6; ++host) {
                        if ((broken >> host & 1U) != 0) failing.insert(host);
                    }
                    Rollout rollout(6, {.canary = canary, .batch = batch, .on_failure = on_failure});
                    play(rollout, failing);
                    CHECK(rollout.served().size() + rollout.failed().size() + rollout.untried().size() == 6);
                    CHECK(rollout.stopped() == !rollout.untried().empty());
                    if (on_failure == OnFailure::go_on) CHECK(rollout.untried().empty());
                    for (const std::size_t host : rollout.failed())
                        CHECK(failing.contains(host));
                }
            }
        }
    }
}
