// The report of the doctor as text.
#include "ctl/render.hpp"

#include <algorithm>
#include <array>
#include <utility>

#include <fmt/format.h>

namespace certd::ctl {

namespace {

std::string title_of(const Style& style, const api::DoctorGroup& group) {
    constexpr std::array<std::pair<std::string_view, std::string_view>, 6> titles{{{"service", "Service"},
                                                                                   {"programs", "Programs"},
                                                                                   {"state", "State directory"},
                                                                                   {"cas", "CAs"},
                                                                                   {"monitoring", "Monitoring"},
                                                                                   {"notification", "Notification"}}};
    const auto* found = std::ranges::find(titles, group.group, &std::pair<std::string_view, std::string_view>::first);
    return found == titles.end() ? clean(style, group.group, 64) : std::string(found->second);
}

std::string checks(std::size_t number) {
    return fmt::format("{} check{}", number, number == 1 ? "" : "s");
}

std::string render_lineage_group(const Style& style, const api::DoctorGroup& group) {
    const api::DoctorCounts counts = count(group);
    const std::string name = clean(style, group.lineage, 256);
    const bool ok = counts.warnings == 0 && counts.blocked == 0;
    if (ok) {
        std::string mark(style.tick());
        return paint(style, Colour::green, mark) + fmt::format(" {}: {} ok\n", name, checks(counts.all()));
    }
    std::string out =
        paint(style, Colour::bold, name) + fmt::format(" ({} of {} ok)\n", counts.ok, checks(counts.all()));
    for (const api::CheckFinding& finding : group.findings)
        if (finding.result != "ok") out += render_finding(style, finding);
    return out;
}

std::string verdict(const api::DoctorCounts& counts) {
    if (counts.blocked == 0 && counts.warnings == 0) return fmt::format("{}, and all are ok", checks(counts.all()));
    std::string text = checks(counts.all()) + ":";
    if (counts.blocked != 0) text += fmt::format(" {} blocked", counts.blocked);
    if (counts.warnings != 0) {
        text += fmt::format("{} {} warning{}", counts.blocked != 0 ? "," : "", counts.warnings,
                            counts.warnings == 1 ? "" : "s");
    }
    return text;
}

}  // namespace

std::string render_doctor(const Style& style, const api::DoctorReport& report) {
    std::string out;
    bool among_lineages = false;
    for (const api::DoctorGroup& group : report.groups) {
        if (group.group == "lineage") {
            if (!std::exchange(among_lineages, true)) out += paint(style, Colour::bold, "Lineages") + "\n";
            out += render_lineage_group(style, group);
            continue;
        }
        out += paint(style, Colour::bold, title_of(style, group)) + "\n";
        for (const api::CheckFinding& finding : group.findings)
            out += render_finding(style, finding);
    }
    return out + wrap(style, "", verdict(count(report)));
}

}  // namespace certd::ctl
