// Words and facts of decisions.
#include "daemon/lineage/decide.hpp"

#include "daemon/lineage/ari.hpp"
#include "libacme/base/text.hpp"

#include <algorithm>
#include <utility>

#include <fmt/format.h>

namespace certd {

namespace {

constexpr std::size_t reasons_limit = 10;
constexpr std::size_t reason_length = 300;  // of names there may be a hundred

std::string date(Time time) {
    return format_rfc3339(std::chrono::floor<seconds>(time));
}

DecisionKind kind_of(const Plan& plan) {
    if (plan.state == State::paused) return DecisionKind::pause;
    if (plan.action == Action::none) return DecisionKind::wait;
    if (plan.action == Action::deploy) return DecisionKind::deploy;
    if (plan.state == State::blocked) return DecisionKind::block;
    return plan.state == State::held ? DecisionKind::hold : DecisionKind::issue;
}

std::string ordering(const Plan& plan) {
    std::string text = "Order a certificate";
    if (plan.ca) text += " from " + plan.ca->text;
    if (plan.staging) text += fmt::format(", at {}, its staging, first", plan.staging->text);
    return text;
}

std::string words_of(const PlanInput& input, const Plan& plan, DecisionKind kind) {
    switch (kind) {
        case DecisionKind::pause:
            return "Do nothing until resumed";
        case DecisionKind::deploy:
            return plan.places.empty() ? fmt::format("Make version {} live", plan.version.value)
                                       : fmt::format("Deploy version {} to {}", plan.version.value, list(plan.places));
        case DecisionKind::hold:
            return fmt::format("Hold version {}; {}", input.state.live.value, ordering(plan));
        case DecisionKind::block:
            return "Wait for an operator or a change of the configuration; else " + ordering(plan);
        case DecisionKind::issue:
            return ordering(plan);
        default:
            return "Do nothing";
    }
}

void add_attempts(const PlanInput& input, const CaName& ca, std::map<std::string, std::string>& facts) {
    const auto known = input.state.attempts.find(ca);
    if (known == input.state.attempts.end()) return;
    const CaAttempts& attempts = known->second;
    if (attempts.failures != 0) facts["failures"] = std::to_string(attempts.failures);
    if (attempts.next_attempt) facts["next_attempt"] = date(*attempts.next_attempt);
    if (attempts.problem) facts["problem"] = attempts.problem->code;
}

// Why the first CA of the list is left out, beside what it failed with.
void add_ca(const PlanInput& input, const Plan& plan, std::map<std::string, std::string>& facts) {
    facts["ca"] = plan.ca->text;
    if (plan.staging) facts["staging"] = plan.staging->text;
    add_attempts(input, *plan.ca, facts);
    const CaName& first = input.spec.cas.front();
    if (first == *plan.ca) return;
    facts["instead_of"] = first.text;
    std::map<std::string, std::string> there;
    add_attempts(input, first, there);
    for (auto& [key, value] : there)
        facts["instead_of_" + key] = std::move(value);
}

void add_deployment(const PlanInput& input, const Plan& plan, std::map<std::string, std::string>& facts) {
    facts["version"] = std::to_string(plan.version.value);
    if (!plan.places.empty()) facts["places"] = escape_untrusted(list(plan.places), reason_length);
    for (const TargetState& state : input.state.targets) {
        const bool tried = state.failures != 0 && state.wanted == plan.version;
        if (!tried || (!plan.places.empty() && std::ranges::find(plan.places, state.place()) == plan.places.end()))
            continue;
        facts["failures"] = std::to_string(state.failures);
        if (state.next_attempt) facts["next_attempt"] = date(*state.next_attempt);
        if (state.problem) facts["problem"] = state.problem->code;
        return;  // of the first place, for all
    }
}

// Whether what the place had before was put back: not where nothing had been changed there, nor where it could not be.
bool was_put_back(const TargetState& state) {
    const std::string& code = state.problem->code;
    const bool had_begun =
        state.state == HostState::rolled_back || code.starts_with("deploy.") || code.starts_with("tls.");
    const bool failed = std::ranges::any_of(state.problem->parts, [](const Problem& part) {
        return part.code == "deploy.restoreRefused" || part.code == "deploy.restoreFailed";
    });
    return state.version && had_begun && !failed;
}

std::vector<std::string> causes_of(const Problem& problem) {
    std::vector<std::string> causes{escape_untrusted(problem.what, reason_length)};
    for (const Problem& part : problem.parts) {
        if (causes.size() < reasons_limit) causes.push_back(escape_untrusted(part.what, reason_length));
    }
    return causes;
}

}  // namespace

Decision decision_of(const PlanInput& input, const Plan& plan) {
    Decision decision;
    decision.at = input.now;
    decision.kind = kind_of(plan);
    decision.what = escape_untrusted(words_of(input, plan, decision.kind), reason_length);
    if (plan.action != Action::none && plan.at > input.now) decision.due = plan.at;
    const std::size_t count = std::min(plan.reasons.size(), reasons_limit);
    for (std::size_t i = 0; i < count; ++i)
        decision.reasons.push_back(escape_untrusted(plan.reasons[i], reason_length));
    return decision;
}

std::map<std::string, std::string> facts_of(const PlanInput& input, const Plan& plan) {
    std::map<std::string, std::string> facts;
    if (input.state.live) facts["live"] = std::to_string(input.state.live.value);
    if (input.state.newest != input.state.live) facts["newest"] = std::to_string(input.state.newest.value);
    if (input.live) {
        facts["not_after"] = date(input.live->valid_until());
        facts["emergency_point"] = date(emergency_point(*input.live));
    }
    if (plan.action == Action::issue && plan.ca) add_ca(input, plan, facts);
    if (plan.action == Action::deploy) add_deployment(input, plan, facts);
    if (plan.action == Action::issue && input.newest) {
        facts["renewal_time"] = date(renewal_time(*input.newest, input.spec.name, input.jitter_limit));
        if (const AriWindow* window = window_of(input.state, *input.newest)) {
            facts["ari_start"] = date(window->start);
            facts["ari_end"] = date(window->end);
            facts["ari_selected"] = date(window->selected);
        }
    }
    return facts;
}

std::vector<Decision> decisions_of_failure(VersionNumber version, VersionNumber live,
                                           const std::vector<TargetState>& left, Time now) {
    std::map<DecisionKind, std::vector<const TargetState*>> groups;
    for (const TargetState& state : left) {
        if (!state.problem || (state.state != HostState::failed && state.state != HostState::rolled_back)) continue;
        groups[was_put_back(state) ? DecisionKind::put_back : DecisionKind::keep].push_back(&state);
    }
    std::vector<Decision> decisions;
    for (const auto& [kind, states] : groups) {
        std::vector<Place> places;
        for (const TargetState* state : states)
            places.push_back(state->place());
        const TargetState& first = *states.front();
        Decision& decision = decisions.emplace_back();
        decision.at = now;
        decision.kind = kind;
        if (first.target.text.empty()) {
            decision.what = fmt::format("Keep version {} live, without version {}", live.value, version.value);
        } else if (kind == DecisionKind::keep) {
            decision.what = fmt::format("Leave {} as it is, without version {} in order", list(places), version.value);
        } else {
            decision.what = fmt::format("Roll {} back from version {} to version {}", list(places), version.value,
                                        first.version.value);
        }
        decision.what = escape_untrusted(decision.what, reason_length);
        decision.reasons = causes_of(*first.problem);
        decision.facts = {{"version", std::to_string(version.value)},
                          {"live", std::to_string(live.value)},
                          {"places", escape_untrusted(list(places), reason_length)},
                          {"problem", first.problem->code},
                          {"failures", std::to_string(first.failures)}};
        if (first.next_attempt) decision.facts["next_attempt"] = date(*first.next_attempt);
    }
    return decisions;
}

}  // namespace certd
