// SystemClock: the one place that reads the operating system's clocks.
#include "libacme/async/clock.hpp"

#include <boost/asio/steady_timer.hpp>

#include <algorithm>

#include <time.h>

namespace certd {

Time SystemClock::now() const {
    return std::chrono::floor<Duration>(std::chrono::system_clock::now());
}

Duration SystemClock::monotonic() const {
    timespec value{};
    clock_gettime(CLOCK_BOOTTIME, &value);
    return std::chrono::duration_cast<Duration>(seconds(value.tv_sec) + std::chrono::nanoseconds(value.tv_nsec));
}

Task<> SystemClock::sleep(Duration duration) {
    asio::steady_timer timer(co_await asio::this_coro::executor, duration);
    co_await timer.async_wait(asio::use_awaitable);
}

Task<> sleep_until(Clock& clock, Time instant) {
    for (Time now = clock.now(); now < instant; now = clock.now()) {
        co_await clock.sleep(std::min<Duration>(instant - now, minutes(1)));
    }
}

}  // namespace certd
