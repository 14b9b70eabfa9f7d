// Which incidents are open and who has to be told what now. Pure: what is seen goes in, messages come out.
#pragma once

#include "config/notify.hpp"
#include "daemon/notify/incident.hpp"

#include <functional>
#include <vector>

namespace certd {

// Takes over what was seen at `now`. Incidents for which `looked_at` is true and that are not among `seen` are over;
// those opened by events are left alone.
void observe(Incidents& incidents, const std::vector<Condition>& seen,
             const std::function<bool(const Incident&)>& looked_at, Time now);
// An event says that something is wrong, or only was for a moment.
void note(Incidents& incidents, Condition condition, bool momentary, Time now);
// What an event had opened is over.
void close(Incidents& incidents, const std::string& key, Time now);

enum class Notice {
    opened,
    reminder,
    escalated,  // it got worse
    recovered,
    test
};
std::string_view to_string(Notice notice);

bool is_heartbeat(const config::Notifier& notifier);  // which is told nothing

struct Due {
    std::string notifier;
    Notice notice = Notice::opened;
    std::string key;  // of the incident
    bool operator==(const Due&) const = default;
};

// What is to be told now, which counts as told from then on.
std::vector<Due> take_due(Incidents& incidents, const config::Notifiers& notifiers, Time now);
// Drops incidents that have been over for long enough and of which nobody is left to be told.
void forget_settled(Incidents& incidents, const config::Notifiers& notifiers, Time now);
// When either of them may have something next, provided that nothing else happens.
std::optional<Time> next_due(const Incidents& incidents, const config::Notifiers& notifiers, Time now);

}  // namespace certd
