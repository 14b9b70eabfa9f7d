#include "daemon/observe/bus.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/virtual_clock.hpp"

#include <boost/asio/io_context.hpp>

using namespace certd;

namespace {
Event named(std::string message) {
    Event event;
    event.message = std::move(message);
    return event;
}
}  // namespace

TEST_CASE("the bus numbers events, hands them to its sinks and keeps the latest") {
    test::VirtualClock clock;
    EventBus bus(clock, 3);
    std::string seen;
    bus.add_sink([&](const Event& event) { seen += event.message; });
    for (const char* message : {"a", "b", "c", "d"})
        bus.publish(named(message));
    CHECK(seen == "abcd");
    auto recent = bus.recent();
    REQUIRE(recent.size() == 3);
    CHECK(recent[0].message == "b");
    CHECK(recent[2].id == 4);
    CHECK(recent[2].at == clock.now());
    CHECK(bus.recent(3).size() == 1);
    CHECK(bus.recent(0, 2).front().message == "c");
}

TEST_CASE("a subscriber gets events from its own beginning, waits for more, and hears how many it was too slow for") {
    test::VirtualClock clock;
    asio::io_context io;
    EventBus bus(clock);
    bus.publish(named("before"));
    auto subscription = bus.subscribe(2);
    for (const char* message : {"a", "b", "c"})
        bus.publish(named(message));
    CHECK(subscription.dropped() == 1);
    CHECK(test::run(io, clock, subscription.next()).message == "b");
    CHECK(test::run(io, clock, subscription.next()).message == "c");
    std::string later;
    asio::co_spawn(io, subscription.next(), [&](std::exception_ptr, Event event) { later = event.message; });
    clock.run_until_idle(io);
    CHECK(later.empty());
    bus.publish(named("d"));
    clock.run_until_idle(io);
    CHECK(later == "d");
}

TEST_CASE("a subscriber that has gone is forgotten") {
    test::VirtualClock clock;
    EventBus bus(clock);
    { auto subscription = bus.subscribe(); }
    bus.publish(named("a"));
    CHECK(bus.recent().size() == 1);
}
