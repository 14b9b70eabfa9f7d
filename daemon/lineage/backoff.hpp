// When to try again after a failure (acme-facts §7.2): 1, 10, 100 minutes, then daily — never sooner than the other
// side asked, never longer between attempts than the certificate can afford. Pure.
#pragma once

#include "daemon/lineage/lineage.hpp"

namespace certd {

// `failures` in a row, this one included, at least 1. `lifetime`: of the certificate at stake, zero when there is none.
Time next_issue_attempt(std::uint32_t failures, const Problem& problem, Time now, Duration lifetime,
                        const std::string& seed);
// Deployment costs nobody but us: 1, 5, 15, 30 minutes, then hourly.
Time next_deploy_attempt(std::uint32_t failures, const Problem& problem, Time now, const std::string& seed);

// The state after a failed or successful attempt at a CA. A problem of Retry::at_once charges no failure. The history
// is the caller's to write.
void record_issue_failure(LineageState& state, const CaName& ca, const Problem& problem, Time now, Duration lifetime,
                          const std::string& lineage);
void record_issue_success(LineageState& state, const CaName& ca, Time now);
// Whether the CA's staging would show a failure as well: the proof of a name or what was ordered, not the network, the
// CA's own faults, its limits or its account.
bool shows_at_staging(const Problem& problem);
// Called before an attempt is recorded: failures counted under another configuration (policy_digest) are forgotten.
void note_policy(LineageState& state, const std::string& digest);

}  // namespace certd
