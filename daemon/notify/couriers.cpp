// Notifications: one courier per notifier, heartbeats, and test messages.
#include "daemon/notify/notifications.hpp"
#include "libacme/async/as_result.hpp"
#include "libacme/async/timeout.hpp"

#include <algorithm>

#include <fmt/format.h>

namespace certd {

namespace {

constexpr Duration wall_clock_again = minutes(1);    // jumps are noticed
constexpr Duration test_limit = seconds(25);         // clients wait for 30 s
constexpr Duration longest_blindness = minutes(15);  // of this agent

// Those that say that certd itself does not get on, and not that a certificate has trouble.
bool stops_heartbeats(const Incident& incident) {
    if (incident.over) return false;
    const Condition& condition = incident.condition;
    bool own_stall = condition.kind == IncidentKind::stalled && condition.problem &&
                     condition.problem->code.starts_with("schedule.");
    return own_stall || condition.kind == IncidentKind::storage;
}

}  // namespace

Task<> Notifications::carry(Lane& lane) {
    for (;;) {
        if (lane.outbox.items.empty()) {
            co_await lane.wake.wait();
            continue;
        }
        Time now = parts_.clock.now();
        Time at = lane.outbox.next_attempt.value_or(now);
        if (at > now) {
            co_await lane.wake.wait_for(parts_.clock, std::min<Duration>(at - now, wall_clock_again));
            continue;
        }
        co_await attempt(lane);
    }
}

// If the process dies between the receiver's consent and the next save, the message is sent once more, with the same
// id.
Task<> Notifications::attempt(Lane& lane) {
    Message message = lane.outbox.items.front().message;
    std::string title = message.subject;
    Result<std::string> answer = co_await as_result(parts_.deliver(lane.notifier, std::move(message)));
    Time now = parts_.clock.now();
    std::uint64_t dropped = lane.outbox.dropped;
    if (answer) {
        note_delivered(lane.outbox, now);
    } else {
        note_failed(lane.outbox, answer.error(), now);
    }
    note_attempt(lane, title, answer);
    if (lane.outbox.dropped != dropped)
        emit(EventType::notify_failed, Severity::error, {},
             fmt::format("The notifier {} gave a message up: {}", lane.notifier->name, title), std::nullopt,
             lane.notifier->name);
    wake();
}

void Notifications::note_attempt(Lane& lane, const std::string& title, const Result<std::string>& answer) {
    const std::string& name = lane.notifier->name;
    if (answer) {
        emit(EventType::notify_delivered, Severity::info, {},
             fmt::format("The notifier {} delivered \"{}\": {}", name, title, *answer), std::nullopt, name);
    } else {
        emit(EventType::notify_failed, Severity::warning, {},
             fmt::format("The notifier {} could not deliver \"{}\"", name, title), answer.error(), name);
    }
}

// Why heartbeats are withheld; empty: certd gets on.
std::string Notifications::unhealthy() const {
    if (parts_.sights.daemon().since_last_pass >= longest_silence) return "the timetable is not looked at";
    if (parts_.clock.monotonic() - last_look_ >= longest_blindness) return "nobody looks for incidents";
    for (const auto& [key, incident] : incidents_) {
        if (stops_heartbeats(incident)) return incident.condition.title;
    }
    std::size_t able = 0, others = 0;
    for (const auto& [name, lane] : lanes_) {
        if (is_heartbeat(*lane->notifier)) continue;
        ++others;
        if (!is_failing(lane->outbox)) ++able;
    }
    return others > 0 && able == 0 ? "nobody can be told of incidents" : "";
}

Task<> Notifications::beat(Lane& lane) {
    for (;;) {
        std::string reason = unhealthy();
        if (reason.empty() != !lane.withheld) {
            lane.withheld = !reason.empty();
            emit(lane.withheld ? EventType::notify_failed : EventType::notify_delivered,
                 lane.withheld ? Severity::error : Severity::notice, {},
                 lane.withheld ? fmt::format("The heartbeat {} is withheld: {}", lane.notifier->name, reason)
                               : fmt::format("The heartbeat {} goes on", lane.notifier->name),
                 std::nullopt, lane.notifier->name);
        }
        if (reason.empty()) {
            Result<std::string> answer = co_await as_result(parts_.deliver(lane.notifier, {}));
            bool changed = answer.has_value() != !lane.outbox.problem;
            note_beat(lane.outbox, answer ? std::nullopt : std::optional(answer.error()), parts_.clock.now());
            if (changed) note_attempt(lane, "heartbeat", answer);
            wake();
        }
        co_await lane.wake.wait_for(parts_.clock, std::get<config::NotifyHeartbeat>(lane.notifier->kind).every);
    }
}

Task<Result<std::vector<Notifications::Tested>>> Notifications::test(std::string name) {
    std::vector<NotifierPtr> asked;
    for (const auto& [each, notifier] : configured_) {
        if (name.empty() || name == each) asked.push_back(notifier);
    }
    if (asked.empty()) {
        std::string what = name.empty() ? "No notifier is configured" : fmt::format("There is no notifier '{}'", name);
        co_return failure("control.noSuchNotifier", std::move(what));
    }
    std::vector<Tested> results;
    TaskGroup tasks(co_await asio::this_coro::executor, nullptr);
    for (NotifierPtr& notifier : asked)
        tasks.spawn(notifier->name, test_one(notifier, results));
    co_await tasks.join();
    std::ranges::sort(results, {}, &Tested::notifier);
    co_return results;
}

Task<> Notifications::test_one(NotifierPtr notifier, std::vector<Tested>& results) {
    Message message = test_message(notifier->name, parts_.clock.now(), parts_.sender);
    std::string what =
        fmt::format("The notifier {} did not end within {}", notifier->name, format_duration(test_limit));
    Result<std::string> answer = co_await as_result(with_timeout(
        parts_.clock, test_limit, "net.timeout", std::move(what), parts_.deliver(notifier, std::move(message))));
    // What waits need not wait longer.
    if (auto lane = lanes_.find(notifier->name); answer && lane != lanes_.end()) {
        note_tested(lane->second->outbox, parts_.clock.now());
        lane->second->outbox.next_attempt.reset();
        lane->second->wake.notify();
        wake();
    }
    results.push_back({notifier->name, std::move(answer)});
}

}  // namespace certd
