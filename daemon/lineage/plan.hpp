// The pure decision what to do next with a lineage, when, and for which reasons (DESIGN §7). No clock, no I/O.
#pragma once

#include "config/model.hpp"
#include "daemon/lineage/ca_health.hpp"
#include "daemon/lineage/places.hpp"
#include "daemon/lineage/revocation.hpp"

#include <optional>
#include <string>
#include <vector>

namespace certd {

enum class Action { none, issue, deploy };
enum class State { waiting, issuing, deploying, backing_off, deploy_failed, rolled_back, held, paused, blocked };
enum class Health { ok, warning, critical };
std::string_view to_string(Action action);
std::string_view to_string(State state);  // "backing-off"
std::string_view to_string(Health health);

struct PlanInput {
    const config::Lineage& spec;
    const LineageState& state;
    std::optional<VersionFacts> live;    // the version consumers read
    std::optional<VersionFacts> newest;  // the last issued; equals live when deployed
    Duration jitter_limit = hours(1);
    Time now;
    const std::map<CaName, config::Ca>* cas = nullptr;      // those of the configuration; null: not looked at
    const std::map<CaName, CaHealth>* ca_health = nullptr;  // of those with something to tell; null: not looked at
    const Targets* targets = nullptr;                       // those of the configuration; null: all on this machine
    const Revoked* revoked = nullptr;                       // what a CRL says of live or newest; null: nothing
};

struct Plan {
    Action action = Action::none;
    Time at;                             // not before; in the past means now. For none: when to look again
    std::optional<CaName> ca;            // for issue: the CA to ask
    std::optional<CaName> staging;       // for issue: to be asked before it; a failure there spares `ca`
    std::vector<Place> places;           // for deploy: those not yet at the wanted version
    VersionNumber version;               // for deploy: the wanted version
    bool overrides_maintenance = false;  // for deploy: the window would come too late
    bool names_only = false;             // for issue: due for nothing but names that the newest version lacks
    std::vector<std::string> reasons;  // in order of weight: "names changed: + www.example.com", "2/3 of the lifetime"
    State state = State::waiting;      // when nothing is running
    Health health = Health::ok;
    std::optional<Problem> problem;  // why it is not ok
};

Plan plan(const PlanInput& input);

// The parts of the decision, public for `explain` and tests.
// 2/3 of the lifetime (1/2 under 10 days) plus jitter.
Time renewal_time(const VersionFacts& facts, const std::string& lineage, Duration jitter_limit);
Time emergency_point(const VersionFacts& facts);                                         // 1/6 of the lifetime left
Duration jitter_for(const std::string& lineage, VersionNumber version, Duration limit);  // deterministic, [0, limit)
bool is_short_lived(const VersionFacts& facts);                                          // under 10 days
std::string policy_digest(const config::Lineage& spec);  // of names, key policy, CAs and challenge

}  // namespace certd
