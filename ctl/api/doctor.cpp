// The report of `certctl doctor` as JSON.
#include "ctl/api/doctor.hpp"

#include <utility>

namespace certd::api {

DoctorCounts count(const DoctorGroup& group) {
    DoctorCounts counts;
    for (const CheckFinding& finding : group.findings)
        ++(finding.result == "ok" ? counts.ok : finding.result == "warning" ? counts.warnings : counts.blocked);
    return counts;
}

DoctorCounts count(const DoctorReport& report) {
    DoctorCounts counts;
    for (const DoctorGroup& group : report.groups) {
        const DoctorCounts of_group = count(group);
        counts.ok += of_group.ok;
        counts.warnings += of_group.warnings;
        counts.blocked += of_group.blocked;
    }
    return counts;
}

Json to_json(const DoctorReport& report, bool only_worse) {
    Json groups = Json::array();
    for (const DoctorGroup& group : report.groups) {
        Json findings = Json::array();
        bool any = false;
        for (const CheckFinding& finding : group.findings) {
            if (only_worse && finding.result == "ok") continue;
            findings.push(to_json(finding));
            any = true;
        }
        if (only_worse && !any) continue;
        groups.push(
            Json::object({{"group", group.group}, {"lineage", group.lineage}, {"findings", std::move(findings)}}));
    }
    const DoctorCounts counts = count(report);
    return Json::object({{"at", certd::to_json(std::optional<Time>(report.at))},
                         {"result", std::string(counts.result())},
                         {"ok", counts.ok},
                         {"warnings", counts.warnings},
                         {"blocked", counts.blocked},
                         {"groups", std::move(groups)}});
}

DoctorReport doctor_report_from_json(const Json& json) {
    DoctorReport report;
    report.at = time_in(json, "at").value_or(Time{});
    const Json::Array* groups = json["groups"].if_array();
    for (const Json& item : groups != nullptr ? *groups : Json::Array()) {
        DoctorGroup& group = report.groups.emplace_back();
        group.group = item.string_or("group");
        group.lineage = item.string_or("lineage");
        const Json::Array* findings = item["findings"].if_array();
        for (const Json& finding : findings != nullptr ? *findings : Json::Array())
            group.findings.push_back(check_finding_from_json(finding));
    }
    return report;
}

}  // namespace certd::api
