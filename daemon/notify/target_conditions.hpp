// What is wrong with the targets of a lineage: one condition for each target, whatever becomes of its hosts. Pure.
#pragma once

#include "daemon/notify/conditions.hpp"

namespace certd {

std::vector<Condition> target_conditions(const LineageSight& sight);

}  // namespace certd
