// Pipeline: what a job does, step by step, and what it records.
#include "daemon/renew/pipeline.hpp"

#include "daemon/lineage/ari.hpp"
#include "daemon/lineage/backoff.hpp"
#include "daemon/lineage/challenge_order.hpp"
#include "daemon/lineage/decide.hpp"
#include "daemon/lineage/deploy_need.hpp"
#include "daemon/lineage/subset.hpp"
#include "daemon/renew/decision_event.hpp"

#include <algorithm>
#include <array>

#include <fmt/format.h>

namespace certd {

namespace {

void take(LineageState& state, const TargetState& changed) {
    auto found = std::ranges::find(state.targets, changed.place(), &TargetState::place);
    if (found != state.targets.end()) {
        *found = changed;
    } else {
        state.targets.push_back(changed);
    }
}

// Replaces the states of the places that took part, keeps the others, and forgets those no longer configured. The one
// without a name tells of a switch of `live` that failed: it stays only while it was the last to happen.
void merge_targets(LineageState& state, const std::vector<Place>& configured, const std::vector<TargetState>& changed) {
    for (const TargetState& target : changed)
        take(state, target);
    std::erase_if(state.targets, [&](const TargetState& target) {
        if (target.target.text.empty())
            return std::ranges::find(changed, target.place(), &TargetState::place) == changed.end();
        return std::ranges::find(configured, target.place()) == configured.end();
    });
}

PlanInput input_of(const Pipeline::Order& order, const LineageRecord& record, Time now) {
    PlanInput input{*record.spec, record.state};
    if (record.live) input.live = *record.live;
    if (record.newest) input.newest = *record.newest;
    input.now = now;
    input.targets = &order.config->targets;
    return input;
}

// Leaves those places in the order that may be deployed to now. When none may: from when on the first may.
std::optional<Time> keep_open(Pipeline::Order& order, const LineageRecord& record, Time now) {
    PlanInput input = input_of(order, record, now);
    std::vector<Place> open;
    std::optional<Time> first;
    for (Place& place : order.places(record)) {
        Time at = opening_of(input, place, now).at;
        if (at <= now) {
            open.push_back(std::move(place));
        } else {
            first = std::min(first.value_or(at), at);
        }
    }
    if (open.empty() && first) return first;
    order.request.places = std::move(open);
    return std::nullopt;
}

HistoryEntry note(Time at, std::string what, const std::optional<Problem>& problem = std::nullopt) {
    return {at, std::move(what), problem ? problem->code : std::string()};
}

}  // namespace

std::string_view to_string(JobKind kind) {
    constexpr std::array<std::string_view, 5> names = {"renew", "deploy", "rollback", "rehearse", "rehearse-deploy"};
    return names.at(static_cast<std::size_t>(kind));
}

Pipeline::Pipeline(Clock& clock, Workers& workers, Store& store, LineageRecords& records, Renewal& renewal,
                   Deployer& deployer, HookRounds& hooks, EventSink events)
    : clock_(clock),
      workers_(workers),
      store_(store),
      records_(records),
      renewal_(renewal),
      deployer_(deployer),
      hooks_(hooks),
      events_(std::move(events)) {}

std::vector<Place> Pipeline::Order::places(const LineageRecord& record) const {
    if (!request.places.empty()) return request.places;
    return places_of(record.spec->targets, &config->targets);
}

Task<Result<JobOutcome>> Pipeline::run(Order order, LineageRecord& record) {
    if (order.request.kind != JobKind::rehearse && order.request.kind != JobKind::rehearse_deploy)
        order.announcement = deployer_.announce(*order.config, order.places(record));
    // Nothing is begun that was decided and is not on record. A deployment goes on without: it journals what it does.
    const bool deploys = order.request.kind == JobKind::deploy || order.request.kind == JobKind::rollback;
    if (deploys && records_.owes_decisions(record.spec->name)) (void)co_await records_.save(record);
    switch (order.request.kind) {
        case JobKind::renew:
            co_return co_await renew(order, record);
        case JobKind::deploy:
            co_return co_await deploy(order, record, order.request.version, false);
        case JobKind::rollback:
            co_return co_await roll_back(order, record);
        case JobKind::rehearse:
            co_return co_await rehearse(order, record);
        case JobKind::rehearse_deploy:
            co_return co_await rehearse_deploy(order, record);
    }
    co_return failure("internal.unexpected", "A job of unknown kind");
}

Task<Result<JobOutcome>> Pipeline::renew(Order& order, LineageRecord& record) {
    const CaName& ca = order.request.ca;
    const std::optional<CaName>& staging = order.request.staging;
    std::string begun = fmt::format("Renewal at {} started", ca.text);
    if (staging) begun += fmt::format(", at {}, its staging, first", staging->text);
    emit(EventType::renewal_started, Severity::info, order, record, std::move(begun), std::nullopt,
         Json::object({{"ca", ca.text}}));
    Result<void> journalled;
    // Nothing but this request makes the lineage due, or it was decided only now: both must survive a crash as the
    // order does. What was decided earlier and has come due since is on disk.
    if (record.state.renew_requested || records_.owes_decisions(record.spec->name))
        journalled = co_await records_.save(record);
    if (journalled) journalled = co_await begin_hooks(order, record);
    Result<NewCertificate> made = failure(journalled ? Problem{} : journalled.error());
    Attempt attempt{clock_.now(), record.spec};
    if (journalled) made = co_await ask(order, record, attempt);
    if (order.issued) order.issued(made ? std::nullopt : std::optional(made.error()));
    Time now = clock_.now();
    LineageState& state = record.state;
    note_policy(state, policy_digest(*record.spec));
    if (!made) {
        Duration lifetime = record.live ? record.live->lifetime() : Duration::zero();
        // Names that go on missing do not count against a certificate that is in order.
        if (!order.request.names_only || attempt.names.empty()) {
            record_issue_failure(state, ca, made.error(), now, lifetime, record.spec->name);
            state.last_problem = made.error();
        }
        if (!attempt.names.empty()) postpone_refused_names(state, *record.spec, now, lifetime);
        for (const std::string& type : attempt.refused)
            note_refused(state.attempts[ca], type);
        // Whoever revoked the key while its order was on the way wants another certificate all the same.
        state.renew_requested = state.renew_requested && made.error().code == "crypto.keyCompromised";
        std::string told = fmt::format("Renewal at {} failed", ca.text);
        if (attempt.at_staging) told += fmt::format(" at {}, its staging; {} was not asked", staging->text, ca.text);
        emit(EventType::renewal_failed, Severity::error, order, record, std::move(told), made.error(),
             Json::object({{"ca", ca.text}}));
        std::string text = fmt::format("renewal at {} failed: {}", ca.text, made.error().what);
        if (order.concluding) order.concluding();
        Result<void> saved = co_await records_.save(record, {note(now, std::move(text), made.error())});
        co_await end_hooks(order, record, HookUser::Outcome::failed);
        co_return failure(saved ? made.error() : saved.error());
    }
    record_issue_success(state, ca, now);
    record.newest = std::make_shared<const VersionFacts>(std::move(made->facts));
    state.newest = record.newest->number;
    forget_refused_names(state, *record.newest);
    forget_ari(state);
    if (made->renewal_info) begin_ari(state, *record.newest, now);
    if (made->persisted.seen) state.persist_until = made->persisted.until;
    state.renew_requested = false;
    state.held = false;
    state.last_problem.reset();
    std::optional<Problem> missing = missing_problem(*record.spec, state, *record.newest);
    emit(EventType::renewal_issued, missing ? Severity::warning : Severity::notice, order, record,
         fmt::format("Issued version {} from {}, valid until {}", state.newest.value, ca.text,
                     format_rfc3339(record.newest->not_after)),
         std::move(missing), Json::object({{"ca", ca.text}, {"version", state.newest.value}}));
    warn_of_record(order, record);
    std::optional<Time> opening = keep_open(order, record, now);
    if (opening) co_return co_await wait_for_maintenance(order, record, *opening);
    decide_deployment(order, record);
    Result<JobOutcome> deployed = co_await deploy(order, record, state.newest, false);
    co_await end_hooks(order, record, HookUser::Outcome::renewed);  // where nothing was deployed
    if (deployed) deployed->outcome = "issued";
    co_return deployed;
}

// Issued in time, deployed when the service may be disturbed: the plan knows when.
Task<Result<JobOutcome>> Pipeline::wait_for_maintenance(const Order& order, LineageRecord& record, Time until) {
    VersionNumber version = record.state.newest;
    std::string at = format_rfc3339(std::chrono::floor<seconds>(until));
    std::string issued = fmt::format("issued version {} from {}", version.value, record.newest->ca.text);
    if (order.concluding) order.concluding();
    Result<void> saved = co_await records_.save(record, {note(clock_.now(), std::move(issued))});
    if (!saved) co_return failure(saved.error());
    std::string message =
        fmt::format("Version {} is issued; its deployment waits for the maintenance window at {}", version.value, at);
    emit(EventType::renewal_finished, Severity::info, order, record, message);
    co_return JobOutcome{"issued", version, std::move(message)};
}

void Pipeline::warn_of_maintenance(const Order& order, const LineageRecord& record, const std::vector<Place>& places) {
    PlanInput input = input_of(order, record, clock_.now());
    std::vector<Place> overridden;
    for (const Place& place : places) {
        if (opening_of(input, place, input.now).overridden) overridden.push_back(place);
    }
    if (overridden.empty()) return;
    emit(EventType::deploy_outside_window, Severity::critical, order, record,
         fmt::format("{} is deployed to outside of its maintenance window: what it serves is near its end",
                     list(overridden)));
}

// The record of dns-persist-01 that has just been good enough will not be for the next renewal.
void Pipeline::warn_of_record(const Order& order, const LineageRecord& record) {
    const std::optional<Time>& until = record.state.persist_until;
    Time next = renewal_time(*record.newest, record.spec->name, order.config->jitter);
    if (!until || *until > next) return;
    emit(EventType::proof_expiring, Severity::warning, order, record,
         fmt::format("The record for dns-persist-01 runs out at {}, before the next renewal", format_rfc3339(*until)),
         problem("dns.persistEnds",
                 fmt::format("The next renewal is due at {}", format_rfc3339(std::chrono::floor<seconds>(next)))));
}

Task<Result<JobOutcome>> Pipeline::deploy(const Order& order, LineageRecord& record, VersionNumber version,
                                          bool manual_rollback) {
    LineageState& state = record.state;
    VersionNumber before = state.live;
    bool issued = order.request.kind == JobKind::renew;
    DeployOrder deployment;
    deployment.config = order.config;
    deployment.spec = record.spec;
    deployment.version = version;
    const std::vector<Place> configured = places_of(record.spec->targets, &order.config->targets);
    deployment.places = order.places(record);
    deployment.announcement = order.announcement;
    warn_of_maintenance(order, record, deployment.places);
    deployment.current = state.targets;
    deployment.manual_rollback = manual_rollback;
    deployment.backwards = version < state.newest;
    deployment.job = order.job;
    // Seen by those who ask while a rollout goes on, and not forgotten if the process dies in it.
    deployment.ended = [this, &record](TargetState place) -> Task<Result<void>> {
        take(record.state, place);
        co_return co_await records_.save(record);
    };
    // When the other targets are reloaded and verified, what `pre` had stopped runs again.
    deployment.through = [this, &order, &record](Place place) -> Task<> {
        const config::Target& target = order.config->targets.at(place.target);
        if (!target.renewal_hooks.empty()) co_await end_hooks(order, record, HookUser::Outcome::renewed);
    };
    DeployOutcome outcome = co_await deployer_.deploy(std::move(deployment));

    Time now = clock_.now();
    merge_targets(state, configured, outcome.targets);
    Result<void> adopted = co_await records_.adopt_live(record, outcome.live);
    if (!outcome.problem && !adopted) outcome.problem = adopted.error();
    std::vector<HistoryEntry> entries;
    if (issued) {
        std::optional<Problem> missing = missing_problem(*record.spec, state, *record.newest);
        entries.push_back(note(now,
                               fmt::format("issued version {} from {}{}{}", version.value, record.newest->ca.text,
                                           missing ? "; " : "", missing ? missing->what : ""),
                               missing));
    }
    if (outcome.problem) {
        state.last_problem = outcome.problem;
        entries.push_back(note(now,
                               fmt::format("deployment of version {} failed: {}", version.value, outcome.problem->what),
                               outcome.problem));
    } else {
        state.last_problem.reset();
        state.last_success = now;
        entries.push_back(
            note(now, fmt::format("{} version {}", manual_rollback ? "rolled back to" : "deployed", version.value)));
    }
    if (outcome.problem && outcome.problem->code == "storage.corrupt") co_await examine(order, record);
    if (manual_rollback && outcome.complete) {
        for (std::uint32_t number = version.value + 1; number <= state.newest.value; ++number) {
            if (std::ranges::find(state.rejected, VersionNumber{number}) == state.rejected.end())
                state.rejected.push_back({number});
        }
        state.held = true;
        emit(EventType::lineage_held, Severity::warning, order, record,
             "Held after the rollback: the version rolled back from is not deployed again, the next renewal issues a "
             "new one");
    }
    for (Decision& decision : decisions_of_failure(version, state.live, outcome.targets, now))
        decide(record, std::move(decision));
    if (order.concluding) order.concluding();
    Result<void> saved = co_await records_.save(record, std::move(entries));
    if (issued && outcome.complete) {
        // Room for the next version; failing to make it is no failure of this one.
        LineageName name = name_of(record);
        std::uint32_t keep = record.spec->keep_versions;
        co_await offload(workers_, [&] { return store_.prune(name, keep, {before, state.live}); });
    }
    if (outcome.problem) co_return failure(*outcome.problem);
    if (!saved) co_return failure(saved.error());
    const bool verified = std::ranges::any_of(record.spec->targets, [&](const TargetName& name) {
        const auto target = order.config->targets.find(name);
        return target != order.config->targets.end() && !target->second.verify.addresses.empty();
    });
    std::string where = record.spec->targets.empty() ? "live" : verified ? "deployed and verified" : "deployed";
    std::string message = fmt::format("Version {} is {}", version.value, where);
    if (!manual_rollback) emit(EventType::renewal_finished, Severity::info, order, record, message);
    co_return JobOutcome{"deployed", version, std::move(message)};
}

void Pipeline::decide(LineageRecord& record, Decision decision) {
    if (is_standing(decision.kind)) record.decided = mark_of(decision);
    events_(event_of(record.spec->name, decision));
}

// To the places of the order, of the version just issued: saved with the first of them or with the end of the job. A
// process that dies before finds the version on disk and decides the same.
void Pipeline::decide_deployment(const Order& order, LineageRecord& record) {
    const PlanInput input = input_of(order, record, clock_.now());
    Plan plan;
    plan.action = Action::deploy;
    plan.at = input.now;
    plan.version = record.state.newest;
    plan.places = order.places(record);
    plan.reasons = {fmt::format("version {} was issued", plan.version.value)};
    Decision decision = decision_of(input, plan);
    decision.facts = facts_of(input, plan);
    decide(record, std::move(decision));
}

Task<Result<JobOutcome>> Pipeline::roll_back(const Order& order, LineageRecord& record) {
    VersionNumber from = record.state.live;
    emit(EventType::rollback_started, Severity::notice, order, record,
         fmt::format("Rolling back from version {} to {}", from.value, order.request.version.value));
    Result<JobOutcome> result = co_await deploy(order, record, order.request.version, true);
    if (!result) {
        emit(EventType::rollback_finished, Severity::error, order, record, "The rollback failed", result.error());
        co_return result;
    }
    result->outcome = "rolled-back";
    result->message = fmt::format("Version {} is deployed again in place of version {}; the lineage is held",
                                  order.request.version.value, from.value);
    emit(EventType::rollback_finished, Severity::notice, order, record, result->message);
    co_return result;
}

// Damaged files do not mend themselves: a version that cannot be used is put aside, and the next plan goes by what is
// left.
Task<> Pipeline::examine(const Order& order, LineageRecord& record) {
    const Recovery found = co_await records_.examine(record);
    for (const std::string& note : found.notes)
        emit(EventType::store_recovered, Severity::warning, order, record, note);
    for (const auto& [lineage, problem] : found.damaged) {
        emit(EventType::store_damaged, Severity::critical, order, record, "Damage was found in the state directory",
             problem);
    }
}

Task<Result<void>> Pipeline::begin_hooks(Order& order, const LineageRecord& record) {
    if (record.spec->renewal_hooks.empty()) co_return Result<void>();
    emit(EventType::renewal_step, Severity::debug, order, record,
         fmt::format("Waiting for the pre hooks in {}", record.spec->renewal_hooks.directory));
    Result<HookRounds::Place> place =
        co_await hooks_.begin(record.spec->renewal_hooks, record.spec->name, record.spec->names, order.job);
    if (!place) co_return failure(place.error());
    order.hooks = std::make_shared<HookRounds::Place>(*std::move(place));
    co_return Result<void>();
}

// Nothing is left to do the second time.
Task<> Pipeline::end_hooks(const Order& order, const LineageRecord& record, HookUser::Outcome outcome) {
    if (!order.hooks || !*order.hooks) co_return;
    emit(EventType::renewal_step, Severity::debug, order, record,
         fmt::format("Waiting for the post hooks in {}", record.spec->renewal_hooks.directory));
    std::vector<Identifier> names;
    if (outcome == HookUser::Outcome::renewed) names = record.newest->names;
    co_await hooks_.end(std::move(*order.hooks), outcome, std::move(names));
}

void Pipeline::emit(EventType type, Severity severity, const Order& order, const LineageRecord& record,
                    std::string message, std::optional<Problem> problem, Json data) {
    Event event;
    event.type = type;
    event.severity = severity;
    event.lineage = record.spec->name;
    event.job = order.job;
    event.message = std::move(message);
    event.problem = std::move(problem);
    event.data = std::move(data);
    events_(std::move(event));
}

}  // namespace certd
