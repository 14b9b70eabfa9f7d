// Implementation on TaskGroup and with_timeout.
#include "libacme/protocol/concurrently.hpp"

#include "libacme/async/task_group.hpp"
#include "libacme/async/timeout.hpp"

#include <algorithm>

namespace certd::acme {

namespace {

Task<> in_turn(std::size_t count, std::function<Task<>(std::size_t)> body) {
    for (std::size_t i = 0; i < count; ++i)
        co_await body(i);
}

// What several workers share; it outlives them, because their group is joined.
struct Queue {
    std::size_t count;
    std::function<Task<>(std::size_t)> body;
    std::size_t next;
    std::exception_ptr first_error;
};

Task<> work_off(Queue& queue) {
    while (queue.next < queue.count && !queue.first_error) {
        std::size_t mine = queue.next++;
        try {
            co_await queue.body(mine);
        } catch (...) {
            if (!queue.first_error) queue.first_error = std::current_exception();
        }
    }
}

Task<> deaf(Clock& clock, Duration limit, std::string what, Task<> work) {
    co_await asio::this_coro::reset_cancellation_state(asio::disable_cancellation());
    try {
        co_await with_timeout(clock, limit, "challenge.timeout", std::move(what), std::move(work));
    } catch (const std::exception&) {
        // Clean-up is best effort; what it could not do is reported by the work itself.
    }
}

}  // namespace

Task<> for_each_concurrently(std::size_t count, std::size_t limit, std::function<Task<>(std::size_t)> body) {
    if (count < 2 || limit < 2) {
        co_await in_turn(count, std::move(body));
        co_return;
    }
    Queue queue{count, std::move(body), 0, {}};
    TaskGroup group(co_await asio::this_coro::executor, {});
    for (std::size_t i = 0; i < std::min(count, limit); ++i)
        group.spawn("step " + std::to_string(i + 1), work_off(queue));
    co_await group.join();
    if (queue.first_error) std::rethrow_exception(queue.first_error);
}

Task<> shielded(Clock& clock, Duration limit, std::string what, Task<> work) {
    // A task of its own, deaf to cancellation: resetting the state of this one would forget a cancellation that arrives
    // meanwhile.
    Task<> protected_work = deaf(clock, limit, what, std::move(work));
    try {
        co_await with_timeout(clock, 2 * limit, "challenge.timeout", std::move(what), std::move(protected_work));
    } catch (const std::exception&) {
        // The timer of this outer wait is aborted when the caller is cancelled.
    }
    co_await asio::this_coro::throw_if_cancelled(true);
}

}  // namespace certd::acme
