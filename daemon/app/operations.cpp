// DaemonOperations.
#include "daemon/app/operations.hpp"

#include "daemon/app/explain_view.hpp"
#include "daemon/app/pins.hpp"
#include "daemon/app/preflight.hpp"
#include "daemon/app/revocation_view.hpp"
#include "daemon/app/rollout_view.hpp"
#include "daemon/app/sights.hpp"
#include "daemon/app/views.hpp"
#include "daemon/store/audit_journal.hpp"
#include "libacme/protocol/order.hpp"

#include <algorithm>

#include <fmt/format.h>
#include <unistd.h>

namespace certd {

namespace {

constexpr std::size_t most_history = 1000;  // entries of a lineage's past

// Settings that are read once at start; a reload says so instead of pretending.
std::vector<std::string> needing_restart(const config::Config& before, const config::Config& after) {
    std::vector<std::string> keys;
    if (before.state_dir != after.state_dir) keys.emplace_back("state_dir");
    if (before.control.socket != after.control.socket) keys.emplace_back("control.socket");
    if (before.metrics != after.metrics) keys.emplace_back("metrics");
    if (before.http_challenge != after.http_challenge) keys.emplace_back("http_challenge");
    if (before.tls_challenge != after.tls_challenge) keys.emplace_back("tls_challenge");
    if (before.log != after.log) keys.emplace_back("log");
    if (before.audit != after.audit) keys.emplace_back("audit");
    return keys;
}

}  // namespace

DaemonOperations::DaemonOperations(Engine& engine, std::string config_file, Load load, Reloaded reloaded)
    : engine_(engine),
      config_file_(std::move(config_file)),
      load_(std::move(load)),
      reloaded_(std::move(reloaded)),
      doctor_({engine_, config_file_, [this] { return load_(); }, [this] { return notifications(); }}) {}

api::DaemonStatus DaemonOperations::daemon() const {
    api::DaemonStatus status;
    status.version = CERTD_VERSION;
    status.started = engine_.started;
    status.now = engine_.seams.clock.now();
    status.pid = static_cast<std::uint64_t>(::getpid());
    status.lineages = engine_.scheduler.entries().size();
    status.running = engine_.scheduler.running();
    status.config_file = config_file_;
    status.config_problem = config_problem_;
    if (notifications_ != nullptr) status.notify_problem = notifications_->problem();
    return status;
}

std::vector<api::Lineage> DaemonOperations::lineages(bool table_only) const {
    std::vector<api::Lineage> views;
    views.reserve(engine_.scheduler.entries().size());
    for (const auto& [name, entry] : engine_.scheduler.entries()) {
        if (entry->configured)
            views.push_back(lineage_view(*entry, engine_.scheduler.plan_of(*entry), table_only,
                                         &engine_.scheduler.config().targets, &engine_.rollouts));
    }
    return views;
}

Result<const Entry*> DaemonOperations::entry(const LineageName& name) const {
    const Entry* found = engine_.scheduler.find(name);
    if (found == nullptr) return failure("control.noSuchLineage", fmt::format("There is no lineage '{}'", name.text()));
    return found;
}

// Of the version that is live at this moment; a job may make another one live meanwhile, which then has no pins yet.
Task<StoredKeys> DaemonOperations::stored_keys(LineageName name) {
    const Result<const Entry*> found = entry(name);
    if (!found) co_return StoredKeys{};
    const std::shared_ptr<const config::Lineage> spec = (*found)->record.spec;
    const std::shared_ptr<const VersionFacts> live = (*found)->record.live;
    const config::ConfigPtr config = engine_.scheduler.config_pointer();
    co_return co_await offload(engine_.seams.workers,
                               [&] { return read_keys(engine_.store, *spec, config->targets, live.get()); });
}

Task<Result<api::Lineage>> DaemonOperations::lineage(LineageName name) {
    auto versions = co_await offload(engine_.seams.workers, [&] { return engine_.store.versions(name); });
    auto stored = co_await offload(engine_.seams.workers, [&] { return engine_.store.load_state(name); });
    const StoredKeys keys = co_await stored_keys(name);
    Result<const Entry*> found = entry(name);
    if (!found) co_return failure(found.error());
    api::Lineage view = lineage_view(**found, engine_.scheduler.plan_of(**found), false,
                                     &engine_.scheduler.config().targets, &engine_.rollouts);
    view.last_event = engine_.bus.last_id();
    if (versions) add_versions(view, (*found)->record.state, *versions);
    if (stored && *stored) add_hooks(view, std::move((*stored)->hooks));
    view.revocation = revocation_view(engine_.scheduler.crl_sight(**found));
    add_pins(view, keys);
    co_return view;
}

Task<Result<std::vector<api::JournalEntry>>> DaemonOperations::history(LineageName name) {
    auto lines = co_await offload(engine_.seams.workers, [&] {
        return audit_history(engine_.seams.files, audit_directory(engine_.store.root()), name.text(), most_history);
    });
    if (!lines) co_return failure(std::move(lines).error());
    if (lines->empty()) {
        if (Result<const Entry*> known = entry(name); !known) co_return failure(known.error());
    }
    std::vector<api::JournalEntry> entries;
    entries.reserve(lines->size());
    for (const Json& line : *lines)
        entries.push_back(api::journal_entry_from_json(line));
    co_return entries;
}

Task<Result<api::Explanation>> DaemonOperations::explain(LineageName name) {
    auto versions = co_await offload(engine_.seams.workers, [&] { return engine_.store.versions(name); });
    auto stored = co_await offload(engine_.seams.workers, [&] { return engine_.store.load_state(name); });
    std::vector<Decision> decisions = co_await engine_.records.decisions(name);
    const StoredKeys keys = co_await stored_keys(name);
    Result<const Entry*> found = entry(name);
    if (!found) co_return failure(found.error());
    std::vector<HistoryEntry> history;
    if (stored && *stored) history = std::move((*stored)->history);
    api::Explanation view =
        explanation_view(**found, engine_.scheduler.plan_of(**found), std::move(history), engine_.seams.clock.now(),
                         &engine_.scheduler.config().targets, &engine_.rollouts);
    if (versions) add_versions(view.lineage, (*found)->record.state, *versions);
    if (stored && *stored) add_hooks(view.lineage, std::move((*stored)->hooks));
    view.decisions = decisions_view(std::move(decisions));
    add_pins(view.lineage, keys);
    view.lineage.revocation = revocation_view(engine_.scheduler.crl_sight(**found));
    for (std::string& sentence : revocation_sentences(view.lineage, engine_.seams.clock.now()))
        view.then.push_back(std::move(sentence));
    for (std::string& sentence : next_key_sentences(view.lineage))
        view.then.push_back(std::move(sentence));
    for (std::string& sentence : served_sentences(view.lineage.rollouts))
        view.why.push_back(std::move(sentence));
    std::shared_ptr<const config::Lineage> spec = (*found)->record.spec;
    std::vector<CaClients::AccountFacts> accounts;
    try {
        accounts = co_await engine_.clients.accounts({spec->cas.front()});
    } catch (const Failure&) {
        // What is wrong with the account is told by the next renewal and by `check`.
    }
    for (std::string& sentence : persist_sentences(*spec, accounts.empty() ? nullptr : &accounts.front()))
        view.then.push_back(std::move(sentence));
    co_return view;
}

std::vector<api::PlanEntry> DaemonOperations::plan() const {
    std::vector<api::PlanEntry> entries;
    for (const auto& [name, entry] : engine_.scheduler.entries()) {
        Plan plan = engine_.scheduler.plan_of(*entry);
        if (plan.action == Action::none || !entry->configured) continue;
        entries.push_back({name, std::string(to_string(plan.action)), plan.at, std::move(plan.reasons)});
    }
    std::ranges::sort(entries, {}, &api::PlanEntry::at);
    return entries;
}

std::vector<api::LimitUse> DaemonOperations::limits() const {
    std::vector<api::LimitUse> uses;
    for (const auto& [name, ca] : engine_.scheduler.config().cas) {
        for (BucketUse& use : engine_.scheduler.budget_of(ca)) {
            uses.push_back({name.text,
                            std::move(use.kind),
                            std::move(use.key),
                            use.used,
                            use.capacity,
                            use.next,
                            use.full_at,
                            {}});
        }
    }
    for (const auto& [name, entry] : engine_.scheduler.entries()) {
        for (const auto& [ca, attempts] : entry->record.state.attempts) {
            if (!attempts.problem || attempts.problem->code != "acme.paused") continue;
            Time next = attempts.next_attempt.value_or(Time{});
            uses.push_back({ca.text, "paused", acme::names_text(entry->record.spec->names), 1, 1, next, next,
                            acme::unpause_url(*attempts.problem)});
        }
    }
    std::ranges::sort(uses, std::greater(), &api::LimitUse::next);
    return uses;
}

Task<Result<api::JobResult>> DaemonOperations::follow(LineageName name, Result<Scheduler::Ticket> ticket,
                                                      Started started) {
    if (!ticket) co_return failure(ticket.error());
    if (started) started(ticket->job->id, ticket->joined);
    Result<JobOutcome> outcome = co_await engine_.scheduler.wait(*ticket);
    if (!outcome) co_return failure(outcome.error());
    api::JobResult result{name.text(), outcome->outcome, outcome->version.value, outcome->message};
    for (RehearsedPlace& at : outcome->rehearsed) {
        result.rehearsed.push_back(
            {at.place.target.text, at.place.host, std::move(at.steps), std::move(at.not_rehearsed)});
    }
    co_return result;
}

Task<Result<api::JobResult>> DaemonOperations::renew(LineageName name, api::RenewRequest request, std::string by,
                                                     Started started) {
    auto ticket = engine_.scheduler.renew(name, RenewOptions{request.force, request.dry_run, std::move(by)});
    co_return co_await follow(name, std::move(ticket), std::move(started));
}

Task<Result<api::JobResult>> DaemonOperations::rollback(LineageName name, api::RollbackRequest request, std::string by,
                                                        Started started) {
    auto versions = co_await offload(engine_.seams.workers, [&] { return engine_.store.versions(name); });
    if (!versions) co_return failure(versions.error());
    auto ticket = engine_.scheduler.rollback(name, VersionNumber{request.to}, *versions, std::move(by));
    co_return co_await follow(name, std::move(ticket), std::move(started));
}

Task<Result<api::JobResult>> DaemonOperations::deploy(LineageName name, api::DeployRequest request, std::string by,
                                                      Started started) {
    auto ticket = engine_.scheduler.deploy(name, request.target, request.host, request.dry_run, std::move(by));
    co_return co_await follow(name, std::move(ticket), std::move(started));
}

Task<Result<std::vector<api::CheckFinding>>> DaemonOperations::check(LineageName name) {
    Result<const Entry*> found = entry(name);
    if (!found) co_return failure(found.error());
    co_return co_await preflight(engine_, engine_.scheduler.config_pointer(), (*found)->record);
}

api::Notifications DaemonOperations::notifications() const {
    return notifications_ == nullptr ? api::Notifications() : notifications_view(*notifications_);
}

Task<Result<std::vector<api::NotifyTest>>> DaemonOperations::test_notifiers(std::string name) {
    if (notifications_ == nullptr) co_return failure("control.noSuchNotifier", "Nobody is told of anything");
    auto tested = co_await notifications_->test(std::move(name));
    if (!tested) co_return failure(tested.error());
    std::vector<api::NotifyTest> results;
    for (Notifications::Tested& one : *tested) {
        api::NotifyTest& result = results.emplace_back();
        result.notifier = std::move(one.notifier);
        result.delivered = one.answer.has_value();
        if (one.answer) result.answer = *std::move(one.answer);
        if (!one.answer) result.problem = one.answer.error();
    }
    co_return results;
}

Task<Result<void>> DaemonOperations::reload() {
    Gate::Pass pass = co_await reload_gate_.enter();
    Result<config::ConfigPtr> loaded = co_await offload(engine_.seams.workers, [&] { return load_(); });
    Event event;
    if (!loaded) {
        config_problem_ = loaded.error();
        event.type = EventType::config_refused;
        event.severity = Severity::error;
        event.message = "The configuration was not taken over; the running one stays in force";
        event.problem = loaded.error();
        engine_.bus.publish(std::move(event));
        co_return failure(loaded.error());
    }
    config_problem_.reset();
    std::vector<std::string> restart = needing_restart(engine_.scheduler.config(), **loaded);
    co_await engine_.scheduler.apply(*loaded);
    if (notifications_ != nullptr) co_await notifications_->apply((*loaded)->notifiers);
    reloaded_(**loaded);
    event.type = EventType::config_loaded;
    event.severity = restart.empty() ? Severity::notice : Severity::warning;
    event.message = fmt::format("Configuration loaded: {} lineages", (*loaded)->lineages.size());
    if (!restart.empty())
        event.message += "; needs a restart to take effect: " + fmt::format("{}", fmt::join(restart, ", "));
    engine_.bus.publish(std::move(event));
    co_return Result<void>();
}

}  // namespace certd
