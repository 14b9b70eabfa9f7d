// with_timeout: the limit every wait must have. (Asio's `op || timer` is not one: an early error of `op` would wait for
// the timer.)
#pragma once

#include "libacme/async/clock.hpp"
#include "libacme/base/problem.hpp"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/deferred.hpp>
#include <boost/asio/experimental/parallel_group.hpp>

#include <string>
#include <type_traits>

namespace certd {

// Runs `operation`; when it has not ended after `limit`, cancels it, waits for it to end and throws Failure(`code`,
// `what`). An exception of `operation` passes through at once. T must be default-constructible.
template <class T>
Task<T> with_timeout(Clock& clock, Duration limit, std::string code, std::string what, Task<T> operation) {
    auto executor = co_await asio::this_coro::executor;
    auto group = asio::experimental::make_parallel_group(asio::co_spawn(executor, std::move(operation), asio::deferred),
                                                         asio::co_spawn(executor, clock.sleep(limit), asio::deferred));
    if constexpr (std::is_void_v<T>) {
        auto [order, error, timer_error] =
            co_await group.async_wait(asio::experimental::wait_for_one(), asio::use_awaitable);
        if (order[0] == 1 && !timer_error && error) fail(code, what);
        if (error) std::rethrow_exception(error);
    } else {
        auto [order, error, value, timer_error] =
            co_await group.async_wait(asio::experimental::wait_for_one(), asio::use_awaitable);
        if (order[0] == 1 && !timer_error && error) fail(code, what);
        if (error) std::rethrow_exception(error);
        co_return std::move(value);
    }
}

}  // namespace certd
