// Sleepers are timers that never expire by themselves; the clock cancels them when their time has come.
#include "tests/support/virtual_clock.hpp"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/error.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>

#include <algorithm>

namespace certd::test {

struct VirtualClock::Sleeper {
    asio::steady_timer timer;
    bool woken = false;
};

Task<> VirtualClock::sleep(Duration duration) {
    auto executor = co_await asio::this_coro::executor;
    if (duration <= Duration(0)) {
        co_await asio::post(executor, asio::use_awaitable);
        co_return;
    }
    Sleeper sleeper{asio::steady_timer(executor, asio::steady_timer::time_point::max())};
    struct Leave {
        std::map<Key, Sleeper*>& sleepers;
        Key key;
        ~Leave() { sleepers.erase(key); }
    } leave{sleepers_, {monotonic_ + duration, next_number_++}};
    sleepers_.emplace(leave.key, &sleeper);
    co_await sleeper.timer.async_wait(asio::as_tuple(asio::use_awaitable));
    if (!sleeper.woken) throw boost::system::system_error(asio::error::operation_aborted);
}

void VirtualClock::run_until_idle(asio::io_context& io) {
    io.restart();
    while (io.poll() > 0)
        io.restart();
}

bool VirtualClock::advance_to_next_timer() {
    if (sleepers_.empty()) return false;
    auto first = sleepers_.begin();
    Sleeper* sleeper = first->second;
    monotonic_ = std::max(monotonic_, first->first.first);
    sleepers_.erase(first);
    sleeper->woken = true;
    sleeper->timer.cancel();
    return true;
}

std::optional<Time> VirtualClock::next_timer() const {
    if (sleepers_.empty()) return std::nullopt;
    return start_ + sleepers_.begin()->first.first;
}

void VirtualClock::run_until(asio::io_context& io, Time time) {
    run_until_idle(io);
    for (auto next = next_timer(); next && *next <= time; next = next_timer()) {
        advance_to_next_timer();
        run_until_idle(io);
    }
    monotonic_ = std::max(monotonic_, Duration(time - start_));
}

}  // namespace certd::test
