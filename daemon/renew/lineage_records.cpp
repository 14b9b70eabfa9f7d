#include "daemon/renew/lineage_records.hpp"

#include "daemon/deploy/hook_runner.hpp"
#include "daemon/lineage/ari.hpp"
#include "daemon/lineage/backoff.hpp"
#include "daemon/lineage/subset.hpp"
#include "daemon/renew/decision_event.hpp"

#include <algorithm>
#include <iterator>
#include <optional>
#include <utility>

namespace certd {

namespace {

template <class T>
void append_bounded(std::vector<T>& items, T item, std::size_t limit) {
    items.push_back(std::move(item));
    if (items.size() > limit) items.erase(items.begin());
}

}  // namespace

LineageName name_of(const LineageRecord& record) {
    return value_or_fail(LineageName::parse(record.spec->name));
}

Result<LineageRecord> LineageRecords::load(std::shared_ptr<const config::Lineage> spec) {
    LineageRecord record;
    record.spec = std::move(spec);
    LineageName name = name_of(record);
    Result<std::optional<LineageState>> state = store_.load_state(name);
    if (!state) return failure(state.error());
    if (*state) record.state = std::move(**state);
    record.state.history = {};
    record.state.hooks = {};
    record.decided = mark_of(record.state.decisions);
    record.state.decisions = {};
    Result<VersionNumber> live = store_.live(name);
    if (!live) return failure(live.error());
    record.state.live = *live;
    // The versions on disk are the truth: a crash may have come between storing one and recording it.
    VersionNumber newest = std::max(record.state.newest, *live);
    for (VersionNumber number{std::max(newest.value, 1U)};; ++number.value) {
        Result<VersionFacts> facts = store_.version(name, number);
        if (!facts) break;
        record.newest = std::make_shared<const VersionFacts>(std::move(*facts));
        if (number > record.state.newest) {
            record_issue_success(record.state, record.newest->ca, record.newest->issued_at);
            forget_refused_names(record.state, *record.newest);
            record.state.renew_requested = false;
            // Whether its CA has renewal information is found out by asking.
            begin_ari(record.state, *record.newest, record.newest->issued_at);
        }
    }
    if (*live) {
        if (record.newest && record.newest->number == *live) {
            record.live = record.newest;
        } else if (Result<VersionFacts> facts = store_.version(name, *live)) {
            record.live = std::make_shared<const VersionFacts>(std::move(*facts));
        }
    }
    // A newer one was put aside as damaged.
    if (!record.newest) record.newest = record.live;
    record.state.newest = record.newest ? record.newest->number : VersionNumber{};
    return record;
}

Task<Result<void>> LineageRecords::save(LineageRecord& record, std::vector<HistoryEntry> entries) {
    LineageName name = name_of(record);
    // A copy: the record goes on living on the event loop while the worker writes.
    LineageState state = record.state;
    std::shared_ptr<Gate> disk = disk_of(name);
    Gate::Pass pass = co_await disk->enter();
    Noted noted = take_noted(name);
    Result<void> saved = co_await offload(workers_, [&]() -> Result<void> {
        // Not kept in memory: thousands of lineages would hold years of it.
        Result<std::optional<LineageState>> old = store_.load_state(name);
        // A file that is damaged has nothing to lose; one that cannot be read now is not written over without its past.
        if (!old && old.error().code != "storage.corrupt") return failure(old.error());
        if (old && *old) {
            state.history = std::move((*old)->history);
            state.hooks = std::move((*old)->hooks);
            state.decisions = std::move((*old)->decisions);
        }
        for (HistoryEntry& entry : entries)
            remember(state, std::move(entry));
        for (const HookRun& run : noted.hooks)
            remember(state, run);
        for (const Decision& decision : noted.decisions)
            remember(state, decision);
        return store_.save_state(name, state);
    });
    if (!saved) give_back(name, std::move(noted));
    co_return saved;
}

Task<Result<void>> LineageRecords::adopt_live(LineageRecord& record, VersionNumber live) {
    record.state.live = live;
    if (record.newest && record.newest->number == live) {
        record.live = record.newest;
    } else if (!live) {
        record.live.reset();
    } else if (!record.live || record.live->number != live) {
        LineageName name = name_of(record);
        Result<VersionFacts> facts = co_await offload(workers_, [&] { return store_.version(name, live); });
        if (!facts) co_return failure(facts.error());
        record.live = std::make_shared<const VersionFacts>(std::move(*facts));
    }
    co_return Result<void>();
}

Task<Recovery> LineageRecords::examine(LineageRecord& record) {
    LineageName name = name_of(record);
    std::shared_ptr<Gate> disk = disk_of(name);
    Gate::Pass pass = co_await disk->enter();
    Recovery found = co_await offload(workers_, [&] { return store_.examine(name); });
    Result<LineageRecord> left = co_await offload(workers_, [&] { return load(record.spec); });
    if (!left) co_return found;
    record.live = left->live;
    record.newest = left->newest;
    record.state.live = left->state.live;
    record.state.newest = left->state.newest;
    co_return found;
}

void LineageRecords::note(const Event& event) {
    for (auto& [lineage, run] : hook_runs_of(event))
        append_bounded(noted_[lineage].hooks, std::move(run), hook_runs_limit);
    if (std::optional<Decision> decision = decision_of(event))
        append_bounded(noted_[event.lineage].decisions, *std::move(decision), decisions_limit);
}

Task<> LineageRecords::save_noted(std::function<bool()> has_time) {
    std::vector<std::string> lineages;
    for (const auto& [lineage, noted] : noted_)
        lineages.push_back(lineage);
    for (const std::string& lineage : lineages) {
        const auto noted = noted_.find(lineage);
        if (noted == noted_.end() || (noted->second.hooks.empty() && !has_time())) continue;
        if (auto name = LineageName::parse(lineage)) co_await save_noted_of(*name);
    }
}

Task<> LineageRecords::save_noted(std::vector<std::string> lineages) {
    for (const std::string& lineage : lineages) {
        if (auto name = LineageName::parse(lineage); name && noted_.contains(lineage)) co_await save_noted_of(*name);
    }
}

// Onto what is on disk; the rest of the state, newer in memory, is saved by whoever changed it.
Task<> LineageRecords::save_noted_of(LineageName name) {
    std::shared_ptr<Gate> disk = disk_of(name);
    Gate::Pass pass = co_await disk->enter();
    Noted noted = take_noted(name);
    if (noted.empty()) co_return;
    const bool saved = co_await offload(workers_, [&] {
        Result<std::optional<LineageState>> state = store_.load_state(name);
        // Nothing is made for a lineage that has none: its first save is to come, or somebody has removed it.
        if (!state || !*state) return false;
        for (const HookRun& run : noted.hooks)
            remember(**state, run);
        for (const Decision& decision : noted.decisions)
            remember(**state, decision);
        return store_.save_state(name, **state).has_value();
    });
    if (!saved) give_back(name, std::move(noted));
}

Task<std::vector<Decision>> LineageRecords::decisions(LineageName name) {
    std::shared_ptr<Gate> disk = disk_of(name);
    Gate::Pass pass = co_await disk->enter();  // so that none is on its way
    std::vector<Decision> decisions;
    Result<std::optional<LineageState>> state = co_await offload(workers_, [&] { return store_.load_state(name); });
    if (state && *state) decisions = std::move((*state)->decisions);
    if (const auto noted = noted_.find(name.text()); noted != noted_.end())
        std::ranges::copy(noted->second.decisions, std::back_inserter(decisions));
    co_return decisions;
}

bool LineageRecords::owes_decisions(const std::string& lineage) const {
    const auto found = noted_.find(lineage);
    return found != noted_.end() && !found->second.decisions.empty();
}

LineageRecords::Noted LineageRecords::take_noted(const LineageName& name) {
    auto noted = noted_.extract(name.text());
    return noted ? std::move(noted.mapped()) : Noted();
}

// Older than what has come since.
void LineageRecords::give_back(const LineageName& name, Noted noted) {
    if (noted.empty()) return;
    Noted& since = noted_[name.text()];
    since.hooks.insert(since.hooks.begin(), noted.hooks.begin(), noted.hooks.end());
    since.decisions.insert(since.decisions.begin(), noted.decisions.begin(), noted.decisions.end());
}

std::shared_ptr<Gate> LineageRecords::disk_of(const LineageName& name) {
    std::erase_if(disks_, [](const auto& item) { return item.second.expired(); });
    std::weak_ptr<Gate>& known = disks_[name.text()];
    std::shared_ptr<Gate> gate = known.lock();
    if (!gate) known = gate = std::make_shared<Gate>(1);
    return gate;
}

}  // namespace certd
