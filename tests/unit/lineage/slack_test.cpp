#include "daemon/lineage/slack.hpp"
#include "tests/support/catch.hpp"
#include "tests/unit/lineage/lineage_builders.hpp"

using namespace certd;
using namespace certd::test;

namespace {

// 2026-01-01 is a Thursday; the test machines and the tests of windows run in UTC or elsewhere, so whole days are used.
struct Bed {
    explicit Bed(Duration lifetime) : live(facts_of(1, day(0), lifetime)) {}
    PlanInput input(Time now) { return {spec, state, live, live, Duration::zero(), now, nullptr, nullptr, &targets}; }
    void maintain(const std::string& target, const std::string& window) {
        spec.targets.push_back({target});
        config::Target& configured = targets[{target}];
        configured.name = {target};
        if (!window.empty()) configured.maintenance.push_back(config::parse_window(window).value());
    }
    VersionFacts live;
    config::Lineage spec = spec_of();
    LineageState state;
    Targets targets;
};

}  // namespace

TEST_CASE("a certificate of 90 days leaves a month of daily attempts") {
    Bed bed(days(90));
    const auto slack = renewal_slack(bed.input(day(1)), day(60));
    REQUIRE(slack);
    CHECK(slack->issue >= 28);
    CHECK(slack->issue <= 34);
    CHECK_FALSE(slack->deploy);
    CHECK(slack->attempts() == slack->issue);
}

TEST_CASE("failures that were counted already make the attempts rarer, and so fewer") {
    Bed bed(days(90));
    const auto fresh = renewal_slack(bed.input(day(88)), day(88));
    bed.state.attempts[{"first"}].failures = 6;
    const auto worn = renewal_slack(bed.input(day(88)), day(88));
    REQUIRE((fresh && worn));
    CHECK(worn->issue < fresh->issue);
    CHECK(worn->issue >= 1);
}

TEST_CASE("a certificate of 160 hours with a Saturday window that opens before its renewal has no attempt") {
    Bed bed(hours(160));  // from Thursday to the next Wednesday evening
    bed.maintain("web", "Sat 02:00-05:00");
    const auto slack = renewal_slack(bed.input(day(0)), day(3) + hours(12));  // Sunday
    REQUIRE(slack);
    CHECK(slack->issue > 3);
    CHECK(slack->deploy == 0U);
    CHECK(slack->narrowest == TargetName{"web"});
    CHECK(slack->attempts() == 0);
}

TEST_CASE("the target with the fewest openings decides, and one without windows does not") {
    Bed bed(days(90));
    bed.maintain("any", "");
    bed.maintain("nightly", "01:00-02:00");
    bed.maintain("weekly", "Sat 02:00-02:30");
    const auto slack = renewal_slack(bed.input(day(1)), day(60));
    REQUIRE(slack);
    CHECK(slack->narrowest == TargetName{"weekly"});
    REQUIRE(slack->deploy);
    CHECK(*slack->deploy >= 4);
    CHECK(slack->attempts() == std::min(slack->issue, *slack->deploy));
}

TEST_CASE("nothing is left after the end, and nothing is said before the first certificate") {
    Bed bed(days(90));
    CHECK(renewal_slack(bed.input(day(91)), day(60))->attempts() == 0);
    PlanInput input = bed.input(day(1));
    input.live.reset();
    CHECK_FALSE(renewal_slack(input, day(60)));
}
