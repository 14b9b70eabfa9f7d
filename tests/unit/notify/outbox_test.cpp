// Queues: bounded, in order, tried again with growing pauses, given up at last.
#include "daemon/notify/outbox.hpp"
#include "tests/unit/notify/builders.hpp"

#include <fmt/format.h>

using namespace certd;
using namespace certd::test;

namespace {

Message numbered(int number, const std::string& event = "opened") {
    Message message;
    message.event = event;
    message.id = std::to_string(number);
    return message;
}

const Problem unreachable = problem("net.connect", "Cannot connect");
const Problem refused = problem("notify.refused", "Refused");

}  // namespace

TEST_CASE("a failed attempt is repeated after 10 s, 1, 5, 15 and then 60 minutes, for a day") {
    Outbox outbox;
    Time now = start_of_tests;
    push(outbox, numbered(1), now);
    std::string pauses;
    while (!outbox.items.empty()) {
        note_failed(outbox, unreachable, now);
        if (outbox.failures <= 6) pauses += format_duration(*outbox.next_attempt - now) + " ";
        now = *outbox.next_attempt;
    }
    CHECK(pauses == "10s 1m 5m 15m 1h 1h ");
    CHECK(now - start_of_tests >= days(1));
    CHECK(outbox.dropped == 1);
    CHECK(outbox.failed == 29);
}

TEST_CASE("a message that the receiver refuses does not hold up the others for a day") {
    Outbox outbox;
    push(outbox, numbered(1), start_of_tests);
    push(outbox, numbered(2), start_of_tests);
    for (int i = 0; i < 8; ++i)
        note_failed(outbox, refused, start_of_tests);
    REQUIRE(outbox.items.size() == 1);
    CHECK(outbox.items.front().message.id == "2");
    CHECK(outbox.dropped == 1);
}

TEST_CASE("a receiver may say when to come again, within reason") {
    Outbox outbox;
    push(outbox, numbered(1), start_of_tests);
    Problem busy = refused;
    busy.not_before = start_of_tests + hours(2);
    note_failed(outbox, busy, start_of_tests);
    CHECK(*outbox.next_attempt == start_of_tests + hours(2));
    busy.not_before = start_of_tests + days(400);
    note_failed(outbox, busy, start_of_tests);
    CHECK(*outbox.next_attempt == start_of_tests + hours(6));
    busy.not_before = start_of_tests - days(400);
    note_failed(outbox, busy, start_of_tests);
    CHECK(*outbox.next_attempt == start_of_tests + minutes(5));
}

TEST_CASE("a full queue loses reminders first, then the oldest, and counts it, and what is being sent stays") {
    Outbox outbox;
    for (int i = 0; i < 100; ++i)
        push(outbox, numbered(i, i == 50 ? "reminder" : "opened"), start_of_tests);
    CHECK(outbox.dropped == 0);
    push(outbox, numbered(100), start_of_tests);
    CHECK(outbox.items.size() == outbox_limit);
    CHECK(outbox.dropped == 1);
    CHECK(outbox.items.at(50).message.id == "51");
    push(outbox, numbered(101), start_of_tests);
    CHECK(outbox.dropped == 2);
    CHECK(outbox.items.at(0).message.id == "0");
    CHECK(outbox.items.at(1).message.id == "2");
}

TEST_CASE("three failures in a row are worth telling, one success ends that") {
    Outbox outbox;
    push(outbox, numbered(1), start_of_tests);
    note_failed(outbox, unreachable, start_of_tests);
    note_failed(outbox, unreachable, start_of_tests);
    CHECK_FALSE(is_failing(outbox));
    note_failed(outbox, unreachable, start_of_tests);
    CHECK(is_failing(outbox));
    note_delivered(outbox, start_of_tests);
    CHECK_FALSE(is_failing(outbox));
    CHECK(outbox.delivered == 1);
    CHECK(outbox.last_delivery == start_of_tests);
}

TEST_CASE("a queue comes back from its JSON") {
    Outbox outbox;
    push(outbox, compose(Notice::opened, incident_of(deployment_failed()), start_of_tests, sender), start_of_tests);
    note_failed(outbox, unreachable, start_of_tests);
    Outbox again = outbox_from_json(to_json(outbox)).value();
    CHECK(again.items == outbox.items);
    CHECK(again.next_attempt == outbox.next_attempt);
    CHECK(again.problem == outbox.problem);
    CHECK(again.failures == 1);
    CHECK(outbox_from_json(Json(3)).error().code == "storage.corrupt");
}

TEST_CASE("a test that got through is a delivery, but says nothing of what still waits") {
    Outbox outbox;
    note_tested(outbox, start_of_tests);
    CHECK(outbox.last_delivery == start_of_tests);
    push(outbox, numbered(1), start_of_tests);
    note_failed(outbox, unreachable, start_of_tests);
    note_tested(outbox, start_of_tests + minutes(1));
    CHECK(outbox.last_delivery == start_of_tests + minutes(1));
    CHECK(outbox.problem);
    CHECK(outbox.items.size() == 1);
    outbox.items.clear();
    note_tested(outbox, start_of_tests + minutes(2));
    CHECK_FALSE(outbox.problem);
    CHECK(outbox.failures == 0);
}
