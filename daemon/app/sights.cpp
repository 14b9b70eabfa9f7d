// From entries of the scheduler to what the notifier judges.
#include "daemon/app/sights.hpp"

#include <algorithm>
#include <array>

#include <unistd.h>

namespace certd {

EngineSights::EngineSights(const Engine& engine, std::function<std::optional<Problem>()> config_problem)
    : engine_(engine), config_problem_(std::move(config_problem)) {}

DaemonSight EngineSights::daemon() const {
    DaemonSight sight;
    for (const auto& [ca, health] : engine_.scheduler.ca_health()) {
        if (engine_.scheduler.config().cas.contains(ca)) sight.ca_health.emplace(ca, health);
    }
    if (config_problem_) sight.config_problem = config_problem_();
    sight.since_last_pass = engine_.scheduler.since_last_pass();
    return sight;
}

void EngineSights::look_at(const Entry& entry, const std::function<void(const LineageSight&)>& look) const {
    const LineageRecord& record = entry.record;
    const config::Config& config = engine_.scheduler.config();
    LineageSight sight{
        *record.spec,  record.state, record.live.get(), &config.targets, engine_.scheduler.plan_of(entry),
        config.jitter, std::nullopt};
    if (entry.job) sight.running = {entry.job->step, entry.job->started};
    look(sight);
}

void EngineSights::each_state(const std::function<void(const LineageState&)>& look) const {
    for (const auto& [name, entry] : engine_.scheduler.entries()) {
        if (entry->configured) look(entry->record.state);
    }
}

void EngineSights::each(const std::function<void(const LineageSight&)>& look) const {
    for (const auto& [name, entry] : engine_.scheduler.entries()) {
        if (entry->configured) look_at(*entry, look);
    }
}

void EngineSights::one(const std::string& lineage, const std::function<void(const LineageSight&)>& look) const {
    auto found = engine_.scheduler.entries().find(lineage);
    if (found != engine_.scheduler.entries().end() && found->second->configured) look_at(*found->second, look);
}

api::Notifications notifications_view(const Notifications& notifications) {
    api::Notifications view;
    for (const Notifications::View& lane : notifications.notifiers()) {
        const Outbox& outbox = lane.outbox;
        api::Notifier notifier;
        notifier.name = lane.notifier->name;
        notifier.kind = kind_of(*lane.notifier);
        notifier.to = receiver_of(*lane.notifier);
        notifier.severity = to_string(lane.notifier->severity);
        notifier.queued = static_cast<std::uint32_t>(outbox.items.size());
        notifier.delivered = outbox.delivered;
        notifier.failed = outbox.failed;
        notifier.dropped = outbox.dropped;
        notifier.last_delivery = outbox.last_delivery;
        notifier.problem = outbox.problem;
        if (!outbox.items.empty()) notifier.next_attempt = outbox.next_attempt;
        view.notifiers.push_back(std::move(notifier));
    }
    for (const auto& [key, incident] : notifications.incidents()) {
        const Condition& condition = incident.condition;
        api::Incident shown;
        shown.key = key;
        shown.kind = to_string(condition.kind);
        shown.severity = to_string(condition.severity);
        shown.title = condition.title;
        shown.lineage = condition.lineage;
        shown.since = incident.since;
        shown.over = incident.over;
        shown.problem = condition.problem;
        for (const auto& [name, told] : incident.told) {
            if (!told.over) shown.told.push_back(name);
        }
        view.incidents.push_back(std::move(shown));
    }
    return view;
}

std::vector<NotifierGauges> notifier_gauges(const Notifications& notifications) {
    std::vector<NotifierGauges> gauges;
    for (const Notifications::View& lane : notifications.notifiers()) {
        const Outbox& outbox = lane.outbox;
        gauges.push_back({lane.notifier->name, outbox.items.size(), outbox.delivered, outbox.failed, outbox.dropped,
                          outbox.last_delivery});
    }
    return gauges;
}

std::string own_host_name() {
    std::array<char, 256> name{};
    if (::gethostname(name.data(), name.size() - 1) != 0) return "localhost";
    std::string text(name.data());
    std::erase_if(text, [](char letter) {
        bool plain = (letter >= 'a' && letter <= 'z') || (letter >= 'A' && letter <= 'Z') ||
                     (letter >= '0' && letter <= '9') || letter == '.' || letter == '-';
        return !plain;
    });
    return text.empty() ? "localhost" : text;
}

}  // namespace certd
