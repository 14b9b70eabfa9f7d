// Names of kinds, and incidents as JSON.
#include "daemon/notify/incident.hpp"

#include "daemon/notify/codec.hpp"

#include <algorithm>
#include <array>

namespace certd {

namespace {

constexpr std::array<std::string_view, 17> kind_names = {
    "renewal",   "blocked", "deployment", "rollback", "rollout", "served", "expiring", "expired", "stalled",
    "attention", "ca",      "account",    "damaged",  "storage", "clock",  "config",   "delivery"};

}  // namespace

std::string_view to_string(IncidentKind kind) {
    return kind_names.at(static_cast<std::size_t>(kind));
}

std::optional<IncidentKind> incident_kind_from(std::string_view text) {
    const auto* found = std::ranges::find(kind_names, text);
    if (found == kind_names.end()) return std::nullopt;
    return static_cast<IncidentKind>(found - kind_names.begin());
}

namespace codec {

template <>
struct Coder<IncidentKind> {
    static Json encode(IncidentKind value) { return Json(to_string(value)); }
    static bool decode(const Json& json, IncidentKind& value) {
        const std::string* text = json.if_string();
        std::optional<IncidentKind> kind = text ? incident_kind_from(*text) : std::nullopt;
        if (kind) value = *kind;
        return kind.has_value();
    }
};

template <class Visit>
static void fields(Is<Condition> auto& condition, Visit& visit) {
    visit("key", condition.key);
    visit("kind", condition.kind);
    visit("severity", condition.severity);
    visit.optional("lineage", condition.lineage);
    visit.optional("target", condition.target);
    visit("title", condition.title);
    visit.optional("resolved", condition.resolved);
    visit.optional("problem", condition.problem);
    visit.optional("served", condition.served);
    visit.optional("served_until", condition.served_until);
    visit.optional("next", condition.next);
}

template <class Visit>
static void fields(Is<Told> auto& told, Visit& visit) {
    visit("at", told.at);
    visit("severity", told.severity);
    visit.optional("over", told.over);
}

template <class Visit>
static void fields(Is<Incident> auto& incident, Visit& visit) {
    visit("condition", incident.condition);
    visit("since", incident.since);
    visit.optional("over", incident.over);
    visit.optional("by_event", incident.by_event);
    visit.optional("momentary", incident.momentary);
    visit.optional("told", incident.told);
}

}  // namespace codec

Json to_json(const Incidents& incidents) {
    Json list = Json::array();
    for (const auto& [key, incident] : incidents)
        list.push(codec::Coder<Incident>::encode(incident));
    return list;
}

Result<Incidents> incidents_from_json(const Json& json) {
    std::vector<Incident> list;
    if (!json.is_null() && !codec::Coder<std::vector<Incident>>::decode(json, list))
        return failure("storage.corrupt", "The list of incidents is damaged");
    Incidents incidents;
    for (Incident& incident : list)
        incidents.emplace(incident.condition.key, std::move(incident));
    return incidents;
}

}  // namespace certd
