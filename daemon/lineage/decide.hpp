// What a plan amounts to as a decision, and the facts that it was made from. Pure.
#pragma once

#include "daemon/lineage/decision.hpp"
#include "daemon/lineage/plan.hpp"

#include <map>
#include <string>

namespace certd {

// Without facts, which only a new decision needs. Due unless the time of the plan has come.
Decision decision_of(const PlanInput& input, const Plan& plan);
// By keys that stay: "not_after", "renewal_time", "failures" …; times in RFC 3339.
std::map<std::string, std::string> facts_of(const PlanInput& input, const Plan& plan);

// What a deployment of `version` does at places where it failed, from how they are left: one decision for those where
// what was served before is served again, one for those that keep what they have; none where nothing failed.
std::vector<Decision> decisions_of_failure(VersionNumber version, VersionNumber live,
                                           const std::vector<TargetState>& left, Time now);

}  // namespace certd
