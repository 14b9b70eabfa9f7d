// What the tests of both http-01 solvers share: an event loop to run a coroutine on, challenge tasks, hostile tokens.
#pragma once

#include "libacme/async/task.hpp"
#include "libacme/base/problem.hpp"
#include "libacme/protocol/solver.hpp"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>

#include <exception>
#include <string>
#include <vector>

namespace certd::test {

// Runs `task` to its end in real time; rethrows what it throws.
inline void run(asio::io_context& io, Task<> task) {
    std::exception_ptr error;
    asio::co_spawn(io, std::move(task), [&](std::exception_ptr ended) { error = ended; });
    io.restart();
    io.run();
    if (error) std::rethrow_exception(error);
}

// The code of the Failure that `task` ends with; "none" when it succeeds.
inline Task<std::string> code_of(Task<> task) {
    try {
        co_await std::move(task);
    } catch (const Failure& failure) {
        co_return failure.problem().code;
    }
    co_return "none";
}

inline acme::ChallengeTask http01(std::string token) {
    std::string answer = token + ".thumbprint";
    return {{Identifier::Type::dns, "example.com"}, false, "http-01", std::move(token), std::move(answer)};
}

// Faults S1–S3: what a token may never be, whoever checked it before.
inline const std::vector<std::string>& hostile_tokens() {
    static const std::vector<std::string> tokens = {"",
                                                    ".",
                                                    "..",
                                                    "../x",
                                                    "../../../../etc/cron.d/x",
                                                    "a/b",
                                                    "/etc/passwd",
                                                    "%2e%2e",
                                                    "..%2f",
                                                    std::string("a\0b", 3),
                                                    "-rf /",
                                                    "tök",
                                                    "a b",
                                                    "token\r\n",
                                                    " token",
                                                    "token=",
                                                    "$(touch X)",
                                                    "`id`",
                                                    "a;b",
                                                    "a\nb",
                                                    "%n",
                                                    std::string(300, 'a'),
                                                    "<script>"};
    return tokens;
}

}  // namespace certd::test
