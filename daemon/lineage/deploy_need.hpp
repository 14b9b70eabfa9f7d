// Whether a version waits to be deployed, at which places, and when the next attempt may be made: the other half of
// plan(). Pure.
#pragma once

#include "daemon/lineage/plan.hpp"

namespace certd {

struct DeployNeed {
    VersionNumber version;
    Time at;                         // now for what was not tried yet
    std::vector<Place> places;       // those to be tried at `at`; empty: only `live` is to be switched
    bool overrides = false;          // a maintenance window that would have come too late
    bool failing = false;            // an earlier attempt failed …
    bool rolled_back = false;        // … after the new certificate had been active
    std::optional<Problem> problem;  // of the first target that failed
    std::vector<std::string> reasons;
};

// When a deployment to `place` that is due at `at` may be made.
struct Opening {
    Time at;  // in a maintenance window of its target, but not after the emergency point of what it serves
    bool overridden = false;  // that emergency point, outside of every window
};
Opening opening_of(const PlanInput& input, const Place& place, Time at);

std::optional<DeployNeed> deploy_need(const PlanInput& input);

}  // namespace certd
