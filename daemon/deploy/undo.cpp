#include "daemon/deploy/undo.hpp"

#include "daemon/deploy/backup.hpp"
#include "daemon/deploy/parts.hpp"
#include "daemon/deploy/target_deployment.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace certd {

namespace {

// What the interrupted deployment wanted, as far as it can still be known.
struct Wanted {
    std::vector<InstalledFile> files;  // empty: not known
    bool valid = false;                // the version is there and has not expired
};

// Blocking.
Wanted wanted_of(DeployShared& shared, const LineageName& lineage, const config::Config& config,
                 const DeployJournal& journal) {
    Wanted wanted;
    const auto facts = shared.store.version(lineage, journal.version);
    const auto texts = shared.store.read_version(lineage, journal.version);
    if (!facts || !texts) return wanted;
    wanted.valid = facts->valid_until() > shared.clock.now();
    const auto target = config.targets.find(journal.target);
    if (target == config.targets.end()) return wanted;
    auto files = files_for(target->second, *texts, *facts);
    if (!files) return wanted;
    // A path that the journal knows and the configuration no longer does could not be completed.
    for (const auto& backup : journal.backups) {
        if (std::ranges::find(*files, backup.path, &InstalledFile::path) == files->end()) return wanted;
    }
    wanted.files = std::move(*files);
    return wanted;
}

// Blocking. Only from the version of the journal, and only to one that is valid.
Result<void> take_live_back(DeployShared& shared, const LineageName& lineage, const DeployJournal& journal) {
    if (!journal.previous_live || journal.previous_live == journal.version) return {};
    const auto live = shared.store.live(lineage);
    if (!live) return failure(live.error());
    if (*live != journal.version) return {};
    const auto previous = shared.store.version(lineage, journal.previous_live);
    const auto current = shared.store.version(lineage, journal.version);
    const Time now = shared.clock.now();
    if (!previous || (previous->valid_until() <= now && current && current->valid_until() > now)) return {};
    return shared.store.set_live(lineage, journal.previous_live);
}

enum class Done { put_back, kept_new };

Task<Result<Done>> settle(DeployShared& shared, const LineageName& lineage, const DeployJournal& journal,
                          const Wanted& wanted) {
    const bool complete = !wanted.files.empty() && co_await all_in_place(shared.host, wanted.files);
    const bool first = !journal.backups.empty() && none_existed(journal.backups);
    const bool old_expired = wanted.valid && holds_expired(journal.backups, shared.clock.now());
    if (complete && (first || old_expired)) co_return Done::kept_new;
    if (old_expired && !wanted.files.empty()) {
        auto completed = co_await shared.host.install(wanted.files);
        if (completed) co_return Done::kept_new;
    }
    if (auto back = co_await put_back(shared.host, journal.backups); !back) co_return failure(back.error());
    auto live = co_await offload(shared.workers, [&] { return take_live_back(shared, lineage, journal); });
    if (!live) co_return failure(live.error());
    co_return Done::put_back;
}

Event event_of(const LineageName& lineage, const DeployJournal& journal, EventType type, Severity severity,
               std::string message) {
    Event event;
    event.type = type;
    event.severity = severity;
    event.lineage = lineage.text();
    event.target = journal.target.text;
    event.host = journal.host;
    event.message = std::move(message);
    event.data = Json::object({{"version", journal.version.value}});
    return event;
}

Problem restore_problem(const DeployJournal& journal, const Problem& cause) {
    Problem result =
        problem("deploy.restoreFailed",
                fmt::format("Cannot put back what an interrupted deployment of version {} to {} had changed: {}",
                            journal.version.value, journal.target.text, cause.what),
                cause.remote);
    result.parts.push_back(cause);
    return result;
}

// A journal that cannot be undone now stays, and its backups are what the next deployment goes back to.
Task<> undo(DeployShared& shared, const LineageName& lineage, const config::Config& config,
            const DeployJournal& journal) {
    const auto wanted = co_await offload(shared.workers, [&] { return wanted_of(shared, lineage, config, journal); });
    Result<Done> done = co_await settle(shared, lineage, journal, wanted);
    if (done) {
        auto dropped = co_await offload(shared.workers,
                                        [&] { return shared.store.drop_deploy_journal(lineage, journal.place()); });
        if (!dropped) done = failure(dropped.error());
    }
    if (!done) {
        const Problem cause = restore_problem(journal, done.error());
        Event event = event_of(lineage, journal, EventType::deploy_rollback_failed, Severity::critical, cause.what);
        event.problem = cause;
        shared.events(std::move(event));
        co_return;
    }
    const auto deployment = fmt::format("deployment of version {} to {}", journal.version.value, journal.target.text);
    shared.events(*done == Done::put_back
                      ? event_of(lineage, journal, EventType::deploy_rolled_back, Severity::warning,
                                 "Put back what an interrupted " + deployment + " had changed")
                      : event_of(lineage, journal, EventType::deploy_step, Severity::notice,
                                 "The files of an interrupted " + deployment + " are complete and stay"));
}

// Nobody will deploy there again.
Task<> forget(DeployShared& shared, const LineageName& lineage, const DeployJournal& journal) {
    co_await offload(shared.workers, [&] { return shared.store.drop_deploy_journal(lineage, journal.place()); });
    shared.events(event_of(lineage, journal, EventType::deploy_step, Severity::warning,
                           fmt::format("An interrupted deployment of version {} to {} stays as it is: the "
                                       "configuration no longer deploys there",
                                       journal.version.value, text(journal.place()))));
}

}  // namespace

Task<> undo_interrupted(DeployShared& shared, LineageName lineage, config::ConfigPtr config) {
    auto journals = co_await offload(shared.workers, [&] { return shared.store.deploy_journals(lineage); });
    if (!journals) {
        Event event = event_of(lineage, {}, EventType::deploy_rollback_failed, Severity::critical,
                               "Cannot read the deployment journals");
        event.problem = journals.error();
        shared.events(std::move(event));
        co_return;
    }
    const auto configured = config->lineages.find(lineage.text());
    std::vector<Place> places;
    if (configured != config->lineages.end()) places = places_of(configured->second->targets, &config->targets);
    for (const auto& journal : *journals) {
        if (journal.place().is_local()) {
            co_await undo(shared, lineage, *config, journal);
        } else if (std::ranges::find(places, journal.place()) == places.end()) {
            co_await forget(shared, lineage, journal);
        }
    }
}

}  // namespace certd
