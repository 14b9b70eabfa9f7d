// Signal: each waiter is a timer that never expires; notify() cancels them all.
#include "libacme/async/signal.hpp"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/deferred.hpp>
#include <boost/asio/experimental/parallel_group.hpp>
#include <boost/asio/steady_timer.hpp>

#include <list>

namespace certd {

struct Signal::State {
    struct Waiter {
        asio::steady_timer timer;
        bool notified = false;
    };
    std::list<Waiter> waiters;
};

Signal::Signal() : state_(std::make_shared<State>()) {}

void Signal::notify() {
    for (State::Waiter& waiter : state_->waiters) {
        waiter.notified = true;
        waiter.timer.cancel();
    }
}

Task<> Signal::wait() {
    std::shared_ptr<State> state = state_;
    auto executor = co_await asio::this_coro::executor;
    auto waiter = state->waiters.emplace(
        state->waiters.end(),
        State::Waiter{asio::steady_timer(executor, asio::steady_timer::time_point::max()), false});
    struct Leave {
        State& state;
        std::list<State::Waiter>::iterator waiter;
        ~Leave() { state.waiters.erase(waiter); }
    } leave{*state, waiter};
    auto [error] = co_await waiter->timer.async_wait(asio::as_tuple(asio::use_awaitable));
    if (!waiter->notified) throw boost::system::system_error(error);
}

Task<bool> Signal::wait_for(Clock& clock, Duration limit) {
    auto executor = co_await asio::this_coro::executor;
    auto group = asio::experimental::make_parallel_group(asio::co_spawn(executor, wait(), asio::deferred),
                                                         asio::co_spawn(executor, clock.sleep(limit), asio::deferred));
    auto [order, signal_error, timer_error] =
        co_await group.async_wait(asio::experimental::wait_for_one(), asio::use_awaitable);
    if (!signal_error) co_return true;
    if (!timer_error) co_return false;
    std::rethrow_exception(signal_error);
}

}  // namespace certd
