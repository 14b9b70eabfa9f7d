// Scheduler: what operators ask for, and jobs they wait for.
#include "daemon/lineage/subset.hpp"
#include "daemon/renew/compromised_key.hpp"
#include "daemon/schedule/rollback.hpp"
#include "daemon/schedule/scheduler.hpp"

#include <algorithm>

#include <fmt/format.h>

namespace certd {

Result<Entry*> Scheduler::configured(const LineageName& name) {
    auto found = entries_.find(name.text());
    if (found == entries_.end() || !found->second->configured) {
        return failure("control.noSuchLineage", fmt::format("There is no lineage '{}'", name.text()));
    }
    return found->second.get();
}

Result<Scheduler::Ticket> Scheduler::join_or_start(Entry& entry, JobRequest request, const std::string& by) {
    if (stopping_) return failure("control.cancelled", "certd is stopping");
    if (entry.job) {
        // What is rehearsed elsewhere says nothing about the places asked for.
        const bool elsewhere = request.kind == JobKind::rehearse_deploy && entry.job->places != request.places;
        if (entry.job->kind == request.kind && !elsewhere) {
            if (!by.empty()) {
                const std::string what = fmt::format("Join the {} that runs", to_string(entry.job->kind));
                record(entry, {parts_.clock.now(), DecisionKind::join, what, {}, {"it is what was asked for"}, {}, by});
            }
            return Ticket{entry.job, true};
        }
        return failure("control.busy",
                       fmt::format("A {} of {} is running", to_string(entry.job->kind), entry.record.spec->name));
    }
    // An operator does not wait in the queue, but what runs for him counts.
    if (request.kind == JobKind::renew || request.kind == JobKind::rehearse) ready_.take_place(request.ca);
    decide_request(entry, request, by);
    return Ticket{start(entry, std::move(request)), false};
}

Result<Scheduler::Ticket> Scheduler::renew(const LineageName& name, RenewOptions options) {
    Result<Entry*> entry = configured(name);
    if (!entry) return failure(entry.error());
    const config::Lineage& spec = *(*entry)->record.spec;
    if (options.rehearse) {
        if (!config_->dry_run_ca) {
            return failure("config.noDryRunCa", "A dry run needs a CA whose certificates nobody relies on");
        }
        return join_or_start(**entry, JobRequest{JobKind::rehearse, *config_->dry_run_ca, {}, {}}, options.by);
    }
    if ((*entry)->job) return join_or_start(**entry, JobRequest{JobKind::renew, {}, {}, {}}, options.by);
    LineageState& state = (*entry)->record.state;
    if (state.paused) return failure("schedule.paused", fmt::format("{} is paused", name.text()));
    Time now = parts_.clock.now();
    if (!options.force) retry_refused_names(state, now);
    Plan plan = due_plan(**entry);  // an operator does not wait for a CA that rests
    CaName ca = plan.ca.value_or(spec.cas.front());
    if (!options.force) {
        if (plan.action == Action::deploy) {
            return join_or_start(**entry, JobRequest{JobKind::deploy, {}, plan.version, plan.places}, options.by);
        }
        bool failing = plan.state == State::backing_off || plan.state == State::blocked;
        bool held_back = (*entry)->budget && now < (*entry)->budget->at;  // due, and refused below with the reason
        if (!failing && !held_back && plan.at > now) {
            auto job = std::make_shared<Job>();
            job->kind = JobKind::renew;
            job->result = JobOutcome{"not-due", state.live,
                                     fmt::format("Not due before {}; use --force to renew now",
                                                 format_rfc3339(std::chrono::floor<seconds>(plan.at)))};
            return Ticket{job, false};
        }
        auto attempts = state.attempts.find(ca);
        if (failing && attempts != state.attempts.end() && attempts->second.problem &&
            attempts->second.problem->not_before && *attempts->second.problem->not_before > now) {
            Problem problem = *attempts->second.problem;
            problem.hint = "The CA asked to wait; --force asks it all the same. " + problem.hint;
            return failure(std::move(problem));
        }
        if (std::optional<Allowance> held = budgets_.wait_for(config_->cas.at(ca), (*entry)->record)) {
            Problem problem = certd::problem("schedule.rateBudget", fmt::format("{}: {}", name.text(), held->reason));
            problem.not_before = held->at;
            return failure(std::move(problem));
        }
    }
    // For missing names alone no certificate is wanted that lacks them as well.
    bool names_only = plan.names_only && !options.force;
    state.renew_requested = !names_only;
    std::optional<CaName> staging = options.force ? std::nullopt : plan.staging;
    return join_or_start(**entry, JobRequest{JobKind::renew, ca, {}, {}, std::move(staging), names_only}, options.by);
}

Result<Scheduler::Ticket> Scheduler::deploy(const LineageName& name, const std::string& target, const std::string& host,
                                            bool rehearse, std::string by) {
    Result<Entry*> entry = configured(name);
    if (!entry) return failure(entry.error());
    const LineageRecord& record = (*entry)->record;
    std::vector<Place> places = places_of(record.spec->targets, &config_->targets);
    if (!target.empty()) {
        std::erase_if(places, [&](const Place& place) { return place.target.text != target; });
        const auto known = config_->targets.find({target});
        const bool is_own = std::ranges::find(record.spec->targets, TargetName{target}) != record.spec->targets.end();
        if (is_own && known != config_->targets.end() && known->second.is_watched()) {
            return failure("control.noSuchTarget",
                           fmt::format("'{}' is only watched: nothing is deployed there", target));
        }
        if (places.empty())
            return failure("control.noSuchTarget", fmt::format("{} has no target '{}'", name.text(), target));
    }
    if (!host.empty()) {
        std::erase_if(places, [&](const Place& place) { return place.host != host; });
        if (places.empty()) {
            return failure("control.noSuchTarget", fmt::format("{} is not deployed to a host '{}'{}", name.text(), host,
                                                               target.empty() ? "" : " of target " + target));
        }
    }
    bool rejected = std::ranges::find(record.state.rejected, record.state.newest) != record.state.rejected.end();
    VersionNumber version = rejected ? record.state.live : record.state.newest;
    if (!version) return failure("control.noSuchVersion", fmt::format("{} has no certificate yet", name.text()));
    const JobKind kind = rehearse ? JobKind::rehearse_deploy : JobKind::deploy;
    return join_or_start(**entry, JobRequest{kind, {}, version, std::move(places)}, by);
}

Result<Scheduler::Ticket> Scheduler::rollback(const LineageName& name, VersionNumber to,
                                              const std::vector<VersionFacts>& versions, std::string by) {
    Result<Entry*> entry = configured(name);
    if (!entry) return failure(entry.error());
    Result<VersionNumber> version = choose_rollback((*entry)->record.state, versions, to, parts_.clock.now());
    if (!version) return failure(version.error());
    return join_or_start(**entry, JobRequest{JobKind::rollback, {}, *version, {}}, by);
}

Task<Result<JobOutcome>> Scheduler::wait(Ticket ticket) {
    while (!ticket.job->result)
        co_await ticket.job->ended.wait();
    co_return *ticket.job->result;
}

Task<Result<void>> Scheduler::pause(LineageName name, std::string by) {
    Result<Entry*> entry = configured(name);
    if (!entry) co_return failure(entry.error());
    (*entry)->record.state.paused = true;
    decide_conclusion(**entry, by);
    replan(**entry);
    emit(EventType::lineage_paused, Severity::notice, name.text(),
         "Paused: neither renewed nor deployed until resumed");
    co_return co_await parts_.records.save((*entry)->record);
}

Task<Result<void>> Scheduler::resume(LineageName name, std::string by) {
    Result<Entry*> entry = configured(name);
    if (!entry) co_return failure(entry.error());
    LineageRecord& record = (*entry)->record;
    record.state.paused = false;
    record.state.held = false;
    // What waits for an operator has had him now.
    bool blocked = std::erase_if(record.state.attempts, [](const auto& item) {
                       return item.second.problem && item.second.problem->retry == Retry::after_change;
                   }) > 0;
    retry_refused_names(record.state, parts_.clock.now());
    // Both may be replaced meanwhile.
    std::shared_ptr<const config::Lineage> spec = record.spec;
    config::ConfigPtr config = config_;
    for (const CaName& ca : spec->cas)
        co_await parts_.clients.lift_suspension(config->cas.at(ca));
    entry = configured(name);  // another one may have come in its place meanwhile
    if (!entry) co_return failure(entry.error());
    decide_conclusion(**entry, by);
    replan(**entry);
    changed_.notify();
    emit(EventType::lineage_resumed, Severity::notice, name.text(),
         blocked ? "Resumed; what blocked it is tried again" : "Resumed");
    co_return co_await parts_.records.save((*entry)->record);
}

Task<Result<void>> Scheduler::note_revoked(LineageName name, VersionNumber version, std::vector<VersionNumber> same_key,
                                           bool replace, std::string by, std::optional<Revoked> found) {
    Result<Entry*> entry = configured(name);
    if (!entry) co_return failure(entry.error());
    LineageState& state = (*entry)->record.state;
    same_key.push_back(version);
    for (VersionNumber unusable : same_key) {
        if (std::ranges::find(state.rejected, unusable) == state.rejected.end()) state.rejected.push_back(unusable);
        if (replace && (unusable == state.live || unusable == state.newest)) state.renew_requested = true;
    }
    decide_conclusion(**entry, by);
    replan(**entry);
    changed_.notify();
    Event event;
    event.type = EventType::version_revoked;
    event.severity = found ? Severity::error : Severity::warning;
    event.lineage = name.text();
    event.message = fmt::format("Version {} was revoked{}{}", version.value,
                                found ? fmt::format(" at {} ({})", format_rfc3339(found->since), found->reason) : "",
                                state.renew_requested ? "; a new one is due now" : "");
    if (found) event.problem = revoked_problem(*found);
    parts_.bus.publish(std::move(event));
    std::string entry_text = found ? fmt::format("found version {} revoked ({})", version.value, found->reason)
                                   : fmt::format("revoked version {}", version.value);
    co_return co_await parts_.records.save(
        (*entry)->record, {{parts_.clock.now(), std::move(entry_text), found ? "lineage.revoked" : ""}});
}

// Before anything is ordered: a key that is known to others is never used again.
Task<Result<std::vector<VersionNumber>>> Scheduler::burn_revoked(std::string lineage, Revoked revoked) {
    if (!is_key_compromise(revoked)) co_return std::vector<VersionNumber>();
    LineageName name = value_or_fail(LineageName::parse(lineage));
    co_return co_await offload(parts_.workers, [&] { return burn_keys(parts_.store, name, revoked.version); });
}

// As if an operator had done it, but for a newer version that may be deployed in its place.
Task<Result<void>> Scheduler::mark_revoked(std::string lineage, Revoked revoked, std::vector<VersionNumber> same_key) {
    const LineageRecord* record = record_of(lineage);
    if (record == nullptr) co_return Result<void>();
    const VersionNumber newest = record->state.newest, version = revoked.version;
    const auto has = [newest](const std::vector<VersionNumber>& versions) {
        return std::ranges::find(versions, newest) != versions.end();
    };
    const bool replace = newest == version || has(same_key) || has(record->state.rejected);
    co_return co_await note_revoked(value_or_fail(LineageName::parse(lineage)), version, std::move(same_key), replace,
                                    {}, std::move(revoked));
}

Task<Result<void>> Scheduler::note_persisted(LineageName name, std::optional<Time> until) {
    Result<Entry*> entry = configured(name);
    if (!entry) co_return failure(entry.error());
    LineageState& state = (*entry)->record.state;
    if (state.persist_until == until) co_return Result<void>();
    state.persist_until = until;
    replan(**entry);
    co_return co_await parts_.records.save((*entry)->record);
}

}  // namespace certd
