// How a CA rests, goes down and comes back (faults F19, F20).
#include "daemon/lineage/ca_health.hpp"

#include "tests/support/catch.hpp"

#include <limits>

using namespace certd;

namespace {

const Time start = parse_rfc3339("2026-11-01T00:00:00Z").value();
const Problem silence = problem("net.connect", "Cannot connect to ca.test");

CaHealth down_since(Time when) {
    CaHealth health;
    for (int i = 0; i < 3; ++i)
        note_silence(health, silence, when);
    return health;
}

}  // namespace

TEST_CASE("a CA rests for 1, 2, 4 minutes and so on, up to an hour") {
    CaHealth health;
    CHECK(rests_until(health, start) < start);
    for (int minutes_of_rest : {1, 2, 4, 8, 16, 32, 60, 60, 60}) {
        note_silence(health, silence, start);
        CHECK(rests_until(health, start) == start + minutes(minutes_of_rest));
    }
    health.failures = std::numeric_limits<std::uint32_t>::max();
    note_silence(health, silence, start);
    CHECK(rests_until(health, start) == start + hours(1));
}

TEST_CASE("a CA that says when to come again is obeyed, for a day") {
    CaHealth health;
    Problem busy = silence;
    busy.not_before = start + hours(3);
    note_silence(health, busy, start);
    CHECK(rests_until(health, start) == start + hours(3));
    busy.not_before = start + days(400);
    note_silence(health, busy, start);
    CHECK(rests_until(health, start) == start + days(1));
}

TEST_CASE("after three silences a CA is down for a day, longer when it falls again soon, and forgets in a week") {
    CaHealth health;
    note_silence(health, silence, start);
    note_silence(health, silence, start);
    CHECK_FALSE(is_down(health));
    CHECK(comes_back(health, start) < start);
    note_silence(health, silence, start);
    CHECK(is_down(health));
    CHECK(comes_back(health, start) == start + days(1));
    Time now = start;
    for (int away : {2, 4, 4}) {
        now += days(1);
        note_answer(health, now);
        CHECK_FALSE(is_down(health));
        for (int i = 0; i < 3; ++i)
            note_silence(health, silence, now);
        CHECK(comes_back(health, now) == now + days(away));
    }
    note_answer(health, now);
    now += days(8);
    for (int i = 0; i < 3; ++i)
        note_silence(health, silence, now);
    CHECK(comes_back(health, now) == now + days(1));
}

TEST_CASE("what piled up is spread for as long as the CA was away, a week at most") {
    CaHealth health = down_since(start);
    note_answer(health, start + minutes(30));
    CHECK_FALSE(is_paced(health, start + minutes(31)));
    health = down_since(start);
    note_answer(health, start + days(2));
    CHECK(is_paced(health, start + days(3)));
    CHECK_FALSE(is_paced(health, start + days(4)));
    health = down_since(start);
    note_answer(health, start + days(30));
    CHECK(is_paced(health, start + days(36)));
    CHECK_FALSE(is_paced(health, start + days(37)));
    // One silence, however long ago, is no absence.
    health = {};
    note_silence(health, silence, start);
    note_answer(health, start + days(3));
    CHECK(health == CaHealth{});
}

TEST_CASE("what a clock far ahead has left behind holds nothing up once it is right") {
    CaHealth health = down_since(start + days(3650));
    CHECK(rests_until(health, start) < start);
    CHECK(comes_back(health, start) < start);
    note_answer(health, start + days(3660));
    CHECK_FALSE(is_paced(health, start));
}

TEST_CASE("a CA's health survives being written and read, and nothing malformed gets in") {
    CaHealth health = down_since(start);
    note_answer(health, start + days(1));
    note_silence(health, silence, start + days(2));
    CHECK(ca_health_from_json(parse_json(to_text(to_json(health))).value()).value() == health);
    CHECK(ca_health_from_json(to_json(CaHealth{})).value() == CaHealth{});
    for (const char* text : {"[]", R"({"failures":-1})", R"({"last":"soon"})", R"({"problem":7})"})
        CHECK(ca_health_from_json(parse_json(text).value()).error().code == "storage.corrupt");
}
