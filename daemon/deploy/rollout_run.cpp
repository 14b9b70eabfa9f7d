#include "daemon/deploy/rollout_run.hpp"

#include "daemon/deploy/order_run.hpp"
#include "daemon/lineage/served_by.hpp"
#include "libacme/async/task_group.hpp"
#include "libacme/base/text.hpp"

#include <algorithm>
#include <numeric>

#include <fmt/format.h>

namespace certd {

using Kind = RolloutStep::Kind;

namespace {

constexpr std::size_t most_names = 10;  // of hosts in one clause of a sentence

}  // namespace

RolloutRun::RolloutRun(const OrderContext& context, const config::Target& target, std::vector<Place> places)
    : context_(context), target_(target), places_(std::move(places)), rollout_(places_.size(), target.rollout) {
    for (const Place& place : places_)
        before_.push_back(state_before(context_.order, place));
    states_ = before_;
}

Task<RolloutRun::Outcome> RolloutRun::run() {
    tell_started();
    try {
        co_await proceed();
    } catch (...) {
        tell_finished("interrupted");
        throw;
    }
    if (rollout_.stopped()) hold_untried();
    if (outcome() == "stopped") tell_stopped();
    tell_finished(outcome());
    co_return Outcome{states_, problem()};
}

Task<> RolloutRun::proceed() {
    while (rollout_.next().kind != Kind::done) {
        tell_step();
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
    problem.what += ". As last seen: " + served_now();
    for (const std::size_t host : failed) {
        if (states_[host].problem) problem.parts.push_back(*states_[host].problem);
    }
    problem.remote = problem.parts.empty() ? "" : problem.parts.front().remote;
    return problem;
}

// Of all hosts of the target, also those that this rollout has nothing to do with.
std::string RolloutRun::served_now() const {
    std::vector<TargetState> all;
    for (const config::RemoteHost& host : target_.hosts) {
        const Place place{target_.name, host.name};
        const auto own = std::ranges::find(places_, place);
        all.push_back(own == places_.end() ? state_before(context_.order, place)
                                           : states_[static_cast<std::size_t>(own - places_.begin())]);
    }
    VersionsByFingerprint known;
    add_fingerprints(known, context_.facts);
    if (context_.previous_facts) add_fingerprints(known, *context_.previous_facts);
    return describe(group_by_served(all, std::move(known)), most_names);
}

void RolloutRun::tell_started() const {
    std::vector<std::size_t> all(places_.size());
    std::iota(all.begin(), all.end(), std::size_t{0});
    context_.tell(EventType::rollout_started, Severity::info, {target_.name, {}},
                  fmt::format("Rolling version {} out to {} {} of {}", context_.order.version.value, places_.size(),
                              places_.size() == 1 ? "host" : "hosts", target_.name.text),
                  Json::object({{"hosts", places_.size()}, {"sequence", names(all)}}));
}

void RolloutRun::tell_step() const {
    const RolloutStep& step = rollout_.next();
    const std::string target = target_.name.text;
    Json data = Json::object({{"hosts", names(step.hosts)}, {"batch", step.batch}, {"batches", step.batches}});
    std::string message;
    if (step.kind == Kind::pause) {
        const Time until = context_.shared.clock.now() + target_.rollout.pause_between;
        message = fmt::format("{} rests until {}, before batch {} of {}", target,
                              format_rfc3339(std::chrono::floor<seconds>(until)), step.batch, step.batches);
        data.set("phase", "pausing").set("until", to_json(std::optional(until)));
    } else if (step.kind == Kind::go_back) {
        message = fmt::format("{} takes version {} back from {}", target, context_.order.version.value,
                              list_hosts(host_names(step.hosts), most_names));
        data.set("phase", "going-back");
    } else if (step.canary) {
        message = fmt::format("{} tries {} first", target, names_of(step.hosts));
        data.set("phase", "canary");
    } else {
        message = fmt::format("{} comes to batch {} of {}: {}", target, step.batch, step.batches,
                              list_hosts(host_names(step.hosts), most_names));
        data.set("phase", "batch");
    }
    context_.tell(EventType::rollout_step, Severity::info, {target_.name, {}}, std::move(message), std::move(data));
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

std::string_view RolloutRun::outcome() const {
    if (rollout_.failed().empty()) return "complete";
    const bool back = target_.rollout.on_failure == config::Rollout::OnFailure::rollback &&
                      rollout_.failed().size() > target_.rollout.max_failures && !rollout_.served().empty();
    return back ? "rolled-back" : rollout_.stopped() ? "stopped" : "incomplete";
}

void RolloutRun::tell_finished(std::string_view outcome) const {
    const bool well = outcome == "complete";
    const auto serving = std::ranges::count_if(states_, [&](const TargetState& state) {
        return state.state == HostState::deployed && state.version == context_.order.version;
    });
    context_.tell(
        EventType::rollout_finished, well ? Severity::info : Severity::warning, {target_.name, {}},
        fmt::format("The rollout of version {} to {} is {}: {} of {} hosts have it", context_.order.version.value,
                    target_.name.text, outcome, serving, places_.size()),
        Json::object(
            {{"outcome", outcome}, {"failed", names(rollout_.failed())}, {"untried", names(rollout_.untried())}}));
}

std::vector<std::string> RolloutRun::host_names(const std::vector<std::size_t>& hosts) const {
    std::vector<std::string> found;
    for (const std::size_t host : hosts)
        found.push_back(places_[host].host);
    return found;
}

Json RolloutRun::names(const std::vector<std::size_t>& hosts) const {
    Json list = Json::array();
    for (std::string& name : host_names(hosts))
        list.push(std::move(name));
    return list;
}

std::string RolloutRun::names_of(const std::vector<std::size_t>& hosts) const {
    return join(host_names(hosts), ", ");
}

}  // namespace certd
