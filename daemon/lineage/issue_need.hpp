// When the next certificate of a lineage is wanted, and when and at which CA it may be asked for: one half of plan().
// Pure.
#pragma once

#include "daemon/lineage/plan.hpp"

namespace certd {

struct IssueNeed {
    Time due;                       // when the rules want a new certificate; now for those that want it at once
    Time at;                        // when the CA may be asked: `due`, or later by back-off
    std::optional<CaName> ca;       // empty: the lineage has none
    std::optional<CaName> staging;  // to be asked before `ca`, where the last attempt failed
    std::vector<std::string> reasons;
    bool late = false;               // the renewal by age is overdue by more than max(1 day, 1/30 of the lifetime)
    std::uint32_t failures = 0;      // in a row at `ca`, under this configuration
    std::optional<Problem> problem;  // the last one at `ca`
    bool names_only = false;         // nothing but names that are missing from the newest version makes it due
};

IssueNeed issue_need(const PlanInput& input);

// The profile that a certificate of the lineage is asked for with at `ca`; empty: none.
std::string profile_at(const config::Lineage& spec, const config::Ca& ca);

// "+ www.example.com, - old.example.com"; empty when the certificate has exactly the names wanted.
std::string name_changes(std::vector<Identifier> wanted, const VersionFacts& facts);

}  // namespace certd
