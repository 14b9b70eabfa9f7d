#include "daemon/schedule/timed_tasks.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/virtual_clock.hpp"

#include <vector>

using namespace certd;
using namespace certd::test;

namespace {

// An agent that looks at lineages again as soon as it has looked, each look taking a second.
struct Agent {
    Agent() {
        bus.add_sink([this](const Event& event) { told.push_back(event); });
    }
    Task<> work(std::string lineage) {
        begun.push_back(lineage);
        co_await clock.sleep(seconds(1));
        if (lineage == "broken") fail(problem("net.connect", "Cannot connect"));
    }
    void run_for(Duration time) {
        const Time end = clock.now() + time;
        for (;;) {
            tasks.start_due();
            clock.run_until_idle(io);
            const std::optional<Time> next = tasks.next();
            const bool due = next && *next <= clock.now();
            if (due) continue;
            if (clock.now() >= end) return;
            Time until = next ? std::min(*next, end) : end;
            if (auto timer = clock.next_timer()) until = std::min(until, *timer);
            clock.run_until(io, until);
        }
    }

    asio::io_context io{1};
    VirtualClock clock;
    EventBus bus{clock};
    std::vector<Event> told;
    std::vector<std::string> begun, ended;
    TimedTasks tasks{
        io.get_executor(),
        {clock, bus, 2, "A look ended unexpectedly", [this](std::string lineage) { return work(std::move(lineage)); },
         [this](const std::string& lineage) {
             ended.push_back(lineage);
             if (lineage == "broken") tasks.place(lineage, clock.now());
         }}};
};

}  // namespace

TEST_CASE("work begins when it is due, a few at once, and a lineage at work is not begun again") {
    Agent agent;
    for (const char* lineage : {"a", "b", "c"})
        agent.tasks.place(lineage, agent.clock.now() + seconds(5));
    agent.run_for(seconds(4));
    CHECK(agent.begun.empty());
    agent.run_for(seconds(1));
    CHECK(agent.begun == std::vector<std::string>{"a", "b"});
    agent.tasks.place("a", agent.clock.now());
    agent.run_for(seconds(5));
    CHECK(agent.begun == std::vector<std::string>{"a", "b", "c"});
    CHECK(agent.ended.size() == 3);
    CHECK(agent.told.empty());
}

TEST_CASE("work that ends unexpectedly is told, and its lineage left alone for ten minutes") {
    Agent agent;
    agent.tasks.place("broken", agent.clock.now());
    agent.run_for(minutes(10));
    REQUIRE(agent.told.size() == 1);
    CHECK(agent.told.front().type == EventType::daemon_problem);
    CHECK(agent.told.front().severity == Severity::error);
    CHECK(agent.told.front().lineage == "broken");
    CHECK(agent.told.front().message == "A look ended unexpectedly");
    CHECK(agent.told.front().problem->code == "net.connect");
    agent.run_for(minutes(11));
    CHECK(agent.begun.size() == 3);
}

TEST_CASE("work that is stopped is waited for and is nobody's fault") {
    Agent agent;
    agent.tasks.place("a", agent.clock.now());
    agent.tasks.start_due();
    agent.clock.run_until_idle(agent.io);
    run(agent.io, agent.clock, agent.tasks.stop());
    CHECK(agent.ended == std::vector<std::string>{"a"});
    CHECK(agent.told.empty());
    CHECK(agent.clock.sleepers() == 0);
}
