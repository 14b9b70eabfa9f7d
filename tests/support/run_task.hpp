// Runs a coroutine to its end on an event loop of its own, in real time. The loop must be empty afterwards.
#pragma once

#include "libacme/base/problem.hpp"
#include "tests/support/started_task.hpp"

#include <exception>
#include <utility>

namespace certd::test {

template <class T>
T run_task(Task<T> task) {
    asio::io_context io(1);
    StartedTask<T> started(io, std::move(task));
    io.run();
    return started.take();
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
