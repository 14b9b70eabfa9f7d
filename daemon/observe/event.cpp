// Names of event types, events as JSON and as one line.
#include "daemon/observe/event.hpp"

#include "libacme/base/names.hpp"
#include "libacme/base/text.hpp"

#include <array>

namespace certd {

namespace {

// In the order of EventType.
constexpr auto names = std::to_array<std::string_view>({
    "daemon.ready",      "daemon.stopping",       "daemon.problem",       "config.loaded",    "config.refused",
    "clock.jumped",      "store.recovered",       "store.damaged",        "lineage.added",    "lineage.changed",
    "lineage.removed",   "lineage.paused",        "lineage.resumed",      "lineage.held",     "plan.decided",
    "renewal.started",   "renewal.step",          "renewal.staging",      "names.refused",    "renewal.issued",
    "renewal.failed",    "renewal.finished",      "ari.window",           "ari.failed",       "hook.finished",
    "deploy.started",    "deploy.step",           "deploy.verified",      "deploy.committed", "deploy.failed",
    "deploy.rolledBack", "deploy.rollbackFailed", "deploy.outsideWindow", "deploy.rehearsed", "rollback.started",
    "rollback.finished", "rollout.started",       "rollout.step",         "rollout.stopped",  "rollout.finished",
    "served.lost",       "served.again",          "endpoint.trouble",     "endpoint.settled", "key.next",
    "account.changed",   "account.suspended",     "proof.expiring",       "ca.down",          "ca.up",
    "version.revoked",   "incident.opened",       "incident.over",        "notify.delivered", "notify.failed",
    "control.call",
});
static_assert(names.size() == static_cast<std::size_t>(EventType::control_call) + 1);

}  // namespace

std::string_view to_string(EventType type) {
    return names.at(static_cast<std::size_t>(type));
}

std::optional<EventType> event_type_from(std::string_view text) {
    return enum_from<EventType>(text, names);
}

Json to_json(const Event& event) {
    Json json = Json::object({{"id", static_cast<std::int64_t>(event.id)},
                              {"at", to_json(std::optional(event.at))},
                              {"type", to_string(event.type)},
                              {"severity", to_string(event.severity)}});
    if (!event.lineage.empty()) json.set("lineage", event.lineage);
    if (!event.target.empty()) json.set("target", event.target);
    if (!event.host.empty()) json.set("host", event.host);
    if (event.job != 0) json.set("job", static_cast<std::int64_t>(event.job));
    json.set("message", event.message);
    if (event.problem) json.set("problem", to_json(*event.problem));
    if (!event.data.is_null()) json.set("data", event.data);
    return json;
}

Result<Event> event_from_json(const Json& json) {
    Event event;
    auto type = event_type_from(json.string_or("type"));
    if (!type) return failure("control.protocol", "Not an event: " + escape_untrusted(to_text(json), 200));
    event.type = *type;
    event.id = static_cast<std::uint64_t>(json.int_or("id"));
    event.at = time_in(json, "at").value_or(Time{});
    event.severity = severity_from(json.string_or("severity")).value_or(Severity::info);
    event.lineage = json.string_or("lineage");
    event.target = json.string_or("target");
    event.host = json.string_or("host");
    event.job = static_cast<std::uint64_t>(json.int_or("job"));
    event.message = json.string_or("message");
    if (json["problem"].is_object()) event.problem = problem_from_json(json["problem"]);
    event.data = json["data"];
    return event;
}

std::string render(const Event& event) {
    std::string text;
    if (!event.lineage.empty()) text += escape_untrusted(event.lineage, 64) + ": ";
    text += escape_untrusted(event.message);
    if (event.problem) {
        text += ": " + describe(*event.problem);
        if (!event.problem->hint.empty()) text += "; " + escape_untrusted(event.problem->hint);
    }
    return text;
}

}  // namespace certd
