// Gate, Signal, TaskGroup, with_timeout and offload in real time, with waits far longer than any test may take.
#include "libacme/async/gate.hpp"
#include "libacme/async/offload.hpp"
#include "libacme/async/signal.hpp"
#include "libacme/async/task_group.hpp"
#include "libacme/async/timeout.hpp"
#include "tests/support/catch.hpp"

#include <boost/asio/io_context.hpp>
#include <boost/system/system_error.hpp>

#include <stdexcept>
#include <thread>

using namespace certd;

namespace {

// Runs a coroutine to its end and rethrows what it threw.
void run(asio::io_context& io, Task<> task) {
    std::exception_ptr error;
    asio::co_spawn(io, std::move(task), [&](std::exception_ptr ended) { error = std::move(ended); });
    io.restart();
    io.run();
    if (error) std::rethrow_exception(error);
}

std::string code_of(Task<> task) {
    asio::io_context io;
    try {
        run(io, std::move(task));
    } catch (...) {
        return problem_of(std::current_exception()).code;
    }
    return "";
}

Task<int> answer_after(Clock& clock, Duration duration, int value) {
    co_await clock.sleep(duration);
    co_return value;
}

}  // namespace

TEST_CASE("an operation within its limit gives its value") {
    asio::io_context io;
    SystemClock clock;
    int value = 0;
    run(io, [](Clock& clock, int& value) -> Task<> {
        value = co_await with_timeout(clock, hours(1), "net.timeout", "x", answer_after(clock, milliseconds(1), 7));
    }(clock, value));
    CHECK(value == 7);
}

TEST_CASE("an operation beyond its limit is cancelled and becomes the problem named") {
    SystemClock clock;
    CHECK(code_of([](Clock& used) -> Task<> {
              co_await with_timeout(used, milliseconds(5), "net.timeout", "No answer", used.sleep(hours(1)));
          }(clock)) == "net.timeout");
}

TEST_CASE("an early error of the operation does not wait for the limit") {
    SystemClock clock;
    CHECK(code_of([](Clock& used) -> Task<> {
              auto failing = []() -> Task<> {
                  fail("net.connect", "refused");
                  co_return;
              };
              co_await with_timeout(used, hours(1), "net.timeout", "No answer", failing());
          }(clock)) == "net.connect");
}

TEST_CASE("a signal wakes every waiter of that moment and no later one") {
    asio::io_context io;
    SystemClock clock;
    Signal signal;
    int woken = 0;
    bool late = true;
    TaskGroup group(io.get_executor(), nullptr);
    auto waiter = [](Signal& waited, int& count) -> Task<> {
        co_await waited.wait();
        ++count;
    };
    group.spawn("one", waiter(signal, woken));
    group.spawn("two", waiter(signal, woken));
    run(io, [](asio::io_context&, Clock& used, Signal& waited, TaskGroup& tasks, bool& late_result) -> Task<> {
        co_await used.sleep(milliseconds(1));
        waited.notify();
        late_result = co_await waited.wait_for(used, milliseconds(2));
        co_await tasks.join();
    }(io, clock, signal, group, late));
    CHECK(woken == 2);
    CHECK_FALSE(late);
}

TEST_CASE("a gate lets its limit through, in order, and takes back the place of a cancelled waiter") {
    asio::io_context io;
    SystemClock clock;
    Gate gate(1);
    std::string order;
    TaskGroup group(io.get_executor(), nullptr);
    auto worker = [](Gate& entered, Clock& used, std::string& written, char name) -> Task<> {
        Gate::Pass pass = co_await entered.enter();
        written += name;
        co_await used.sleep(milliseconds(1));
    };
    for (char name : {'a', 'b', 'c'})
        group.spawn(std::string(1, name), worker(gate, clock, order, name));
    run(io, [](TaskGroup& tasks, Gate& entered, Clock& used) -> Task<> {
        co_await used.sleep(Duration::zero());
        CHECK(entered.inside() == 1);
        CHECK(entered.waiting() == 2);
        co_await tasks.join();
    }(group, gate, clock));
    CHECK(order == "abc");

    run(io, [](Gate& entered, Clock& used) -> Task<> {
        Gate::Pass held = co_await entered.enter();
        bool limited = false;
        try {
            co_await with_timeout(used, milliseconds(2), "net.timeout", "x",
                                  [](Gate& blocked) -> Task<> { Gate::Pass pass = co_await blocked.enter(); }(entered));
        } catch (const Failure&) {
            limited = true;
        }
        CHECK(limited);
        CHECK(entered.waiting() == 0);
    }(gate, clock));
    CHECK(gate.inside() == 0);
}

TEST_CASE("raising a gate's limit lets waiters in at once") {
    asio::io_context io;
    SystemClock clock;
    Gate gate(0);
    run(io, [](Gate& entered, Clock& used) -> Task<> {
        TaskGroup group(co_await asio::this_coro::executor, nullptr);
        group.spawn("waiter", [](Gate& blocked) -> Task<> { Gate::Pass pass = co_await blocked.enter(); }(entered));
        co_await used.sleep(Duration::zero());
        CHECK(entered.waiting() == 1);
        entered.set_limit(1);
        co_await group.join();
    }(gate, clock));
    CHECK(gate.inside() == 0);
}

TEST_CASE("a task group reports failures by name, not cancellations, and stop waits for clean-up") {
    asio::io_context io;
    SystemClock clock;
    std::vector<std::string> failed;
    bool cleaned = false;
    TaskGroup group(io.get_executor(), [&](const std::string& name, std::exception_ptr) { failed.push_back(name); });
    group.spawn("bad", []() -> Task<> {
        throw std::runtime_error("bad");
        co_return;
    }());
    group.spawn("long", [](Clock& used, bool& done) -> Task<> {
        std::exception_ptr error;
        try {
            co_await used.sleep(hours(1));
        } catch (...) {
            error = std::current_exception();
        }
        co_await asio::this_coro::reset_cancellation_state(asio::disable_cancellation());
        co_await used.sleep(milliseconds(2));
        done = true;
        std::rethrow_exception(error);
    }(clock, cleaned));
    run(io, [](TaskGroup& tasks, Clock& used) -> Task<> {
        co_await used.sleep(milliseconds(1));
        CHECK(tasks.names() == std::vector<std::string>{"long"});
        co_await tasks.stop();
        CHECK(tasks.size() == 0);
    }(group, clock));
    CHECK(failed == std::vector<std::string>{"bad"});
    CHECK(cleaned);
}

TEST_CASE("a cancelled join still waits for its tasks") {
    asio::io_context io;
    SystemClock clock;
    TaskGroup group(io.get_executor(), nullptr);
    group.spawn("long", clock.sleep(hours(1)));
    CHECK_THROWS_AS(run(io,
                        [](TaskGroup& tasks, Clock& used) -> Task<> {
                            co_await with_timeout(used, milliseconds(2), "net.timeout", "x", tasks.join());
                        }(group, clock)),
                    Failure);
    CHECK(group.size() == 0);
}

TEST_CASE("offloaded work runs elsewhere, brings back its value or exception and cannot be left early") {
    asio::io_context io;
    SystemClock clock;
    Workers workers(2);
    Workers in_place(0);
    std::thread::id here = std::this_thread::get_id();
    run(io, [](Workers& pool, Workers& none, Clock& used, std::thread::id loop) -> Task<> {
        CHECK(co_await offload(pool, [] { return std::this_thread::get_id(); }) != loop);
        CHECK(co_await offload(none, [] { return std::this_thread::get_id(); }) == loop);
        CHECK(std::this_thread::get_id() == loop);
        bool thrown = false;
        try {
            co_await offload(pool, [] { fail("crypto.key", "no"); });
        } catch (const Failure& failed) {
            thrown = failed.problem().code == "crypto.key";
        }
        CHECK(thrown);
        bool finished = false;
        co_await with_timeout(used, milliseconds(1), "net.timeout", "x", [](Workers& slow, bool& done) -> Task<> {
            co_await offload(slow, [&] {
                std::this_thread::sleep_for(std::chrono::milliseconds(20));
                done = true;
            });
        }(pool, finished));
        CHECK(finished);
    }(workers, in_place, clock, here));
}
