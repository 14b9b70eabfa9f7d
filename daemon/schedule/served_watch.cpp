// ServedWatch: looks, their results, and what is told of them.
#include "daemon/schedule/served_watch.hpp"

#include <algorithm>

#include <fmt/format.h>

namespace certd {

namespace {

// A few looks at a time, however many endpoints do not answer.
constexpr std::size_t looks_at_a_time = 16;

}  // namespace

ServedWatch::ServedWatch(asio::any_io_executor executor, Parts parts)
    : parts_(std::move(parts)),
      started_(parts_.clock.now()),
      tasks_(std::move(executor),
             {parts_.clock, parts_.bus, looks_at_a_time, "A look at what is served ended unexpectedly",
              [this](std::string lineage) { return look_at_targets(std::move(lineage)); }, parts_.ended}) {}

void ServedWatch::place(const LineageRecord& record) {
    remove(record.spec->name);
    if (record.state.paused || !record.live) return;
    config::ConfigPtr config = parts_.config();
    auto watched = watched_places(*record.spec, *config, record.state, started_);
    if (watched.empty()) return;
    tasks_.place(record.spec->name, std::ranges::min(watched, {}, &Watched::at).at);
}

// If the process dies before a finding is stored, the next look finds the same.
Task<> ServedWatch::look_at_targets(std::string lineage) {
    const LineageRecord* record = parts_.find(lineage);
    if (record == nullptr || !record->live) co_return;
    config::ConfigPtr config = parts_.config();
    const VersionFacts live = *record->live;
    const Time now = parts_.clock.now();
    std::vector<Watched> watched = watched_places(*record->spec, *config, record->state, started_);
    std::erase_if(watched, [now](const Watched& one) { return one.at > now; });
    bool changed = false;
    for (const Watched& one : watched) {
        const Looked looked = co_await parts_.deployer.look(config, one.place, live);
        // A job may have begun or ended meanwhile: what it found out is newer.
        LineageRecord* current = parts_.find(lineage);
        if (current == nullptr || !current->live || current->live->number != live.number) co_return;
        changed |= take(*current, one.place, looked);
    }
    LineageRecord* current = parts_.find(lineage);
    if (!changed || current == nullptr) co_return;
    Result<void> saved = co_await parts_.records.save(*current);
    if (!saved) tasks_.tell_fault(lineage, "What was found served could not be stored", saved.error());
}

bool ServedWatch::take(LineageRecord& record, const Place& place, const Looked& looked) {
    auto state = std::ranges::find(record.state.targets, place, &TargetState::place);
    if (state == record.state.targets.end() || state->state != HostState::deployed) return false;
    ServedChange change = record_look(*state, looked, record.live->number, parts_.clock.now());
    if (change == ServedChange::none) return false;
    tell(record.spec->name, place, change, looked);
    return true;
}

void ServedWatch::tell(const std::string& lineage, const Place& place, ServedChange change, const Looked& looked) {
    Event event;
    event.type = change == ServedChange::back ? EventType::served_again : EventType::served_lost;
    event.severity = change == ServedChange::back ? Severity::notice : Severity::warning;
    event.lineage = lineage;
    event.target = place.target.text;
    event.host = place.host;
    switch (change) {
        case ServedChange::none:
            return;
        case ServedChange::lost:
            event.message = fmt::format("{} no longer serves the certificate; it is deployed again", text(place));
            break;
        case ServedChange::unreachable:
            event.message = fmt::format("{} does not show its certificate", text(place));
            break;
        case ServedChange::back:
            event.message = fmt::format("{} serves the certificate again", text(place));
            break;
    }
    event.problem = looked.problem;
    if (!looked.fingerprint.empty()) event.data = Json::object({{"fingerprint_sha256", looked.fingerprint}});
    parts_.bus.publish(std::move(event));
}

}  // namespace certd
