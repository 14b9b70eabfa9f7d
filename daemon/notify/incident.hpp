// What is wrong, as it is seen at one moment, and incidents: how that began, how it goes on, and who has been told.
// Values only; they survive restarts as notify.json.
#pragma once

#include "libacme/base/json.hpp"
#include "libacme/base/log.hpp"
#include "libacme/base/problem.hpp"
#include "libacme/base/time.hpp"

#include <map>
#include <optional>
#include <string>
#include <string_view>

namespace certd {

enum class IncidentKind {
    renewal,
    blocked,     // a renewal that an operator has to do something for
    deployment,  // failed, or rolled back
    rollback,    // not wholly put back
    rollout,     // stopped
    served,      // another certificate, or none
    expiring,
    expired,
    stalled,    // no progress
    attention,  // whatever else makes a lineage unhealthy
    ca,
    account,
    damaged,
    storage,
    clock,
    config,
    delivery  // of notifications themselves
};
std::string_view to_string(IncidentKind kind);
std::optional<IncidentKind> incident_kind_from(std::string_view text);

// One thing that is wrong. Its key names the place, so that what gets worse there is still the same incident.
struct Condition {
    std::string key;  // "lineage/example.com/target/web", "ca/letsencrypt", "storage"
    IncidentKind kind = IncidentKind::attention;
    Severity severity = Severity::warning;
    std::string lineage, target;  // empty: the daemon as a whole; not about one target
    std::string title;            // "deployment to web failed"
    std::string resolved;         // what its end is called: "web serves its certificate again"
    std::optional<Problem> problem;
    std::string served;  // "version 3, valid until …"; empty: not about a certificate
    std::optional<Time> served_until;
    std::string next;  // what certd does, and when: a sentence
    // Explained by another one: keeps an incident open, and opens none.
    bool consequence = false;
    bool operator==(const Condition&) const = default;
};

// What one notifier was told last.
struct Told {
    Time at{};
    Severity severity = Severity::warning;
    bool over = false;  // it was told of the end
    bool operator==(const Told&) const = default;
};

struct Incident {
    Condition condition;  // as it was seen last
    Time since{};
    std::optional<Time> over;          // since when it is not seen any more
    bool by_event = false;             // opened and closed by events, not by what the state looks like
    bool momentary = false;            // over at once: told, without reminder or end
    std::map<std::string, Told> told;  // by notifier
    bool operator==(const Incident&) const = default;
};

using Incidents = std::map<std::string, Incident>;  // by key

Json to_json(const Incidents& incidents);
Result<Incidents> incidents_from_json(const Json& json);  // problem storage.corrupt

}  // namespace certd
