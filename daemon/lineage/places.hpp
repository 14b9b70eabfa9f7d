// The machines that a lineage's certificate has to reach.
#pragma once

#include "config/model.hpp"
#include "daemon/lineage/lineage.hpp"

#include <map>
#include <string>
#include <vector>

namespace certd {

using Targets = std::map<TargetName, config::Target>;

// Every place of `targets` but of those that are only watched, in the order in which they are deployed to: this
// machine's first, then host by host as they are configured. A target that is not in `known` (or all, when that is
// null) is on this machine.
std::vector<Place> places_of(const std::vector<TargetName>& targets, const Targets* known);

std::size_t count_places(const std::vector<TargetName>& targets, const Targets* known);

// "web, fleet on web1.internal, mail (3 hosts)"
std::string list(const std::vector<Place>& places);

}  // namespace certd
