#include "daemon/deploy/order_run.hpp"

#include "daemon/lineage/backoff.hpp"
#include "daemon/lineage/plan.hpp"
#include "libacme/async/timeout.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace certd {

namespace {

// The whole daemon has 10 s to stop; what is not undone by then is undone by recover() at the next start.
constexpr Duration undo_limit = seconds(6);

std::string_view doing(DeployStep step) {
    switch (step) {
        case DeployStep::back_up:
            return "Backing up";
        case DeployStep::flip_live:
            return "Switching live for";
        case DeployStep::install:
            return "Installing on";
        case DeployStep::exec:
            return "Running the exec commands of";
        case DeployStep::test:
            return "Testing";
        case DeployStep::reload:
            return "Reloading";
        case DeployStep::verify:
            return "Verifying what is served by";
        case DeployStep::commit:
            return "Committing";
        case DeployStep::restore:
            return "Putting back the old files of";
        case DeployStep::unflip_live:
            return "Switching live back for";
        case DeployStep::exec_restored:
            return "Running the exec commands again for the old files of";
        case DeployStep::reload_restored:
            return "Reloading with the old files";
        case DeployStep::verify_restored:
            return "Verifying that the old certificate is served by";
        case DeployStep::close:
            return "Finishing";
        case DeployStep::done:
            break;
    }
    return "";
}

std::string_view restored_text(Restoration restoration) {
    switch (restoration) {
        case Restoration::verified:
            return "was put back to the old certificate, which is served";
        case Restoration::unverified:
            return "was put back to the old files; what is served is not known";
        case Restoration::done:
            return "was put back to the old files; nothing had been reloaded";
        case Restoration::left:
            return "keeps the new files: there was nothing before, or others use the version";
        default:
            return "";
    }
}

}  // namespace

OrderRun::OrderRun(const OrderContext& context, std::vector<Place> places, Live live)
    : context_(context),
      places_(std::move(places)),
      flips_live_(live == Live::flips),
      transaction_(facts_of(context_, places_, live)),
      problems_(places_.size()) {
    for (const Place& place : places_) {
        const config::Target& target = context_.order.config->targets.at(place.target);
        deployments_.push_back(std::make_unique<TargetDeployment>(context_, target, place));
    }
}

TransactionFacts OrderRun::facts_of(const OrderContext& context, const std::vector<Place>& places, Live live) {
    using Previous = TransactionFacts::Previous;
    TransactionFacts facts;
    for (const Place& place : places)
        facts.targets.push_back(shape_of(context.order.config->targets.at(place.target)));
    facts.live_is_version = live == Live::stays || context.previous == context.order.version;
    if (!facts.live_is_version && context.previous_facts) {
        facts.previous = context.expired(context.previous_facts->valid_until()) ? Previous::expired : Previous::valid;
    }
    return facts;
}

Task<DeployOutcome> OrderRun::run() {
    co_await proceed();
    if (cancelled_) {
        // Here and not in undo_cancelled: until this is said, awaiting anything throws at once.
        co_await asio::this_coro::reset_cancellation_state(asio::disable_cancellation());
        co_await asio::this_coro::throw_if_cancelled(false);
        co_await undo_cancelled();
        co_await asio::this_coro::reset_cancellation_state(asio::enable_terminal_cancellation());
        co_await asio::this_coro::throw_if_cancelled(true);
        std::rethrow_exception(cancelled_);
    }
    auto live = co_await offload(context_.shared.workers, [&] { return context_.shared.store.live(context_.lineage); });
    const auto expected = transaction_.live_is_version() ? context_.order.version : context_.previous;
    co_return outcome(live.value_or(expected));
}

Task<> OrderRun::proceed() {
    while (transaction_.next().step != DeployStep::done && !cancelled_)
        co_await advance();
}

Task<> OrderRun::advance() {
    const DeployAction action = transaction_.next();
    tell_step(action);
    StepReport report = co_await attempt(action);
    if (cancelled_ && action.step == DeployStep::verify_restored) {
        report = {Transaction::Ended::unknown, std::nullopt, std::nullopt};
    } else if (cancelled_ && action.step > DeployStep::commit) {
        co_return;  // a step back that was interrupted is done again by undo_cancelled
    }
    note(action, report);
    const DeployAction next = transaction_.next();
    const bool through = next.step == DeployStep::done || next.target != action.target;
    if (!through || undoing_ || cancelled_ || !context_.order.through) co_return;
    if (!places_.empty() && places_[action.target].is_local()) co_await context_.order.through(places_[action.target]);
}

// The way back of the one target in work, with a limit of its own.
Task<> OrderRun::undo_cancelled() {
    const std::exception_ptr cancellation = std::exchange(cancelled_, nullptr);
    undoing_ = true;
    std::exception_ptr error;
    try {
        co_await with_timeout(context_.shared.clock, undo_limit, "deploy.timeout", "The way back did not end in time",
                              proceed());
    } catch (const std::exception&) {
        error = std::current_exception();
    }
    if (!error && transaction_.next().step != DeployStep::done) error = cancelled_;
    if (error) {
        context_.tell(EventType::deploy_rollback_failed, Severity::critical, {},
                      "A cancelled deployment is not wholly undone; it will be at the next start", Json::object(),
                      problem_of(error));
    }
    for (auto& deployment : deployments_)
        deployment->leave();
    cancelled_ = cancellation;
}

Task<StepReport> OrderRun::attempt(DeployAction action) {
    std::exception_ptr error;
    try {
        if (!places_.empty()) co_return co_await deployments_[action.target]->perform(action.step);
        co_return StepReport::of(co_await offload(context_.shared.workers, [&] {
            return context_.shared.store.set_live(context_.lineage, context_.order.version);
        }));
    } catch (const std::exception&) {
        error = std::current_exception();
    }
    Problem cause = problem_of(error);
    if (cause.kind == ProblemKind::cancelled) {
        cancelled_ = error;
        transaction_.cancel();
    }
    co_return StepReport{Transaction::Ended::badly, std::move(cause), std::nullopt};
}

void OrderRun::note(DeployAction action, const StepReport& report) {
    if (report.before) {
        transaction_.report_backed_up(*report.before);
    } else {
        transaction_.report(report.ended);
    }
    if (places_.empty()) {
        live_problem_ = report.problem;
        return;
    }
    const TargetEnd& end = transaction_.ends()[action.target];
    if (report.problem && end.failed_at == action.step) {
        problems_[action.target] = report.problem;
        tell_failed(action.target);
    } else if (report.problem) {
        way_back_problem_ = report.problem;
    }
    const DeployAction next = transaction_.next();
    if (next.step == DeployStep::done || next.target != action.target) tell_end(action.target);
}

void OrderRun::tell_step(DeployAction action) const {
    const Place place = places_.empty() ? Place{} : places_[action.target];
    const auto on = places_.empty() ? context_.lineage.text() : text(place);
    context_.tell(EventType::deploy_step, Severity::debug, place, fmt::format("{} {}", doing(action.step), on),
                  Json::object({{"step", to_string(action.step)}, {"target", place.target.text}}));
}

void OrderRun::tell_failed(std::size_t index) const {
    context_.tell(
        EventType::deploy_failed, Severity::error, places_[index],
        fmt::format("Version {} could not be deployed to {}", context_.order.version.value, text(places_[index])),
        Json::object({{"step", to_string(*transaction_.ends()[index].failed_at)}}), problems_[index]);
}

void OrderRun::tell_end(std::size_t index) {
    deployments_[index]->leave();
    const TargetEnd& end = transaction_.ends()[index];
    const Place& place = places_[index];
    const std::string name = text(place);
    auto cause = std::exchange(way_back_problem_, std::nullopt);
    if (end.committed) {
        context_.tell(EventType::deploy_committed, Severity::notice, place,
                      fmt::format("Deployed version {} to {}", context_.order.version.value, name));
        return;
    }
    if (end.restoration == Restoration::none) return;
    if (end.restoration == Restoration::failed) {
        Problem failed =
            problem("deploy.restoreFailed", fmt::format("Putting the old certificate of {} back failed", name));
        if (cause) {
            failed.what += ": " + cause->what;
            failed.remote = cause->remote;
            failed.parts.push_back(*cause);
        }
        problems_[index]->parts.push_back(failed);
        context_.tell(EventType::deploy_rollback_failed, Severity::critical, place, failed.what, Json::object(),
                      failed);
    } else if (end.restoration == Restoration::refused) {
        const auto refused =
            problem("deploy.restoreRefused", fmt::format("{} keeps version {}: the certificate before it has expired",
                                                         name, context_.order.version.value));
        problems_[index]->parts.push_back(refused);
        context_.tell(EventType::deploy_rollback_failed, Severity::critical, place, refused.what, Json::object(),
                      refused);
    } else {
        const bool left = end.restoration == Restoration::left;
        context_.tell(left ? EventType::deploy_step : EventType::deploy_rolled_back, Severity::warning, place,
                      fmt::format("{} {}", name, restored_text(end.restoration)),
                      Json::object({{"verified", end.restoration == Restoration::verified}}));
    }
}

DeployOutcome OrderRun::outcome(VersionNumber live) const {
    DeployOutcome outcome;
    outcome.live = live;
    outcome.complete = !flips_live_ || live == context_.order.version;
    for (std::size_t i = 0; i < places_.size(); ++i) {
        const TargetEnd& end = transaction_.ends()[i];
        outcome.targets.push_back(state_of(i));
        outcome.complete = outcome.complete && end.committed;
        if (!end.committed && !outcome.problem) outcome.problem = problems_[i];
        if (outcome.targets.back().state == HostState::rolled_back) outcome.rolled_back_after_verify = true;
    }
    if (live_problem_) {
        outcome.problem = live_problem_;
        outcome.targets.push_back(failed_state(state_before(context_.order, {}), context_.order, *live_problem_,
                                               context_.shared.clock.now(), HostState::failed));
    }
    return outcome;
}

TargetState OrderRun::state_of(std::size_t index) const {
    const TargetEnd& end = transaction_.ends()[index];
    const TargetDeployment& deployment = *deployments_[index];
    TargetState state = state_before(context_.order, places_[index]);
    if (!deployment.served_fingerprint().empty()) state.served_fingerprint = deployment.served_fingerprint();
    if (deployment.verified_at()) state.verified_at = deployment.verified_at();
    if (!end.committed) {
        const bool back = end.restoration == Restoration::verified || end.restoration == Restoration::unverified;
        const bool after_verify = end.failed_at == DeployStep::verify && back;
        return failed_state(std::move(state), context_.order, *problems_[index], context_.shared.clock.now(),
                            after_verify ? HostState::rolled_back : HostState::failed);
    }
    state.state = HostState::deployed;
    state.version = state.wanted = context_.order.version;
    state.emergency_at = emergency_point(context_.facts);
    state.problem.reset();
    state.failures = 0;
    state.next_attempt.reset();
    return state;
}

TargetState failed_state(TargetState state, const DeployOrder& order, Problem cause, Time now, HostState host_state) {
    // Failures with another version are not this one's.
    state.failures = state.wanted == order.version ? state.failures + 1 : 1;
    state.state = host_state;
    state.wanted = order.version;
    state.next_attempt = next_deploy_attempt(state.failures, cause, now, order.spec->name + "/" + text(state.place()));
    state.problem = std::move(cause);
    return state;
}

TargetState state_before(const DeployOrder& order, const Place& place) {
    const auto known = std::ranges::find(order.current, place, &TargetState::place);
    if (known != order.current.end()) return *known;
    TargetState state;
    state.target = place.target;
    state.host = place.host;
    return state;
}

}  // namespace certd
