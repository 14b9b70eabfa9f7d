#include "daemon/deploy/rollout_run.hpp"

#include "daemon/deploy/order_run.hpp"
#include "libacme/async/task_group.hpp"
#include "libacme/base/text.hpp"

#include <algorithm>

#include <fmt/format.h>

namespace certd {

using Kind = RolloutStep::Kind;

RolloutRun::RolloutRun(const OrderContext& context, const config::Target& target, std::vector<Place> places)
    : context_(context), target_(target), places_(std::move(places)), rollout_(places_.size(), target.rollout) {
    for (const Place& place : places_)
        before_.push_back(state_before(context_.order, place));
    states_ = before_;
}

Task<RolloutRun::Outcome> RolloutRun::run() {
    if (places_.size() > 1) tell_started();
    while (rollout_.next().kind != Kind::done) {
        switch (rollout_.next().kind) {
            case Kind::deploy:
                co_await deploy_step();
                break;
            case Kind::pause:
                co_await context_.shared.clock.sleep(target_.rollout.pause_between);
                break;
            case Kind::go_back:
                co_await go_back();
                break;
            case Kind::done:
                break;
        }
        rollout_.step_ended();
    }
    if (rollout_.stopped()) {
        hold_untried();
        if (target_.rollout.on_failure == config::Rollout::OnFailure::stop) tell_stopped();
    }
    co_return Outcome{states_, problem()};
}

Task<> RolloutRun::deploy_step() {
    const std::vector<std::size_t> hosts = rollout_.next().hosts;
    TaskGroup group(co_await asio::this_coro::executor,
                    [this](const std::string&, std::exception_ptr error) { unexpected_ = std::move(error); });
    for (const std::size_t host : hosts)
        group.spawn(text(places_[host]), deploy_to(host));
    co_await group.join();
    if (unexpected_) std::rethrow_exception(unexpected_);
}

Task<> RolloutRun::deploy_to(std::size_t host) {
    OrderRun run(context_, {places_[host]}, OrderRun::Live::stays);
    DeployOutcome outcome = co_await run.run();
    rollout_.report(host, outcome.complete);
    co_await settle(host, std::move(outcome.targets.front()));
}

// That a state could not be stored is told at the end of the order, where all of them are stored once more.
Task<> RolloutRun::settle(std::size_t host, TargetState state) {
    states_[host] = std::move(state);
    if (context_.order.ended) (void)co_await context_.order.ended(states_[host]);
}

Task<> RolloutRun::go_back() {
    const std::vector<std::size_t> hosts = rollout_.next().hosts;
    tell_stopped();
    Problem cause = certd::problem(
        "deploy.rolledBack", fmt::format("Version {} was taken back because the rollout to {} failed at {}",
                                         context_.order.version.value, target_.name.text, names_of(rollout_.failed())));
    for (const std::size_t host : hosts) {
        std::optional<Problem> failed = co_await take_back(host);
        TargetState state = failed_state(before_[host], context_.order, failed ? *failed : cause,
                                         context_.shared.clock.now(), HostState::rolled_back);
        state.next_attempt = retry_at();
        // What was seen is what the transaction saw last, on the way there or back.
        state.served_fingerprint = states_[host].served_fingerprint;
        state.verified_at = states_[host].verified_at;
        if (failed) state.version = context_.order.version;
        co_await settle(host, std::move(state));
    }
}

// The version that the host had before this rollout is deployed to it like any other.
Task<std::optional<Problem>> RolloutRun::take_back(std::size_t host) {
    const VersionNumber previous = before_[host].version;
    if (!previous || previous == context_.order.version) {
        co_return certd::problem("deploy.restoreFailed",
                                 fmt::format("{} keeps version {}: certd knows of none before it", text(places_[host]),
                                             context_.order.version.value));
    }
    DeployOrder order = context_.order;
    order.version = previous;
    order.backwards = true;
    order.ended = {};
    auto context = co_await prepare(context_.shared, std::move(order));
    if (!context) co_return context.error();
    OrderRun run(*context, {places_[host]}, OrderRun::Live::stays);
    DeployOutcome outcome = co_await run.run();
    if (!outcome.complete) co_return outcome.problem;
    states_[host].served_fingerprint = outcome.targets.front().served_fingerprint;
    states_[host].verified_at = outcome.targets.front().verified_at;
    co_return std::nullopt;
}

// They wait for the host that stopped the rollout, and follow it when it is tried again.
void RolloutRun::hold_untried() {
    for (const std::size_t host : rollout_.untried()) {
        states_[host].state = HostState::pending;
        states_[host].wanted = context_.order.version;
        states_[host].next_attempt = retry_at();
    }
}

std::optional<Time> RolloutRun::retry_at() const {
    std::optional<Time> first;
    for (const std::size_t host : rollout_.failed()) {
        if (const auto& at = states_[host].next_attempt) first = std::min(first.value_or(*at), *at);
    }
    return first;
}

std::optional<Problem> RolloutRun::problem() const {
    const std::vector<std::size_t> failed = rollout_.failed();
    if (failed.empty()) return std::nullopt;
    if (places_.size() == 1) return states_.front().problem;
    Problem problem =
        certd::problem("deploy.rollout",
                       fmt::format("Version {} did not come to {} of {} hosts of {}: {}", context_.order.version.value,
                                   failed.size(), places_.size(), target_.name.text, names_of(failed)));
    if (rollout_.stopped()) problem.what += fmt::format("; {} were not tried", rollout_.untried().size());
    for (const std::size_t host : failed) {
        if (states_[host].problem) problem.parts.push_back(*states_[host].problem);
    }
    problem.remote = problem.parts.empty() ? "" : problem.parts.front().remote;
    return problem;
}

void RolloutRun::tell_started() const {
    context_.tell(EventType::rollout_started, Severity::info, {target_.name, {}},
                  fmt::format("Rolling version {} out to {} hosts of {}", context_.order.version.value, places_.size(),
                              target_.name.text),
                  Json::object({{"hosts", places_.size()}}));
}

void RolloutRun::tell_stopped() const {
    context_.tell(EventType::rollout_stopped, Severity::error, {target_.name, {}},
                  fmt::format("The rollout of version {} to {} stopped: {} failed, {} serve it, {} were not tried",
                              context_.order.version.value, target_.name.text, names_of(rollout_.failed()),
                              rollout_.served().size(), rollout_.untried().size()),
                  Json::object({{"failed", names_of(rollout_.failed())},
                                {"serving", names_of(rollout_.served())},
                                {"untried", names_of(rollout_.untried())}}),
                  problem());
}

std::string RolloutRun::names_of(const std::vector<std::size_t>& hosts) const {
    std::vector<std::string> names;
    for (const std::size_t host : hosts)
        names.push_back(places_[host].host);
    return join(names, ", ");
}

}  // namespace certd
