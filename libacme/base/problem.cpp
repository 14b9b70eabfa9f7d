// Problem: construction from the catalogue, the exception carrier, and its one-line text.
#include "libacme/base/problem.hpp"

#include "libacme/base/catalog.hpp"
#include "libacme/base/names.hpp"
#include "libacme/base/text.hpp"

#include <boost/system/system_error.hpp>

#include <array>
#include <new>
#include <system_error>

namespace certd {

namespace {

constexpr std::array<std::string_view, 13> kind_names = {"config",     "network",   "tls",     "ca",      "limit",
                                                         "validation", "crypto",    "storage", "process", "deploy",
                                                         "control",    "cancelled", "internal"};
constexpr std::array<std::string_view, 3> retry_names = {"at-once", "later", "after-change"};

}  // namespace

Problem problem(std::string_view code, std::string what, std::string remote) {
    Problem result;
    result.code = code;
    result.what = std::move(what);
    result.remote = std::move(remote);
    if (const CatalogEntry* entry = find_catalog(code)) {
        result.kind = entry->kind;
        result.retry = entry->retry;
        result.hint = entry->remedy;
    }
    return result;
}

tl::unexpected<Problem> failure(std::string_view code, std::string what, std::string remote) {
    return tl::unexpected<Problem>(problem(code, std::move(what), std::move(remote)));
}

tl::unexpected<Problem> failure(Problem problem) {
    return tl::unexpected<Problem>(std::move(problem));
}

Failure::Failure(Problem problem) : problem_(std::move(problem)), text_(describe(problem_)) {}

const char* Failure::what() const noexcept {
    return text_.c_str();
}

void fail(std::string_view code, std::string what, std::string remote) {
    throw Failure(problem(code, std::move(what), std::move(remote)));
}

void fail(Problem problem) {
    throw Failure(std::move(problem));
}

Problem problem_of(const std::exception_ptr& error) {
    try {
        std::rethrow_exception(error);
    } catch (const Failure& failure) {
        return failure.problem();
    } catch (const boost::system::system_error& failure) {
        if (failure.code() == boost::system::errc::operation_canceled)
            return problem("control.cancelled", "The operation was cancelled");
        return problem("internal.unexpected", "An unexpected system error", failure.what());
    } catch (const std::bad_alloc&) {
        return problem("internal.memory", "Out of memory");
    } catch (const std::exception& failure) {
        return problem("internal.unexpected", "An unexpected error", failure.what());
    } catch (...) {
        return problem("internal.unexpected", "An unexpected error of unknown type");
    }
}

std::string describe(const Problem& problem) {
    std::string text = escape_untrusted(problem.what);
    if (!problem.remote.empty()) text += ": " + escape_untrusted(problem.remote);
    if (!problem.code.empty()) text += " [" + problem.code + "]";
    return text;
}

std::string_view to_string(ProblemKind kind) {
    return kind_names.at(static_cast<std::size_t>(kind));
}
std::string_view to_string(Retry retry) {
    return retry_names.at(static_cast<std::size_t>(retry));
}
std::optional<ProblemKind> problem_kind_from(std::string_view text) {
    return enum_from<ProblemKind>(text, kind_names);
}
std::optional<Retry> retry_from(std::string_view text) {
    return enum_from<Retry>(text, retry_names);
}

}  // namespace certd
