// The back-off schedules (acme-facts §7.2, faults S5).
#include "tests/support/catch.hpp"
#include "tests/unit/lineage/lineage_builders.hpp"

#include <limits>
#include <set>

using namespace certd;
using namespace certd::test;

namespace {

const Problem timeout = problem("net.timeout", "No answer");

Duration wait_after(std::uint32_t failures, Duration lifetime = days(90), const Problem& cause = timeout) {
    return next_issue_attempt(failures, cause, day(0), lifetime, "example.com/first") - day(0);
}

bool is_about(Duration wait, Duration step) {
    return wait >= step && wait <= step + step / 10;
}

}  // namespace

TEST_CASE("back-off waits 1, 10 and 100 minutes, then a day, each up to a tenth longer") {
    CHECK(is_about(wait_after(1), minutes(1)));
    CHECK(is_about(wait_after(2), minutes(10)));
    CHECK(is_about(wait_after(3), minutes(100)));
    CHECK(is_about(wait_after(4), days(1)));
    CHECK(is_about(wait_after(5), days(1)));
    CHECK(is_about(wait_after(0), minutes(1)));
}

TEST_CASE("ten thousand failures in a row neither overflow nor shorten the back-off") {
    for (Duration lifetime : {Duration::zero(), Duration(hours(1)), days(6), days(90)}) {
        Duration last = Duration::zero();
        for (std::uint32_t failures = 1; failures <= 10'000; ++failures) {
            Duration wait = wait_after(failures, lifetime);
            REQUIRE(wait >= last);
            REQUIRE(wait <= days(1) + hours(3));
            REQUIRE(wait > Duration::zero());
            last = wait;
        }
    }
    CHECK(wait_after(std::numeric_limits<std::uint32_t>::max()) > Duration::zero());
}

TEST_CASE("the back-off of a short-lived certificate is at most a 24th of its lifetime, and at least a minute") {
    CHECK(is_about(wait_after(4, hours(160)), Duration(hours(160)) / 24));
    CHECK(is_about(wait_after(4, hours(1)), Duration(hours(1)) / 24));
    CHECK(is_about(wait_after(4, minutes(5)), minutes(1)));
    CHECK(is_about(wait_after(4, Duration::zero()), days(1)));
}

TEST_CASE("a Retry-After beyond the back-off is respected, an absurd one for 30 days") {
    Problem limited = problem("acme.rateLimited", "Too many orders");
    limited.not_before = day(3);
    CHECK(wait_after(1, days(90), limited) == days(3));
    limited.not_before = day(0) + seconds(5);
    CHECK(is_about(wait_after(1, days(90), limited), minutes(1)));
    limited.not_before = Time::max();
    CHECK(wait_after(1, days(90), limited) == days(30));
    limited.not_before = Time::min();
    CHECK(is_about(wait_after(1, days(90), limited), minutes(1)));
}

TEST_CASE("a problem that needs a change waits a day from the first failure on") {
    Problem rejected = timeout;
    rejected.retry = Retry::after_change;
    CHECK(is_about(wait_after(1, days(90), rejected), days(1)));
    CHECK(is_about(wait_after(1, hours(1), rejected), days(1)));
}

TEST_CASE("an interrupted attempt is repeated after a second and charged to nobody") {
    Scene scene(spec_of());
    Problem cancelled = problem("control.cancelled", "certd is stopping");
    REQUIRE(cancelled.retry == Retry::at_once);
    scene.fail_issue(day(60), "first", cancelled);
    const CaAttempts& attempts = scene.state.attempts.at({"first"});
    CHECK(attempts.failures == 0);
    CHECK(attempts.next_attempt == day(60) + seconds(1));
    CHECK_FALSE(scene.state.last_problem);
    CHECK(scene.at(day(61)).health == Health::ok);
}

TEST_CASE("the back-off of a lineage is the same in every process, and not the same for all lineages") {
    CHECK(wait_after(4) == wait_after(4));
    std::set<Duration> waits;
    for (int number = 0; number < 100; ++number) {
        waits.insert(next_issue_attempt(4, timeout, day(0), days(90), "lineage-" + std::to_string(number)) - day(0));
    }
    CHECK(waits.size() > 90);
    // Fixed for ever: changing the hash moves every timer of every installation.
    CHECK(jitter_for("example.com", {1}, hours(1)) == milliseconds(3136597));
}

TEST_CASE("deployment is retried after 1, 5, 15 and 30 minutes, then hourly") {
    auto wait = [](std::uint32_t failures) {
        return next_deploy_attempt(failures, timeout, day(0), "example.com/web") - day(0);
    };
    CHECK(is_about(wait(1), minutes(1)));
    CHECK(is_about(wait(2), minutes(5)));
    CHECK(is_about(wait(3), minutes(15)));
    CHECK(is_about(wait(4), minutes(30)));
    CHECK(is_about(wait(5), hours(1)));
    CHECK(is_about(wait(10'000), hours(1)));
}

TEST_CASE("a failure is counted, a success clears the CA's counter and the last problem") {
    LineageState state;
    record_issue_failure(state, {"first"}, timeout, day(1), days(90), "example.com");
    record_issue_failure(state, {"first"}, timeout, day(2), days(90), "example.com");
    record_issue_failure(state, {"second"}, timeout, day(2), days(90), "example.com");
    CHECK(state.attempts.at({"first"}).failures == 2);
    CHECK(state.attempts.at({"first"}).last_attempt == day(2));
    CHECK(state.attempts.at({"first"}).problem == timeout);
    CHECK(state.last_problem == timeout);
    record_issue_success(state, {"first"}, day(3));
    CHECK_FALSE(state.attempts.contains({"first"}));
    CHECK(state.attempts.contains({"second"}));
    CHECK_FALSE(state.last_problem);
    CHECK(state.last_success == day(3));
}

TEST_CASE("the counter of failures stops at its end instead of starting again") {
    LineageState state;
    state.attempts[{"first"}].failures = std::numeric_limits<std::uint32_t>::max();
    record_issue_failure(state, {"first"}, timeout, day(1), days(90), "example.com");
    CHECK(state.attempts.at({"first"}).failures == std::numeric_limits<std::uint32_t>::max());
    CHECK(state.attempts.at({"first"}).next_attempt >= day(2));
}

TEST_CASE("failures under another configuration are forgotten when the next attempt is recorded") {
    LineageState state;
    note_policy(state, "digest-1");
    record_issue_failure(state, {"first"}, timeout, day(1), days(90), "example.com");
    note_policy(state, "digest-1");
    CHECK(state.attempts.at({"first"}).failures == 1);
    note_policy(state, "digest-2");
    CHECK(state.attempts.empty());
    CHECK(state.config_digest == "digest-2");
}
