// From tasks that throw to values: where a step of a protocol meets those who decide by its Problem.
#pragma once

#include "libacme/async/task.hpp"
#include "libacme/base/problem.hpp"

#include <boost/asio/error.hpp>
#include <boost/system/system_error.hpp>

#include <exception>
#include <type_traits>
#include <utility>

namespace certd {

// The Problem a task fails with as a value; only cancellation is thrown.
template <class T>
Task<Result<T>> as_result(Task<T> task) {
    std::exception_ptr error;
    try {
        if constexpr (std::is_void_v<T>) {
            co_await std::move(task);
            co_return Result<void>();
        } else {
            co_return co_await std::move(task);
        }
    } catch (const boost::system::system_error& failed) {
        if (failed.code() == asio::error::operation_aborted) throw;
        error = std::current_exception();
    } catch (...) {
        error = std::current_exception();
    }
    co_return failure(problem_of(error));
}

}  // namespace certd
