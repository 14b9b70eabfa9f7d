// Which host of a target comes first. Pure, and the same answer after a restart.
#pragma once

#include "config/model.hpp"
#include "daemon/lineage/lineage.hpp"

#include <string>
#include <vector>

namespace certd {

// `places` are hosts of one target as they are configured, `known` how they and others stand.
//
// Hosts that failed with this very version come before all others: these wait for them, and what they show now decides
// whether the version goes on. Hosts that failed with an earlier version, and have not got over it, come after all
// others: a host that is known to be broken shows nothing about a new version.
std::vector<Place> in_rollout_order(std::vector<Place> places, config::Rollout::Order order, const std::string& lineage,
                                    VersionNumber version, const std::vector<TargetState>& known);

}  // namespace certd
