// Scheduler: when a decision is made, and whether it is new.
#include "daemon/lineage/decide.hpp"
#include "daemon/renew/decision_event.hpp"
#include "daemon/schedule/scheduler.hpp"

#include <fmt/format.h>

namespace certd {

namespace {

// Within it most decisions find a save that takes them along.
constexpr Duration until_saved = seconds(10);

// As plan() says it of a renewal.
std::string_view noun_of(JobKind kind) {
    if (kind == JobKind::rollback) return "rollback";
    return kind == JobKind::renew ? "renewal" : "deployment";
}

}  // namespace

void Scheduler::decide(Entry& entry, const Plan& plan, std::string by) {
    const PlanInput input = input_of(entry);
    Decision decision = decision_of(input, plan);
    decision.by = std::move(by);
    if (decision.by.empty() && !is_new(entry.record.decided, decision)) return;
    decision.facts = facts_of(input, plan);
    record(entry, std::move(decision));
}

// A plan to wait. What is due now is decided when it is carried out or held up: start_due() knows which. A lineage
// whose certificate is older than its trace gets one with the next save that comes anyway, so that thousands of them
// write nothing at the first start.
void Scheduler::decide_waiting(Entry& entry, const Plan& plan) {
    const bool due = plan.action != Action::none && plan.at <= parts_.clock.now();
    if (due || (!entry.record.decided && entry.record.newest)) return;
    decide(entry, plan);
}

// What follows from a state that is about to be saved.
void Scheduler::decide_conclusion(Entry& entry, const std::string& by) {
    if (!entry.configured) return;
    const Plan plan = due_plan(entry);
    const bool due = plan.action != Action::none && plan.at <= parts_.clock.now();
    if (!due || !by.empty()) decide(entry, plan, by);
}

// Due, and kept from starting by how its CA fares: the same for as long as that lasts.
void Scheduler::decide_wait_for_ca(Entry& entry, Plan plan) {
    const CaHealth* health = watch_.find(*plan.ca);
    const PlanInput input = input_of(entry);
    const bool rests = health != nullptr && rests_until(*health, input.now) > input.now;
    Decision decision = decision_of(input, plan);
    decision.kind = DecisionKind::wait;
    decision.what = fmt::format("Wait for {}", plan.ca->text);
    decision.reasons.push_back(rests ? fmt::format("{} does not answer; one lineage asks it for all", plan.ca->text)
                                     : fmt::format("what piled up while {} was away is spread", plan.ca->text));
    if (!is_new(entry.record.decided, decision)) return;
    decision.facts = facts_of(input, plan);
    record(entry, std::move(decision));
}

// A job that is asked for, about to start: due at once, whatever the plan was.
void Scheduler::decide_request(Entry& entry, const JobRequest& request, const std::string& by) {
    if (request.kind == JobKind::rehearse || request.kind == JobKind::rehearse_deploy) return;
    const PlanInput input = input_of(entry);
    Plan plan = due_plan(entry);
    const bool planned = plan.action == (request.kind == JobKind::renew ? Action::issue : Action::deploy);
    if (!planned || request.kind == JobKind::rollback) plan.reasons.clear();
    plan.at = input.now;
    plan.state = State::waiting;
    plan.action = request.kind == JobKind::renew ? Action::issue : Action::deploy;
    plan.version = request.version;
    plan.places = request.places;
    if (request.kind == JobKind::renew) {
        plan.ca = request.ca;
        plan.staging = request.staging;
    }
    const std::string why = std::string(noun_of(request.kind)) + " requested";
    if (plan.reasons.empty() || plan.reasons.front() != why) plan.reasons.insert(plan.reasons.begin(), why);
    Decision decision = decision_of(input, plan);
    if (request.kind == JobKind::rollback) {
        decision.kind = DecisionKind::roll_back;
        decision.what =
            fmt::format("Go back from version {} to version {}", entry.record.state.live.value, request.version.value);
    }
    decision.facts = facts_of(input, plan);
    decision.by = by;
    record(entry, std::move(decision));
}

// By an event, which takes it to the journal, to those who look on, and to the records.
void Scheduler::record(Entry& entry, Decision decision) {
    if (is_standing(decision.kind)) entry.record.decided = mark_of(decision);
    const std::string& name = entry.record.spec->name;
    parts_.bus.publish(event_of(name, decision));
    decisions_.place(name, saturating_add(parts_.clock.now(), until_saved));
}

}  // namespace certd
