// Bounded concurrency and shielded clean-up for the steps of an order.
#pragma once

#include "libacme/async/clock.hpp"
#include "libacme/async/task.hpp"

#include <cstddef>
#include <functional>
#include <string>

namespace certd::acme {

// Runs body(0) … body(count - 1), at most `limit` at a time. After the first failure no more are begun; it is thrown
// when those under way have ended.
Task<> for_each_concurrently(std::size_t count, std::size_t limit, std::function<Task<>(std::size_t)> body);

// Runs `work` to its end, or for `limit` at most, even if the caller is being cancelled or was already. The caller's
// cancellation is kept and takes effect at its next wait. What `work` throws is lost: it must report by itself.
// The caller says `co_await asio::this_coro::throw_if_cancelled(false)` before, or awaiting this would throw; it is set
// back here.
Task<> shielded(Clock& clock, Duration limit, std::string what, Task<> work);

}  // namespace certd::acme
