// Deployments that failed, were rolled back or could not be, rollouts that stopped, and what is served instead.
#include "daemon/notify/target_conditions.hpp"

#include "libacme/base/text.hpp"

#include <algorithm>

#include <fmt/format.h>

namespace certd {

namespace {

constexpr std::size_t hosts_named = 3;

// The hosts of one target by how they stand.
struct Standing {
    std::vector<const TargetState*> failed, lost, unseen, untried;
    bool rolled_back = false;
};

// A certificate that a look found replaced: certd has not tried to deploy again yet.
bool is_lost(const TargetState& state) {
    return state.state == HostState::failed && state.failures == 0 && !state.version && state.problem;
}

void sort_in(Standing& standing, const TargetState& state) {
    switch (state.state) {
        case HostState::failed:
            (is_lost(state) ? standing.lost : standing.failed).push_back(&state);
            break;
        case HostState::rolled_back:
            standing.failed.push_back(&state);
            standing.rolled_back = true;
            break;
        case HostState::pending:
            if (state.wanted) standing.untried.push_back(&state);
            break;
        case HostState::deployed:
            if (state.problem) standing.unseen.push_back(&state);
            break;
        case HostState::deploying:
            break;
    }
}

bool was_not_put_back(const Problem& problem) {
    return problem.code == "deploy.restoreFailed" || problem.code == "deploy.restoreRefused" ||
           std::ranges::any_of(problem.parts, was_not_put_back);
}

std::string hosts_text(const std::vector<const TargetState*>& states) {
    std::vector<std::string> names;
    for (const TargetState* state : states) {
        if (names.size() < hosts_named) names.push_back(state->host);
    }
    std::string text = join(names, ", ");
    if (states.size() > hosts_named) text += fmt::format(" and {} more", states.size() - hosts_named);
    return text;
}

// " on web1, web2" where a target has hosts.
std::string on_hosts(const std::vector<const TargetState*>& states) {
    return states.front()->place().is_local() ? "" : " on " + hosts_text(states);
}

Condition failed_condition(const std::string& name, const Standing& standing) {
    Condition condition;
    const auto& failed = standing.failed;
    condition.kind = IncidentKind::deployment;
    condition.severity = Severity::error;
    condition.problem = failed.front()->problem;
    auto stuck = std::ranges::find_if(
        failed, [](const TargetState* state) { return state->problem && was_not_put_back(*state->problem); });
    if (stuck != failed.end()) {
        condition.kind = IncidentKind::rollback;
        condition.severity = Severity::critical;
        condition.problem = (*stuck)->problem;
        condition.title = fmt::format("rollback of {} failed{}", name, on_hosts({*stuck}));
        condition.served = "not known: see the problem";
    } else if (!standing.untried.empty() && !failed.front()->place().is_local()) {
        condition.kind = IncidentKind::rollout;
        condition.title = fmt::format("rollout to {} stopped: {} failed, {} not tried", name, hosts_text(failed),
                                      standing.untried.size());
    } else {
        condition.title = fmt::format("deployment to {} failed{}{}", name, on_hosts(failed),
                                      standing.rolled_back ? " and was rolled back" : "");
    }
    condition.resolved = fmt::format("{} serves its certificate", name);
    return condition;
}

Condition served_condition(const std::string& name, const Standing& standing) {
    Condition condition;
    const auto& states = standing.lost.empty() ? standing.unseen : standing.lost;
    condition.kind = IncidentKind::served;
    condition.severity = standing.lost.empty() ? Severity::warning : Severity::error;
    condition.problem = states.front()->problem;
    condition.title = fmt::format(
        "{} {}{}", name, standing.lost.empty() ? "does not show its certificate" : "serves another certificate",
        on_hosts(states));
    condition.resolved = fmt::format("{} serves its certificate again", name);
    if (!standing.lost.empty())
        condition.served = fmt::format("another certificate, SHA-256 {}", states.front()->served_fingerprint);
    return condition;
}

}  // namespace

std::vector<Condition> target_conditions(const LineageSight& sight) {
    const std::vector<Place> places = places_of(sight.spec.targets, sight.targets);
    std::map<std::string, Standing> standings;
    for (const TargetState& state : sight.state.targets) {
        bool ours = state.target.text.empty() || std::ranges::find(places, state.place()) != places.end();
        if (ours) sort_in(standings[state.target.text], state);
    }
    std::vector<Condition> conditions;
    for (const auto& [target, standing] : standings) {
        // Without a name: the switch of `live`.
        std::string name = target.empty() ? "live" : target;
        bool failing = !standing.failed.empty();
        if (!failing && standing.lost.empty() && standing.unseen.empty()) continue;
        Condition condition = failing ? failed_condition(name, standing) : served_condition(name, standing);
        condition.key = lineage_key(sight.spec.name, "target/" + target);
        condition.target = target;
        conditions.push_back(std::move(condition));
    }
    return conditions;
}

}  // namespace certd
