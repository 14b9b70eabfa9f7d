// Virtual time: a Clock that stands still until the test moves it, and the means to drive coroutines through years of
// it.
#pragma once

#include "libacme/async/clock.hpp"
#include "tests/support/started_task.hpp"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>

#include <cstdint>
#include <exception>
#include <map>
#include <optional>
#include <stdexcept>
#include <type_traits>

namespace certd::test {

// Default start: 2026-11-23T00:00:00Z.
constexpr Time virtual_start{seconds(1795392000)};

class VirtualClock final : public Clock {
   public:
    explicit VirtualClock(Time start = virtual_start) : start_(start) {}

    Time now() const override { return start_ + monotonic_; }
    Duration monotonic() const override { return monotonic_; }
    Task<> sleep(Duration duration) override;

    // Runs what can run without time passing.
    void run_until_idle(asio::io_context& io);
    // Moves time to the next sleeper and wakes it; false when nobody sleeps.
    bool advance_to_next_timer();
    // Runs everything up to and including `time`, and leaves the clock there.
    void run_until(asio::io_context& io, Time time);
    // The wall clock is set; sleepers do not notice.
    void jump_wall(Duration by) { start_ += by; }

    std::size_t sleepers() const { return sleepers_.size(); }
    std::optional<Time> next_timer() const;

   private:
    struct Sleeper;
    using Key = std::pair<Duration, std::uint64_t>;  // when, and in which order they came
    Time start_;
    Duration monotonic_{};
    std::uint64_t next_number_ = 0;
    std::map<Key, Sleeper*> sleepers_;
};

// Drives `task` to its end in virtual time and returns its value; throws when it would wait for ever.
template <class T>
T run(asio::io_context& io, VirtualClock& clock, Task<T> task) {
    StartedTask<T> started(io, std::move(task));
    for (;;) {
        clock.run_until_idle(io);
        if (started.done()) return started.take();
        if (!clock.advance_to_next_timer())
            throw std::runtime_error("the coroutine waits for something that never comes");
    }
}

}  // namespace certd::test
