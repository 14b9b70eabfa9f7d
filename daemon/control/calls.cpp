// Running operations on behalf of connections that may not live as long.
#include "daemon/control/calls.hpp"

#include <utility>

namespace certd::control {

namespace {

constexpr std::size_t most_calls = 10'000;

void end(Call& call, Result<Json> outcome) {
    call.outcome = std::move(outcome);
    call.changed.notify();
}

// Never throws: whatever happens becomes the call's outcome.
Task<> run(std::shared_ptr<Call> call, Calls::Work work) {
    std::exception_ptr error;
    try {
        end(*call, co_await work([call](std::uint64_t job, bool joined) {
            call->job = job;
            call->joined = joined;
            call->changed.notify();
        }));
    } catch (...) {
        error = std::current_exception();
    }
    if (!error) co_return;
    Problem ended = problem_of(error);
    if (ended.code == "control.cancelled")
        ended = problem("control.stopping", "certd is stopping and no longer watches this operation");
    end(*call, failure(std::move(ended)));
}

}  // namespace

Calls::Calls(asio::any_io_executor executor) : group_(std::move(executor), nullptr) {}

Result<std::shared_ptr<Call>> Calls::start(std::string name, Work work) {
    if (stopping_) return failure("control.stopping", "certd is stopping and takes no new calls");
    if (size() >= most_calls) return failure("control.busy", "Too many operations are running to start another one");
    auto call = std::make_shared<Call>();
    group_.spawn(std::move(name), run(call, std::move(work)));
    return call;
}

Task<> Calls::stop() {
    stopping_ = true;
    co_await group_.stop();
}

}  // namespace certd::control
