// Blocking work (RSA keys, disk) off the event loop. The coroutine resumes on its own executor; exceptions come along.
#pragma once

#include "libacme/async/task.hpp"

#include <boost/asio/async_result.hpp>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/thread_pool.hpp>

#include <exception>
#include <memory>
#include <optional>
#include <type_traits>

namespace certd {

class Workers {
   public:
    explicit Workers(std::size_t threads);  // 0: run in place, for tests in virtual time
    ~Workers();                             // waits for running work
    asio::thread_pool* pool() const { return pool_.get(); }

   private:
    std::unique_ptr<asio::thread_pool> pool_;
};

// `work` is called once on a worker thread. The wait is deaf to cancellation, because a thread cannot be stopped and
// what `work` refers to must stay alive until it has ended.
template <class F, class T = std::invoke_result_t<F>>
Task<T> offload(Workers& workers, F work) {
    if (workers.pool() == nullptr) co_return work();
    auto executor = co_await asio::this_coro::executor;
    std::optional<std::conditional_t<std::is_void_v<T>, bool, T>> value;
    std::exception_ptr error;
    co_await asio::async_initiate<decltype(asio::use_awaitable), void()>(
        [&](auto handler) {
            auto shared = std::make_shared<decltype(handler)>(std::move(handler));
            asio::post(*workers.pool(), [&, shared, guard = asio::make_work_guard(executor)]() mutable {
                try {
                    if constexpr (std::is_void_v<T>) {
                        work();
                    } else {
                        value.emplace(work());
                    }
                } catch (...) {
                    error = std::current_exception();
                }
                asio::post(guard.get_executor(), [shared]() mutable { std::move (*shared)(); });
            });
        },
        asio::use_awaitable);
    if (error) std::rethrow_exception(error);
    if constexpr (!std::is_void_v<T>) co_return std::move(*value);
}

}  // namespace certd
