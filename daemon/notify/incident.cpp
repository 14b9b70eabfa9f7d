// Names of kinds, and incidents as JSON.
#include "daemon/notify/incident.hpp"

#include "daemon/lineage/codec.hpp"
#include "libacme/base/names.hpp"

#include <array>
#include <vector>

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
    return enum_from<IncidentKind>(text, kind_names);
}

namespace codec {

template <>
struct Coder<IncidentKind> : NameCoder<IncidentKind, incident_kind_from> {};

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
