// plan(): which of the two needs comes first, and what state and health that amounts to.
#include "daemon/lineage/plan.hpp"

#include "daemon/lineage/deploy_need.hpp"
#include "daemon/lineage/endpoint.hpp"
#include "daemon/lineage/issue_need.hpp"
#include "daemon/lineage/subset.hpp"

#include <algorithm>
#include <array>

#include <fmt/format.h>

namespace certd {

namespace {

constexpr Duration look_again = days(1);     // when there is nothing to do
constexpr Duration clock_skew = hours(1);    // as allowed when a certificate is accepted
constexpr Duration clock_setback = days(1);  // further back than this is no adjustment
constexpr Duration look_at_clock_again = minutes(10);

bool is_expired(const PlanInput& input) {
    return input.live && input.live->valid_until() <= input.now;
}
bool is_past_emergency(const PlanInput& input) {
    return input.live && emergency_point(*input.live) <= input.now;
}

// A clock that stands before what is known to have happened (faults F43). Nothing that hangs on time may be decided by
// it.
std::optional<std::string> clock_fault(const PlanInput& input) {
    if (input.live && input.live->valid_from() > input.now + clock_skew) {
        return fmt::format("the live certificate is not valid before {}", format_rfc3339(input.live->valid_from()));
    }
    const std::optional<VersionFacts>& known = input.newest ? input.newest : input.live;
    if (known && input.now < known->issued_at - clock_setback) {
        return fmt::format("version {} was issued at {}", known->number.value, format_rfc3339(known->issued_at));
    }
    return std::nullopt;
}

Plan idle(const PlanInput& input, State state, std::string reason, Duration wait) {
    Plan plan;
    plan.at = saturating_add(input.now, wait);
    plan.reasons.push_back(std::move(reason));
    plan.state = state;
    plan.health = is_expired(input) ? Health::critical : Health::warning;
    return plan;
}

Plan wait_for_clock(const PlanInput& input, const std::string& fault) {
    Plan plan = idle(input, State::waiting, "clock: " + fault, look_at_clock_again);
    plan.health = Health::warning;
    plan.problem =
        problem("schedule.clock", fmt::format("The clock says {}, but {}", format_rfc3339(input.now), fault));
    return plan;
}

// Failures since the last success, at whichever CA.
bool issue_failing(const LineageState& state) {
    return std::ranges::any_of(state.attempts, [&](const auto& entry) {
        const CaAttempts& attempts = entry.second;
        return attempts.failures > 0 && (!state.last_success || attempts.last_attempt > state.last_success);
    });
}

State state_of(const PlanInput& input, const IssueNeed& issue, const std::optional<DeployNeed>& deploy) {
    bool stuck = issue.failures > 0 && issue.due <= input.now;
    if (stuck && issue.problem && issue.problem->retry == Retry::after_change) return State::blocked;
    if (deploy && deploy->rolled_back) return State::rolled_back;
    if (deploy && deploy->failing) return State::deploy_failed;
    if (stuck) return State::backing_off;
    return input.state.held ? State::held : State::waiting;
}

// A place that was deployed to and does not show its certificate now.
std::optional<Problem> lost_sight_of(const PlanInput& input) {
    const std::vector<Place> places = places_of(input.spec.targets, input.targets);
    for (const TargetState& target : input.state.targets) {
        bool ours = std::ranges::find(places, target.place()) != places.end();
        if (ours && target.state == HostState::deployed && target.problem) return target.problem;
    }
    return std::nullopt;
}

// Names that what consumers read does without.
std::optional<Problem> names_missing(const PlanInput& input) {
    const std::optional<VersionFacts>& facts = input.live ? input.live : input.newest;
    return facts ? missing_problem(input.spec, input.state, *facts) : std::nullopt;
}

bool uses_persistent_record(const config::Lineage& spec) {
    auto uses = [](const config::NameChallenge& item) { return item.challenge.dns_persist01.has_value(); };
    return spec.challenge.dns_persist01 || std::ranges::any_of(spec.name_challenges, uses);
}

// What was seen at the last proof by dns-persist-01 will not be good enough for the next.
std::optional<Problem> persist_fault(const PlanInput& input, const IssueNeed& issue) {
    const std::optional<Time>& until = input.state.persist_until;
    if (!until || *until > std::max(issue.due, input.now) || !uses_persistent_record(input.spec)) return std::nullopt;
    return problem("dns.persistEnds",
                   fmt::format("The record for dns-persist-01 runs out at {}, before the renewal at {}",
                               format_rfc3339(*until), format_rfc3339(std::chrono::floor<seconds>(issue.due))));
}

bool is_live_revoked(const PlanInput& input) {
    return input.revoked != nullptr && input.live && input.revoked->version == input.live->number;
}

Health health_of(const PlanInput& input, const IssueNeed& issue, const std::optional<DeployNeed>& deploy) {
    bool failing = issue_failing(input.state) || (deploy && deploy->failing);
    if (is_expired(input) || is_live_revoked(input)) return Health::critical;
    if (failing && (!input.live || is_past_emergency(input))) return Health::critical;
    const std::optional<EndpointState> endpoint = worst_endpoint(input.spec, input.targets, input.state);
    if (endpoint && endpoint->verdict >= Verdict::expiring) return Health::critical;
    bool worth_a_look = failing || issue.late || input.state.held || lost_sight_of(input) || endpoint ||
                        persist_fault(input, issue) || names_missing(input) || input.revoked != nullptr;
    return worth_a_look ? Health::warning : Health::ok;
}

std::optional<Problem> problem_of(const PlanInput& input, const Plan& plan, const IssueNeed& issue,
                                  const std::optional<DeployNeed>& deploy) {
    if (plan.health == Health::ok) return std::nullopt;
    bool deploy_first = plan.state == State::deploy_failed || plan.state == State::rolled_back;
    if (deploy_first && deploy->problem) return deploy->problem;
    if (issue.failures > 0 && issue.problem) return issue.problem;
    if (input.revoked != nullptr) return revoked_problem(*input.revoked);
    if (std::optional<Problem> missing = names_missing(input)) return missing;
    if (std::optional<Problem> unseen = lost_sight_of(input)) return unseen;
    if (auto endpoint = worst_endpoint(input.spec, input.targets, input.state)) return endpoint->problem;
    if (std::optional<Problem> fault = persist_fault(input, issue)) return fault;
    return input.state.last_problem;
}

Plan next_step(const PlanInput& input, const IssueNeed& issue, const std::optional<DeployNeed>& deploy) {
    Plan plan;
    bool issue_due = issue.ca && issue.at <= input.now;
    if (deploy && !issue_due && (!issue.ca || deploy->at <= issue.at)) {
        plan.action = Action::deploy;
        plan.at = deploy->at;
        plan.version = deploy->version;
        plan.places = deploy->places;
        plan.overrides_maintenance = deploy->overrides;
        plan.reasons = deploy->reasons;
    } else if (issue.ca) {
        plan.action = Action::issue;
        plan.at = issue.at;
        plan.ca = issue.ca;
        plan.staging = issue.staging;
        plan.names_only = issue.names_only;
        plan.reasons = issue.reasons;
    } else {
        plan.at = saturating_add(input.now, look_again);
        plan.reasons.emplace_back("no CA is configured");
    }
    return plan;
}

constexpr std::array<std::string_view, 3> action_names{"none", "issue", "deploy"};
constexpr std::array<std::string_view, 9> state_names{
    "waiting", "issuing", "deploying", "backing-off", "deploy-failed", "rolled-back", "held", "paused", "blocked"};
constexpr std::array<std::string_view, 3> health_names{"ok", "warning", "critical"};

}  // namespace

std::string_view to_string(Action action) {
    return action_names.at(static_cast<std::size_t>(action));
}
std::string_view to_string(State state) {
    return state_names.at(static_cast<std::size_t>(state));
}
std::string_view to_string(Health health) {
    return health_names.at(static_cast<std::size_t>(health));
}

Plan plan(const PlanInput& input) {
    if (input.state.paused) return idle(input, State::paused, "paused", look_again);
    if (std::optional<std::string> fault = clock_fault(input)) return wait_for_clock(input, *fault);

    IssueNeed issue = issue_need(input);
    std::optional<DeployNeed> deploy = deploy_need(input);
    Plan plan = next_step(input, issue, deploy);
    plan.state = state_of(input, issue, deploy);
    plan.health = health_of(input, issue, deploy);
    plan.problem = problem_of(input, plan, issue, deploy);
    return plan;
}

}  // namespace certd
