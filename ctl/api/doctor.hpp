// What `certctl doctor` found: the checklist before production, in groups. The worst finding decides.
#pragma once

#include "ctl/api/types.hpp"

#include <cstddef>
#include <string>
#include <vector>

namespace certd::api {

struct DoctorGroup {
    std::string group;    // "service", "programs", "state", "cas", "monitoring", "notification", "lineage"
    std::string lineage;  // of the group "lineage"; else empty
    std::vector<CheckFinding> findings;
};

struct DoctorReport {
    Time at{};  // when it began
    std::vector<DoctorGroup> groups;
};

struct DoctorCounts {
    std::size_t ok = 0, warnings = 0, blocked = 0;
    std::size_t all() const { return ok + warnings + blocked; }
    std::string_view result() const { return blocked != 0 ? "blocked" : warnings != 0 ? "warning" : "ok"; }
};
DoctorCounts count(const DoctorGroup& group);
DoctorCounts count(const DoctorReport& report);

// {at, result, ok, warnings, blocked, groups}; `result` and the counts are of all groups. With `only_worse` the
// findings that are ok, and groups without others, are left out.
Json to_json(const DoctorReport& report, bool only_worse = false);
DoctorReport doctor_report_from_json(const Json& json);  // lenient

}  // namespace certd::api
