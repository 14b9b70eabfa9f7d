// Decisions as the events by which they come to the state of their lineage, the audit journal and those who look on.
#pragma once

#include "daemon/lineage/decision.hpp"
#include "daemon/observe/event.hpp"

#include <optional>
#include <string>

namespace certd {

// plan.decided, of severity debug: the event whose outcome matters follows when the decision is carried out.
Event event_of(const std::string& lineage, const Decision& decision);
std::optional<Decision> decision_of(const Event& event);  // nullopt: it is about something else

}  // namespace certd
