// The rules: one message when an incident opens, reminders, one when it gets worse, one when it is over.
#include "daemon/notify/decisions.hpp"

#include <algorithm>
#include <array>
#include <set>
#include <string_view>

namespace certd {

namespace {

constexpr std::array<std::string_view, 5> notice_names = {"opened", "reminder", "escalated", "recovered", "test"};
constexpr Duration least_memory = minutes(5);  // of an incident that is over, so that it is the same when it comes back

Incident& open(Incidents& incidents, const Condition& condition, Time now) {
    auto [place, added] = incidents.try_emplace(condition.key);
    Incident& incident = place->second;
    if (added) incident.since = now;
    incident.over.reset();
    incident.condition = condition;
    return incident;
}

// A notifier that does not deliver cannot be told of that.
bool wants(const config::Notifier& notifier, const Incident& incident) {
    const Condition& condition = incident.condition;
    if (is_heartbeat(notifier) || condition.severity < notifier.severity) return false;
    if (condition.kind == IncidentKind::delivery && condition.target == notifier.name) return false;
    return notifier.events.empty() ||
           std::ranges::find(notifier.events, to_string(condition.kind)) != notifier.events.end();
}

struct Step {
    Time at;
    Notice notice;
};

// What the notifier is told next of the incident, and when.
std::optional<Step> next_step(const config::Notifier& notifier, const Incident& incident) {
    auto known = incident.told.find(notifier.name);
    bool told = known != incident.told.end() && !known->second.over;
    bool passed = incident.momentary && known != incident.told.end();
    if (passed) return std::nullopt;
    if (incident.over && !incident.momentary) {
        if (!told) return std::nullopt;
        return Step{saturating_add(*incident.over, notifier.settle), Notice::recovered};
    }
    if (!wants(notifier, incident)) return std::nullopt;
    if (!told) {
        if (incident.momentary && notifier.after > Duration::zero()) return std::nullopt;
        return Step{saturating_add(incident.since, notifier.after), Notice::opened};
    }
    if (incident.condition.severity > known->second.severity) return Step{known->second.at, Notice::escalated};
    if (notifier.remind == Duration::zero()) return std::nullopt;
    return Step{saturating_add(known->second.at, notifier.remind), Notice::reminder};
}

Duration longest_settle(const config::Notifiers& notifiers) {
    Duration longest = least_memory;
    for (const auto& [name, notifier] : notifiers)
        longest = std::max(longest, notifier->settle);
    return longest;
}

}  // namespace

std::string_view to_string(Notice notice) {
    return notice_names.at(static_cast<std::size_t>(notice));
}

bool is_heartbeat(const config::Notifier& notifier) {
    return std::holds_alternative<config::NotifyHeartbeat>(notifier.kind);
}

void observe(Incidents& incidents, const std::vector<Condition>& seen,
             const std::function<bool(const Incident&)>& looked_at, Time now) {
    std::set<std::string_view> keys;
    for (const Condition& condition : seen) {
        keys.insert(condition.key);
        auto known = incidents.find(condition.key);
        bool is_open = known != incidents.end() && !known->second.over;
        if (condition.consequence && !is_open) continue;
        open(incidents, condition, now).by_event = false;
    }
    for (auto& [key, incident] : incidents) {
        if (!keys.contains(key) && !incident.over && !incident.by_event && looked_at(incident)) incident.over = now;
    }
}

void note(Incidents& incidents, Condition condition, bool momentary, Time now) {
    Incident& incident = open(incidents, condition, now);
    incident.by_event = true;
    incident.momentary = momentary;
    if (momentary) incident.over = now;
}

void close(Incidents& incidents, const std::string& key, Time now) {
    auto found = incidents.find(key);
    if (found != incidents.end() && !found->second.over) found->second.over = now;
}

std::vector<Due> take_due(Incidents& incidents, const config::Notifiers& notifiers, Time now) {
    std::vector<Due> due;
    for (auto& [key, incident] : incidents) {
        for (const auto& [name, notifier] : notifiers) {
            std::optional<Step> step = next_step(*notifier, incident);
            if (!step || step->at > now) continue;
            due.push_back({name, step->notice, key});
            incident.told[name] = {now, incident.condition.severity, step->notice == Notice::recovered};
        }
    }
    return due;
}

void forget_settled(Incidents& incidents, const config::Notifiers& notifiers, Time now) {
    Duration memory = longest_settle(notifiers);
    for (auto& [key, incident] : incidents)
        std::erase_if(incident.told, [&](const auto& item) { return !notifiers.contains(item.first); });
    std::erase_if(incidents, [&](const auto& item) {
        const Incident& incident = item.second;
        bool due = std::ranges::any_of(
            notifiers, [&](const auto& notifier) { return next_step(*notifier.second, incident).has_value(); });
        return incident.over && !due && saturating_add(*incident.over, memory) <= now;
    });
}

std::optional<Time> next_due(const Incidents& incidents, const config::Notifiers& notifiers, Time now) {
    std::optional<Time> next;
    auto consider = [&](Time at) { next = std::min(next.value_or(Time::max()), std::max(at, now)); };
    for (const auto& [key, incident] : incidents) {
        for (const auto& [name, notifier] : notifiers) {
            if (std::optional<Step> step = next_step(*notifier, incident)) consider(step->at);
        }
        if (incident.over) consider(saturating_add(*incident.over, longest_settle(notifiers)));
    }
    return next;
}

}  // namespace certd
