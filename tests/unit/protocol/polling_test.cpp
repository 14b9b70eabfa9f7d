// The pace of polls, as numbers and as seen from outside.
#include "libacme/protocol/polling.hpp"

#include "tests/unit/protocol/issuance_bed.hpp"

using namespace certd;
using namespace certd::test;
using acme::PollPace;
using acme::RequestKind;

TEST_CASE("polls begin after four round trips and slow down to ten seconds") {
    PollPace pace(milliseconds(50));
    Time now = virtual_start;
    CHECK(pace.next({}, now) == milliseconds(200));
    CHECK(pace.next({}, now) == milliseconds(400));
    for (int i = 0; i < 1000; ++i)
        pace.next({}, now);
    CHECK(pace.next({}, now) == seconds(10));
}

TEST_CASE("polls of a CA next door begin after five milliseconds") {
    CHECK(PollPace(Duration(0)).next({}, virtual_start) == milliseconds(5));
    CHECK(PollPace(milliseconds(1)).next({}, virtual_start) == milliseconds(5));
    CHECK(PollPace(Duration::max()).next({}, virtual_start) == seconds(10));
    CHECK(PollPace(Duration::min()).next({}, virtual_start) == milliseconds(5));
}

TEST_CASE("time already waited slows the second poll down") {
    PollPace pace(milliseconds(1), seconds(3));
    CHECK(pace.next({}, virtual_start) == milliseconds(5));
    CHECK(pace.next({}, virtual_start) == seconds(3));
}

TEST_CASE("a Retry-After is held between a second and ten minutes (F08)") {
    PollPace pace(milliseconds(1));
    Time now = virtual_start;
    CHECK(pace.next(now + seconds(7), now) == seconds(7));
    CHECK(pace.next(now, now) == seconds(1));
    CHECK(pace.next(now - days(365), now) == seconds(1));
    CHECK(pace.next(Time::max(), now) == minutes(10));
    CHECK(pace.next(Time::min(), now) == seconds(1));
}

TEST_CASE("polls honour every form of Retry-After (F08)") {
    struct Case {
        std::vector<std::string> values;
        Duration least, most;
    };
    auto example = GENERATE(
        Case{{"3"}, seconds(3), seconds(3)}, Case{{"0"}, seconds(1), seconds(1)},
        Case{{"-1"}, milliseconds(5), milliseconds(20)}, Case{{"soon"}, milliseconds(5), milliseconds(20)},
        Case{{"100000000000000000000"}, minutes(10), minutes(10)},
        Case{{"Mon, 23 Nov 2026 00:02:00 GMT"}, minutes(2) - seconds(1), minutes(2)},
        Case{{"Monday, 23-Nov-26 00:02:00 GMT"}, minutes(2) - seconds(1), minutes(2)},
        Case{{"Mon Nov 23 00:02:00 2026"}, minutes(2) - seconds(1), minutes(2)},
        Case{{"Mon, 23 Nov 1998 00:02:00 GMT"}, seconds(1), seconds(1)}, Case{{"2", "9"}, seconds(9), seconds(9)});
    IssuanceBed bed;
    bed.ca.knobs.retry_after = example.values;
    REQUIRE(bed.issue());
    std::map<RequestKind, Time> at;
    for (const auto& exchange : bed.ca.log())
        at[exchange.kind] = exchange.at;
    Duration waited = at[RequestKind::order] - at[RequestKind::finalize];
    INFO(example.values.front() << " waited " << waited.count());
    CHECK(waited >= example.least);
    CHECK(waited <= example.most);
}

TEST_CASE("the wait for a validation request scales with the distance of the CA") {
    acme::AttemptWatch watch;
    CHECK(watch.limit(Duration(0)) == milliseconds(50));
    CHECK(watch.limit(milliseconds(10)) == milliseconds(300));
    CHECK(watch.limit(seconds(5)) == seconds(3));
    watch.observed(false, true);
    CHECK(watch.limit(seconds(5)) == Duration(0));
    watch.observed(false, false);
    CHECK(watch.limit(seconds(5)) == seconds(3));
}
