#include "libacme/base/time.hpp"
#include "tests/support/catch.hpp"

#include <random>

using namespace certd;

namespace {
const Time reference = *parse_rfc3339("1994-11-06T08:49:37Z");
}

TEST_CASE("RFC 3339 times are read with fractions and offsets") {
    CHECK(format_rfc3339(reference) == "1994-11-06T08:49:37Z");
    CHECK(parse_rfc3339("1994-11-06T09:49:37+01:00") == reference);
    CHECK(parse_rfc3339("1994-11-06T08:49:37.123456789Z") == reference + milliseconds(123));
    CHECK(format_rfc3339(reference + milliseconds(5)) == "1994-11-06T08:49:37.005Z");
    CHECK(parse_rfc3339("1970-01-01T00:00:00Z") == Time{});
    CHECK(parse_rfc3339("9999-12-31T23:59:59Z") > reference);
    for (const char* text : {"", "1994-11-06", "1994-13-06T08:49:37Z", "1994-02-30T08:49:37Z", "1994-11-06T08:49:37",
                             "1994-11-06T08:49:37.Z", "1994-11-06T25:49:37Z", "1994-11-06T08:49:37Zx",
                             "x994-11-06T08:49:37Z", "1994-11-06T08:49:37+99:00"}) {
        CAPTURE(text);
        CHECK_FALSE(parse_rfc3339(text));
    }
}

TEST_CASE("HTTP-date is read in all three forms") {
    CHECK(format_http_date(reference) == "Sun, 06 Nov 1994 08:49:37 GMT");
    CHECK(parse_http_date("Sun, 06 Nov 1994 08:49:37 GMT") == reference);
    CHECK(parse_http_date("Sunday, 06-Nov-94 08:49:37 GMT") == reference);
    CHECK(parse_http_date("Sun Nov  6 08:49:37 1994") == reference);
    CHECK_FALSE(parse_http_date("soon"));
    CHECK_FALSE(parse_http_date("Sun, 06 Nov 1994 08:49:37 CET"));
}

TEST_CASE("times survive being written and read for any instant") {
    std::mt19937_64 engine(2);
    for (int i = 0; i < 2000; ++i) {
        Time time{Duration(static_cast<std::int64_t>(engine() % 253402300799000ULL))};
        CHECK(parse_rfc3339(format_rfc3339(time)) == time);
        Time second = std::chrono::floor<seconds>(time);
        CHECK(parse_http_date(format_http_date(second)) == second);
    }
}

TEST_CASE("durations need units and refuse overflow") {
    CHECK(parse_duration("30d 12h") == days(30) + hours(12));
    CHECK(parse_duration("1h30m") == minutes(90));
    CHECK(parse_duration(" 250ms ") == milliseconds(250));
    CHECK(parse_duration("2w") == days(14));
    CHECK(parse_duration("0s") == Duration::zero());
    for (const char* text :
         {"", "30", "s", "-5s", "1.5h", "5 parsecs", "99999999999999999999s", "9999999999999w", "1h 30"}) {
        CAPTURE(text);
        CHECK_FALSE(parse_duration(text));
    }
}

TEST_CASE("a duration's text is read back exactly") {
    for (std::int64_t value : {0LL, 1LL, 999LL, 1000LL, 60000LL, 90061001LL, 86400000LL * 400}) {
        CHECK(parse_duration(format_duration(Duration(value))) == Duration(value));
    }
    CHECK(format_duration(minutes(90)) == "1h 30m");
    CHECK(format_approximate(days(59) + hours(3) + minutes(7)) == "59d 3h");
    CHECK(format_approximate(milliseconds(340)) == "0.3s");
    CHECK(format_approximate(-minutes(2)) == "-2m 0s");
}

TEST_CASE("Retry-After is read in seconds and as a date, and saturates (F08)") {
    CHECK(parse_retry_after("120", reference) == reference + seconds(120));
    CHECK(parse_retry_after("0", reference) == reference);
    CHECK(parse_retry_after("Sun, 06 Nov 1994 08:50:37 GMT", reference) == reference + minutes(1));
    CHECK(parse_retry_after("Sunday, 06-Nov-94 08:50:37 GMT", reference) == reference + minutes(1));
    CHECK(parse_retry_after("Sun Nov  6 08:50:37 1994", reference) == reference + minutes(1));
    CHECK(*parse_retry_after("100000000000000000000", reference) > reference + days(365000));
    for (const char* text : {"-1", "soon", "", "1.5", "12 34"})
        CHECK_FALSE(parse_retry_after(text, reference));
}

TEST_CASE("adding to a time stops at the ends of the range") {
    CHECK(saturating_add(Time::max(), seconds(1)) == Time::max());
    CHECK(saturating_add(Time::min(), -seconds(1)) == Time::min());
    CHECK(saturating_add(reference, seconds(1)) == reference + seconds(1));
}
