// How much room a lineage has: attempts that fit between the next planned one and the end of the live certificate.
// A certificate of 160 hours that may be deployed on Saturdays only has none. Pure.
#pragma once

#include "daemon/lineage/plan.hpp"

#include <algorithm>
#include <cstdint>
#include <optional>

namespace certd {

struct RenewalSlack {
    std::uint32_t issue = 0;              // orders by the back-off, should each of them fail
    std::optional<std::uint32_t> deploy;  // deployments inside the maintenance windows of the target that has fewest
                                          // of them, should each of them fail, counted up to `issue`; unset: no target
                                          // has windows
    std::optional<TargetName> narrowest;  // that target
    std::uint32_t attempts() const { return deploy ? std::min(issue, *deploy) : issue; }
};

// `from`: of the next issuance as planned. None: nothing is live. What the emergency point allows outside of every
// window is not counted: it is the alarm, not the plan. Counts are cut off at 1,000.
std::optional<RenewalSlack> renewal_slack(const PlanInput& input, Time from);

}  // namespace certd
