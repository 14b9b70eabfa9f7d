// plan.decided and back.
#include "daemon/renew/decision_event.hpp"

namespace certd {

Event event_of(const std::string& lineage, const Decision& decision) {
    Event event;
    event.type = EventType::plan_decided;
    event.severity = Severity::debug;
    event.lineage = lineage;
    event.message = describe(decision);
    event.data = to_json(decision);
    return event;
}

std::optional<Decision> decision_of(const Event& event) {
    if (event.type != EventType::plan_decided) return std::nullopt;
    return decision_from_json(event.data);
}

}  // namespace certd
