// When CRLs are asked for, and what a revocation means for the plan.
#include "daemon/lineage/revocation.hpp"
#include "tests/support/catch.hpp"
#include "tests/unit/lineage/lineage_builders.hpp"

#include <algorithm>

using namespace certd;
using namespace certd::test;

namespace {

constexpr Duration interval = hours(6);

CrlState fetched(Time at, Duration validity) {
    CrlState state;
    state.url = "http://crl.test/7.crl";
    record_crl(state, at - hours(1), at + validity, at);
    return state;
}

Problem silence() {
    return problem("crl.fetch", "Cannot fetch the CRL");
}

Revoked revoked(std::uint32_t version, std::string reason = "superseded") {
    return {{version}, day(9), std::move(reason), "http://crl.test/7.crl"};
}

}  // namespace

TEST_CASE("a CRL that was never asked for is asked for now") {
    CHECK(next_crl_check({}, interval) == Time::min());
}

TEST_CASE("a good CRL is asked for again a little before the interval is over, at the same instant at every look") {
    CrlState state = fetched(day(1), days(9));
    Time next = next_crl_check(state, interval);
    CHECK(next <= day(1) + interval);
    CHECK(next >= day(1) + interval - interval / 10);
    CHECK(next_crl_check(state, interval) == next);
    CrlState other = state;
    other.url = "http://crl.test/8.crl";
    CHECK(next_crl_check(other, interval) != next);
}

TEST_CASE("a CRL that runs out sooner is asked for when the next one is due, but not twice in an hour") {
    Time due = next_crl_check(fetched(day(1), hours(2)), interval);
    CHECK(due >= day(1) + hours(2));
    CHECK(due <= day(1) + hours(2) + minutes(5));
    CHECK(next_crl_check(fetched(day(1), minutes(10)), interval) == day(1) + hours(1));
}

TEST_CASE("failures are spaced by 1, 2, 4 hours up to the interval, and by what the server asks for within a day") {
    CrlState state = fetched(day(1), days(9));
    std::vector<Duration> pauses;
    for (int i = 0; i < 5; ++i) {
        record_crl_failure(state, silence(), day(2));
        pauses.push_back(next_crl_check(state, interval) - day(2));
    }
    CHECK(pauses == std::vector<Duration>{hours(1), hours(2), hours(4), hours(6), hours(6)});
    state.problem->not_before = day(2) + hours(9);
    CHECK(next_crl_check(state, interval) == day(2) + hours(9));
    state.problem->not_before = day(400);
    CHECK(next_crl_check(state, interval) == day(3));
    CHECK(is_current(state, day(2)));  // what was known goes on counting
}

TEST_CASE("a CRL that is missing for a day is worth a word, once, and the next good one ends that") {
    CrlState state = fetched(day(1), days(2));
    CHECK_FALSE(record_crl_failure(state, silence(), day(2)));
    CHECK_FALSE(record_crl_failure(state, silence(), day(2) + hours(23)));
    CHECK(record_crl_failure(state, silence(), day(3)));
    CHECK_FALSE(record_crl_failure(state, silence(), day(4)));
    CHECK(is_worrying(state, day(4)));
    CHECK_FALSE(is_current(state, day(4)));
    record_crl(state, day(4), day(9), day(4));
    CHECK_FALSE(is_worrying(state, day(4)));
    CHECK_FALSE(state.problem);
    CHECK_FALSE(record_crl_failure(state, silence(), day(5)));
}

TEST_CASE("what is known of a CRL survives as JSON") {
    CrlState state = fetched(day(1), days(9));
    state.etag = "\"x\"";
    state.last_modified = "Thu, 01 Jan 2026 00:00:00 GMT";
    record_crl_failure(state, silence(), day(2));
    CHECK(crl_state_from_json(to_json(state)) == state);
    CHECK(crl_state_from_json(Json::object({{"url", "http://crl.test/"}})));
    CHECK(crl_state_from_json(Json::object()).error().code == "storage.corrupt");
}

TEST_CASE("a revoked certificate is due now, with the reason, and critical until it is replaced") {
    Scene scene(spec_of());
    Revoked found = revoked(1);
    PlanInput input{scene.spec, scene.state, scene.live, scene.newest, Duration::zero(), day(10)};
    CHECK(plan(input).at > day(10));
    input.revoked = &found;
    Plan made = plan(input);
    CHECK(made.action == Action::issue);
    CHECK(made.at == day(10));
    CHECK(made.reasons == std::vector<std::string>{"version 1 was revoked at 2026-01-10T00:00:00Z (superseded)"});
    CHECK(made.health == Health::critical);
    REQUIRE(made.problem);
    CHECK(made.problem->code == "lineage.revoked");
    CHECK(made.problem->what == "Version 1 was revoked at 2026-01-10T00:00:00Z (superseded), says the CRL of its CA");
    CHECK(made.problem->remote == "http://crl.test/7.crl");
}

TEST_CASE("a version that waits for its deployment in place of a revoked one spares another order") {
    Scene scene(spec_of({"web"}));
    scene.newest = facts_of(2, day(9));
    scene.state.newest = {2};
    scene.state.rejected = {{1}};
    Revoked found = revoked(1);
    CHECK_FALSE(wants_replacement(found, scene.state));
    PlanInput input{scene.spec, scene.state, scene.live, scene.newest, Duration::zero(), day(10)};
    input.revoked = &found;
    Plan made = plan(input);
    CHECK(made.action == Action::deploy);
    CHECK(made.version == VersionNumber{2});
    CHECK(made.health == Health::critical);
    // Unless it may not be deployed either.
    scene.state.rejected = {{1}, {2}};
    CHECK(wants_replacement(found, scene.state));
}

TEST_CASE("names that were given up are not ordered again, but what is served is seen to be revoked") {
    Scene scene(spec_of());
    Revoked found = revoked(1, "cessationOfOperation");
    PlanInput input{scene.spec, scene.state, scene.live, scene.newest, Duration::zero(), day(10)};
    input.revoked = &found;
    Plan made = plan(input);
    CHECK(made.at > day(10));
    CHECK(made.health == Health::critical);
}
