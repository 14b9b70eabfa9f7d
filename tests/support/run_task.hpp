// Runs a coroutine to its end on an event loop of its own, in real time. The loop must be empty afterwards.
#pragma once

#include "libacme/async/task.hpp"
#include "libacme/base/problem.hpp"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>

#include <exception>
#include <optional>
#include <type_traits>
#include <utility>

namespace certd::test {

template <class T>
T run_task(Task<T> task) {
    asio::io_context io(1);
    std::exception_ptr error;
    std::optional<std::conditional_t<std::is_void_v<T>, bool, T>> value;
    if constexpr (std::is_void_v<T>) {
        asio::co_spawn(io, std::move(task), [&](std::exception_ptr failed) { error = failed; });
    } else {
        asio::co_spawn(io, std::move(task), [&](std::exception_ptr failed, T result) {
            error = failed;
            if (!failed) value.emplace(std::move(result));
        });
    }
    io.run();
    if (error) std::rethrow_exception(error);
    if constexpr (!std::is_void_v<T>) return std::move(*value);
}

// The Problem a coroutine ends with; a default one (empty code) when it succeeds.
template <class T>
Problem problem_from(Task<T> task) {
    try {
        run_task(std::move(task));
    } catch (...) {
        return problem_of(std::current_exception());
    }
    return {};
}

}  // namespace certd::test
