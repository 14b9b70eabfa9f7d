// A coroutine that was started on a test's event loop, and how it ended.
#pragma once

#include "libacme/async/task.hpp"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>

#include <exception>
#include <optional>
#include <type_traits>
#include <utility>

namespace certd::test {

template <class T>
class StartedTask {
   public:
    StartedTask(asio::io_context& io, Task<T> task) {
        if constexpr (std::is_void_v<T>) {
            asio::co_spawn(io, std::move(task), [this](std::exception_ptr failed) { end(failed); });
        } else {
            asio::co_spawn(io, std::move(task), [this](std::exception_ptr failed, T result) {
                if (!failed) value_.emplace(std::move(result));
                end(failed);
            });
        }
    }
    StartedTask(const StartedTask&) = delete;
    StartedTask& operator=(const StartedTask&) = delete;

    bool done() const { return done_; }
    // Its value, or what it threw. Once, after it is done.
    T take() {
        if (error_) std::rethrow_exception(error_);
        if constexpr (!std::is_void_v<T>) return std::move(*value_);
    }

   private:
    void end(std::exception_ptr failed) {
        error_ = std::move(failed);
        done_ = true;
    }

    std::exception_ptr error_;
    std::optional<std::conditional_t<std::is_void_v<T>, bool, T>> value_;
    bool done_ = false;
};

}  // namespace certd::test
