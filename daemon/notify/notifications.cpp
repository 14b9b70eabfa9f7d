// Notifications: the round of looking, deciding and writing down.
#include "daemon/notify/notifications.hpp"

#include "libacme/async/as_result.hpp"

#include <algorithm>
#include <iterator>
#include <utility>

#include <fmt/format.h>

namespace certd {

namespace {

constexpr Duration look_every = minutes(10);  // at everything: what changes by time alone
constexpr Duration look_soon = minutes(1);    // while something that an event told of is not over
constexpr Duration shortest_round = milliseconds(1);
constexpr Duration collecting = seconds(5);  // what many lineages have in common, while much is open already
constexpr std::size_t many_at_once = 10;     // are one message

// Those that say that many lineages, or the daemon itself, may stand differently.
bool concerns_all(EventType type) {
    switch (type) {
        case EventType::config_loaded:
        case EventType::config_refused:
        case EventType::ca_down:
        case EventType::ca_up:
        case EventType::account_suspended:
        case EventType::account_changed:
        case EventType::lineage_resumed:
            return true;
        default:
            return false;
    }
}

bool is_about_writing(const Problem& problem) {
    return problem.code == "storage.full" || problem.code == "storage.io" || problem.code == "storage.readOnly" ||
           problem.code == "storage.permission";
}

bool is_own(EventType type) {
    return type == EventType::incident_opened || type == EventType::incident_over ||
           type == EventType::notify_delivered || type == EventType::notify_failed;
}

}  // namespace

Notifications::Notifications(asio::any_io_executor executor, Parts parts)
    : executor_(std::move(executor)),
      parts_(std::move(parts)),
      last_look_(parts_.clock.monotonic()),
      watched_since_(parts_.clock.now()) {
    parts_.bus.add_sink([this](const Event& event) { on_event(event); });
}

Task<> Notifications::load(config::Notifiers notifiers) {
    auto stored = co_await offload(parts_.workers, [&] { return parts_.store.load_notifications(); });
    if (!stored) emit(EventType::daemon_problem, Severity::warning, {}, "Open incidents are not known", stored.error());
    Json document = stored && *stored ? std::move(**stored) : Json();
    Incidents noted = std::exchange(incidents_, incidents_from_json(document["incidents"]).value_or(Incidents()));
    for (const auto& [key, incident] : incidents_) {
        if (!incident.over) announced_.insert(key);
    }
    for (auto& [key, incident] : noted)  // what the opening of the store told
        note(incidents_, std::move(incident.condition), incident.momentary, incident.since);
    configured_ = std::move(notifiers);
    for (const auto& [name, notifier] : configured_) {
        Lane& lane = add_lane(notifier);
        if (Result<Outbox> outbox = outbox_from_json(document["outboxes"][name])) lane.outbox = *std::move(outbox);
    }
}

Notifications::Lane& Notifications::add_lane(NotifierPtr notifier) {
    auto lane = std::make_unique<Lane>(executor_, [this](const std::string& name, std::exception_ptr error) {
        emit(EventType::notify_failed, Severity::error, {}, fmt::format("The courier of {} ended unexpectedly", name),
             problem_of(error), name);
    });
    lane->notifier = std::move(notifier);
    return *(lanes_[lane->notifier->name] = std::move(lane));
}

void Notifications::start(Lane& lane) {
    lane.tasks.spawn(lane.notifier->name, is_heartbeat(*lane.notifier) ? beat(lane) : carry(lane));
}

// What was changed may be what kept messages from their receiver: they are tried again at once.
Task<> Notifications::apply(config::Notifiers notifiers) {
    std::vector<std::unique_ptr<Lane>> gone;
    for (auto& [name, lane] : lanes_) {
        auto found = notifiers.find(name);
        if (found == notifiers.end() || found->second->kind.index() != lane->notifier->kind.index()) {
            gone.push_back(std::move(lane));
        } else {
            if (*found->second != *lane->notifier) lane->outbox.next_attempt.reset();
            lane->notifier = found->second;
            lane->wake.notify();
        }
    }
    std::erase_if(lanes_, [](const auto& item) { return item.second == nullptr; });
    configured_ = std::move(notifiers);
    for (const auto& [name, notifier] : configured_) {
        if (lanes_.contains(name)) continue;
        Lane& lane = add_lane(notifier);
        // A copy: an attempt of the old one may just be ending.
        auto old = std::ranges::find(gone, name, [](const auto& each) { return each->notifier->name; });
        if (old != gone.end()) lane.outbox = (*old)->outbox;
        lane.outbox.next_attempt.reset();
        if (running_) start(lane);
    }
    look_at_everything_ = true;
    wake();
    for (auto& lane : gone)
        co_await lane->tasks.stop();
}

Task<> Notifications::run() {
    std::exception_ptr cancelled;
    try {
        running_ = true;
        for (auto& [name, lane] : lanes_)
            start(*lane);
        for (;;) {
            Duration pause = look_soon;
            if (Result<void> done = co_await as_result(round())) {
                if (incidents_.size() >= many_at_once) co_await parts_.clock.sleep(collecting);
                pause = until_next();
            } else {
                emit(EventType::daemon_problem, Severity::error, {}, "The look for incidents broke off", done.error());
                look_at_everything_ = true;
            }
            co_await changed_.wait_for(parts_.clock, pause);
        }
    } catch (...) {
        cancelled = std::current_exception();
    }
    running_ = false;
    co_await asio::this_coro::reset_cancellation_state(asio::disable_cancellation());
    co_await asio::this_coro::throw_if_cancelled(false);
    for (auto& [name, lane] : lanes_)
        co_await lane->tasks.stop();
    co_await save();
    std::rethrow_exception(cancelled);
}

// What is to be told is on disk before it is told: killed in between, it is told after the next start.
Task<> Notifications::round() {
    woken_ = false;
    co_await probe_storage();
    Time now = parts_.clock.now();
    look(now);
    announce();
    tell(now);
    co_await save();
    for (auto& [name, lane] : lanes_) {
        if (!lane->outbox.items.empty()) lane->wake.notify();
    }
}

void Notifications::look(Time now) {
    DaemonSight daemon = parts_.sights.daemon();
    std::set<CaName> suspended = std::move(causes_.suspended);
    causes_ = causes_of(daemon);
    causes_.suspended = std::move(suspended);
    if (look_at_everything_ || parts_.clock.monotonic() - last_look_ >= look_pause()) {
        look_at_all(daemon, now);
    } else {
        for (const std::string& lineage : std::exchange(touched_, {}))
            look_at(lineage, now);
    }
    look_at_delivery(now);
}

void Notifications::look_at_all(const DaemonSight& daemon, Time now) {
    causes_.suspended.clear();
    parts_.sights.each_state([&](const LineageState& state) { add_causes(causes_, state); });
    std::vector<Condition> seen = daemon_conditions(daemon, causes_, now);
    parts_.sights.each([&](const LineageSight& sight) {
        std::ranges::move(lineage_conditions(sight, causes_, now, watched_since_), std::back_inserter(seen));
    });
    auto looked_at = [](const Incident& incident) { return incident.condition.kind != IncidentKind::delivery; };
    observe(incidents_, seen, looked_at, now);
    look_at_everything_ = false;
    touched_.clear();
    last_look_ = parts_.clock.monotonic();
}

void Notifications::look_at(const std::string& lineage, Time now) {
    std::vector<Condition> seen;
    parts_.sights.one(
        lineage, [&](const LineageSight& sight) { seen = lineage_conditions(sight, causes_, now, watched_since_); });
    observe(
        incidents_, seen, [&](const Incident& incident) { return incident.condition.lineage == lineage; }, now);
}

void Notifications::look_at_delivery(Time now) {
    std::vector<Condition> seen;
    for (const auto& [name, lane] : lanes_) {
        if (!is_failing(lane->outbox)) continue;
        Condition condition;
        condition.key = delivery_key(name);
        condition.kind = IncidentKind::delivery;
        condition.severity = Severity::error;
        condition.target = name;
        condition.title = fmt::format("the notifier {} does not deliver", name);
        condition.resolved = fmt::format("the notifier {} delivers again", name);
        condition.problem = lane->outbox.problem;
        std::size_t waiting = lane->outbox.items.size();
        condition.next =
            waiting == 0 ? "certd goes on trying" : fmt::format("{} messages wait; each is tried for a day", waiting);
        seen.push_back(std::move(condition));
    }
    auto looked_at = [](const Incident& incident) { return incident.condition.kind == IncidentKind::delivery; };
    observe(incidents_, seen, looked_at, now);
}

// What was a problem of the disk is over when it can be written to again.
Task<> Notifications::probe_storage() {
    auto open = incidents_.find(std::string(storage_key));
    if (open == incidents_.end() || open->second.over) co_return;
    Result<void> written = co_await offload(parts_.workers, [&] { return parts_.store.probe(); });
    if (written) close(incidents_, std::string(storage_key), parts_.clock.now());
}

void Notifications::tell(Time now) {
    std::map<std::string, std::vector<News>> news;
    for (const Due& due : take_due(incidents_, configured_, now))
        news[due.notifier].push_back({due.notice, incidents_.at(due.key)});
    for (const auto& [name, items] : news) {
        Lane& lane = *lanes_.at(name);
        // PagerDuty keeps an alert for each incident.
        bool each = std::holds_alternative<config::NotifyPagerDuty>(lane.notifier->kind);
        if (items.size() >= many_at_once && !each) {
            put(lane, compose_digest(items, now, parts_.sender), now);
            continue;
        }
        for (const auto& [notice, incident] : items)
            put(lane, compose(notice, incident, now, parts_.sender), now);
    }
    forget_settled(incidents_, configured_, now);
}

void Notifications::put(Lane& lane, Message message, Time now) {
    const std::uint64_t dropped = lane.outbox.dropped;
    push(lane.outbox, std::move(message), now);
    if (lane.outbox.dropped == dropped) return;
    const std::string& name = lane.notifier->name;
    emit(EventType::notify_failed, Severity::warning, {},
         fmt::format("The queue of the notifier {} is full: a message was dropped", name), std::nullopt, name);
}

void Notifications::announce() {
    for (const auto& [key, incident] : incidents_) {
        const Condition& condition = incident.condition;
        bool open = !incident.over || incident.momentary;
        if (open && announced_.insert(key).second)
            emit(EventType::incident_opened, Severity::notice, condition.lineage, "Incident: " + condition.title);
        if (!open && announced_.erase(key) > 0)
            emit(EventType::incident_over, Severity::notice, condition.lineage,
                 fmt::format("Incident over after {}: {}", format_approximate(*incident.over - incident.since),
                             condition.resolved));
    }
    std::erase_if(announced_, [&](const std::string& key) { return !incidents_.contains(key); });
}

// A disk that cannot be written to keeps nobody from being told. Said once, it is an incident of its own.
Task<> Notifications::save() {
    Json outboxes = Json::object();
    for (const auto& [name, lane] : lanes_)
        outboxes.set(name, to_json(lane->outbox));
    Json document = Json::object({{"incidents", to_json(incidents_)}, {"outboxes", std::move(outboxes)}});
    std::string text = to_text(document);
    if (text == saved_) co_return;
    Result<void> written = co_await offload(parts_.workers, [&] { return parts_.store.save_notifications(document); });
    if (!written && !unsaved_)
        emit(EventType::daemon_problem, Severity::error, {}, "Incidents cannot be written down", written.error());
    unsaved_ = !written;
    if (written) saved_ = std::move(text);
}

Duration Notifications::look_pause() const {
    bool by_event =
        std::ranges::any_of(incidents_, [](const auto& item) { return item.second.by_event && !item.second.over; });
    return by_event ? look_soon : look_every;
}

Duration Notifications::until_next() const {
    if (woken_) return shortest_round;
    Duration next = last_look_ + look_pause() - parts_.clock.monotonic();
    Time now = parts_.clock.now();
    if (std::optional<Time> due = next_due(incidents_, configured_, now)) next = std::min<Duration>(next, *due - now);
    return std::max(next, shortest_round);
}

// A wake-up in the middle of a round is not lost.
void Notifications::wake() {
    woken_ = true;
    changed_.notify();
}

void Notifications::touch(const std::string& lineage) {
    touched_.insert(lineage);
    wake();
}

void Notifications::on_event(const Event& event) {
    if (is_own(event.type)) return;
    note_event(event);
    if (concerns_all(event.type)) look_at_everything_ = true;
    if (!event.lineage.empty() && event.severity >= Severity::notice) touched_.insert(event.lineage);
    if (look_at_everything_ || !touched_.empty()) wake();
}

// What no state tells later: damage that was found, a disk that failed, a clock that was set.
void Notifications::note_event(const Event& event) {
    Time now = parts_.clock.now();
    std::string damage = lineage_key(event.lineage, "state");
    Condition condition;
    condition.lineage = event.lineage;
    condition.problem = event.problem;
    if (event.type == EventType::store_damaged) {
        condition.key = damage;
        condition.kind = IncidentKind::damaged;
        condition.severity = Severity::critical;
        condition.title = "the state on disk is damaged";
        condition.resolved = "a new version is in service";
        condition.next = "what is whole is used; the incident ends with the next deployment";
        note(incidents_, std::move(condition), false, now);
    } else if (event.type == EventType::clock_jumped) {
        condition.key = "clock/jump";
        condition.kind = IncidentKind::clock;
        condition.severity = Severity::warning;
        condition.title = event.message;
        condition.next = "everything is planned anew by the new time";
        note(incidents_, std::move(condition), true, now);
    } else if (event.problem && event.target.empty() && is_about_writing(*event.problem)) {
        condition.key = storage_key;
        condition.lineage.clear();
        condition.kind = IncidentKind::storage;
        condition.severity = Severity::critical;
        condition.title = "the state directory cannot be written";
        condition.resolved = "the state directory can be written again";
        condition.next = "certd tries again every minute";
        note(incidents_, std::move(condition), false, now);
    } else if (event.type == EventType::deploy_committed || event.type == EventType::renewal_finished ||
               event.type == EventType::lineage_removed) {
        close(incidents_, damage, now);
        return;
    } else {
        return;
    }
    wake();
}

std::vector<Notifications::View> Notifications::notifiers() const {
    std::vector<View> views;
    for (const auto& [name, lane] : lanes_)
        views.push_back({lane->notifier, lane->outbox});
    return views;
}

std::optional<Problem> Notifications::problem() const {
    for (const auto& [name, lane] : lanes_) {
        if (!is_failing(lane->outbox)) continue;
        const Problem& cause = *lane->outbox.problem;
        Problem problem = certd::problem(
            "notify.undelivered", fmt::format("The notifier {} does not deliver: {}", name, cause.what), cause.remote);
        problem.parts.push_back(cause);
        return problem;
    }
    return std::nullopt;
}

void Notifications::emit(EventType type, Severity severity, const std::string& lineage, std::string message,
                         std::optional<Problem> problem, const std::string& notifier) {
    Event event;
    event.type = type;
    event.severity = severity;
    event.lineage = lineage;
    event.message = std::move(message);
    event.problem = std::move(problem);
    if (!notifier.empty()) event.data = Json::object({{"notifier", notifier}});
    parts_.bus.publish(std::move(event));
}

}  // namespace certd
