// The one error value of the project, its exception carrier and the Result alias.
// A Problem's code is an entry of the catalogue (catalog.hpp), which supplies kind, retry class and the default hint.
#pragma once

#include "libacme/base/time.hpp"

#include <tl/expected.hpp>

#include <exception>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace certd {

// Who or what is at fault, for colour and grouping; decisions are made on `Retry`, never on this.
enum class ProblemKind {
    config,
    network,
    tls,
    ca,
    limit,
    validation,
    crypto,
    storage,
    process,
    deploy,
    control,
    cancelled,
    internal
};

// What repeating the operation could achieve. Set where the knowledge is; only backoff turns it into a time.
enum class Retry {
    at_once,      // nothing was refused: repeat without charging a failure (cancelled, badNonce)
    later,        // the usual back-off
    after_change  // an operator or a configuration change is needed; looked at again once a day
};

struct Problem {
    ProblemKind kind = ProblemKind::internal;
    std::string code;    // stable, "acme.rateLimited"; catalogued in contrib/docs/PROBLEMS.md
    std::string what;    // our words: operation and object, no trailing full stop
    std::string hint;    // our words: the remedy, the next step
    std::string remote;  // their words, raw; escape with `escape_untrusted` wherever shown
    Retry retry = Retry::later;
    std::optional<Time> not_before;  // no sooner than this, as the other side asked (Retry-After)
    std::vector<Problem> parts;      // subproblems (RFC 8555 §6.7.1), one per identifier or host

    bool operator==(const Problem&) const = default;
};

template <class T>
using Result = tl::expected<T, Problem>;

// A Problem of a catalogued code; kind, retry and hint come from the catalogue. An unknown code yields kind internal.
Problem problem(std::string_view code, std::string what, std::string remote = {});

// The same, ready to be returned from a function with a Result.
tl::unexpected<Problem> failure(std::string_view code, std::string what, std::string remote = {});
tl::unexpected<Problem> failure(Problem problem);

// Carries a Problem through coroutines and constructors; turned back into a value at the boundary of a protocol step.
class Failure : public std::exception {
   public:
    explicit Failure(Problem problem);
    const char* what() const noexcept override;
    const Problem& problem() const noexcept { return problem_; }

   private:
    Problem problem_;
    std::string text_;
};

[[noreturn]] void fail(std::string_view code, std::string what, std::string remote = {});
[[noreturn]] void fail(Problem problem);

// The value of `result`, or its Problem thrown as a Failure.
template <class T>
T value_or_fail(Result<T> result) {
    if (!result) fail(std::move(result).error());
    if constexpr (!std::is_void_v<T>) return std::move(*result);
}

// The Problem behind a caught exception: a Failure's own, `cancelled` for an aborted wait, `internal.unexpected`
// otherwise.
Problem problem_of(const std::exception_ptr& error);

// "what: remote [code]" in one escaped line, for logs and terminals.
std::string describe(const Problem& problem);

std::string_view to_string(ProblemKind kind);
std::string_view to_string(Retry retry);
std::optional<ProblemKind> problem_kind_from(std::string_view text);
std::optional<Retry> retry_from(std::string_view text);

}  // namespace certd
