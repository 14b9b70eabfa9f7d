// `certctl status`: the table of lineages.
#include "ctl/render.hpp"
#include "libacme/base/text.hpp"

#include <algorithm>
#include <array>

#include <fmt/format.h>

namespace certd::ctl {

namespace {

constexpr std::size_t widest_step = 24;  // of a running job, in the column NEXT

Colour colour_of_served(std::string_view served) {
    if (served == "yes") return Colour::green;
    return served == "no" ? Colour::red : served == "partly" ? Colour::yellow : Colour::none;
}

Colour colour_of_days(const api::Lineage& lineage, Time now) {
    return lineage.not_after && *lineage.not_after <= now ? Colour::red : Colour::none;
}

std::vector<Cell> cells_of(const Style& style, const api::Lineage& lineage, Time now, int detail, bool served) {
    std::vector<Cell> cells = {
        {clean(style, lineage.name, 256), Colour::bold},
        {clean(style, lineage.state, 64), colour_of_health(lineage.health)},
        {lineage.not_after ? time_left(*lineage.not_after, now) : "-", colour_of_days(lineage, now)}};
    if (served)
        cells.push_back(
            {clean(style, lineage.served.empty() ? "-" : lineage.served, 32), colour_of_served(lineage.served)});
    if (detail >= 0) {
        std::string next = next_action(style, lineage, now, detail);
        bool long_step = style.width != 0 && !lineage.step.empty();
        cells.push_back({long_step ? elide_end(style, next, widest_step) : next, Colour::none});
    }
    return cells;
}

// What is left out as the device becomes narrower: first parts of NEXT, then NEXT, then SERVED.
struct Layout {
    int detail;  // of NEXT; -1: no such column
    bool served;
    std::string_view days_title;
};
constexpr std::array<Layout, 5> layouts = {
    {{2, true, "DAYS LEFT"}, {1, true, "DAYS LEFT"}, {0, true, "LEFT"}, {-1, true, "LEFT"}, {-1, false, "LEFT"}}};

std::vector<std::string> header_of(const Layout& layout) {
    std::vector<std::string> header = {"LINEAGE", "STATE", std::string(layout.days_title)};
    if (layout.served) header.emplace_back("SERVED");
    if (layout.detail >= 0) header.emplace_back("NEXT");
    return header;
}

std::vector<std::vector<Cell>> rows_of(const Style& style, const std::vector<api::Lineage>& lineages, Time now,
                                       const Layout& layout) {
    std::vector<std::vector<Cell>> rows;
    rows.reserve(lineages.size());
    for (const api::Lineage& lineage : lineages)
        rows.push_back(cells_of(style, lineage, now, layout.detail, layout.served));
    return rows;
}

// Columns needed when names may be elided to 24 columns.
std::size_t least_width(const std::vector<std::string>& header, const std::vector<std::vector<Cell>>& rows) {
    std::size_t total = 2 * (header.size() - 1);
    for (std::size_t i = 0; i < header.size(); ++i) {
        std::size_t width = display_width(header[i]);
        for (const auto& row : rows)
            width = std::max(width, display_width(row[i].text));
        total += i == 0 ? std::min<std::size_t>(width, 24) : width;
    }
    return total;
}

// Only where there is something to say: of lineages that are not ok.
std::string note_of(const Style& style, const api::Lineage& lineage) {
    if (lineage.health == "ok" || !lineage.last_problem) return {};
    std::string first = "  " + std::string(style.corner());
    std::string line = problem_line(style, *lineage.last_problem);
    if (style.width != 0) line = elide_end(style, line, style.width - std::min(style.width, display_width(first)));
    return first + paint(style, colour_of_health(lineage.health), line) + "\n";
}

}  // namespace

std::string status_summary(const Style& style, const std::vector<api::Lineage>& lineages) {
    if (lineages.empty()) return "No lineages are configured";
    std::size_t ok = 0, warning = 0, critical = 0;
    for (const api::Lineage& lineage : lineages)
        ++(lineage.health == "ok" ? ok : lineage.health == "critical" ? critical : warning);
    std::vector<std::string> counts;
    if (ok != 0) counts.push_back(paint(style, Colour::green, fmt::format("{} ok", ok)));
    if (warning != 0) counts.push_back(paint(style, Colour::yellow, fmt::format("{} warning", warning)));
    if (critical != 0) counts.push_back(paint(style, Colour::red, fmt::format("{} critical", critical)));
    return fmt::format("{} lineage{}: {}", lineages.size(), lineages.size() == 1 ? "" : "s", join(counts, ", "));
}

StatusTable status_table(const Style& style, const std::vector<api::Lineage>& lineages, Time now) {
    StatusTable table;
    for (const Layout& layout : layouts) {
        auto header = header_of(layout);
        auto rows = rows_of(style, lineages, now, layout);
        bool fits = style.width == 0 || least_width(header, rows) <= style.width;
        if (!fits && &layout != &layouts.back()) continue;
        const std::string text = render_table(style, header, rows);
        std::size_t line_start = text.find('\n') + 1;
        table.header = text.substr(0, line_start - 1);
        for (const api::Lineage& lineage : lineages) {
            std::size_t line_end = text.find('\n', line_start) + 1;
            table.rows.append(text, line_start, line_end - line_start).append(note_of(style, lineage));
            line_start = line_end;
        }
        break;
    }
    return table;
}

std::string daemon_remarks(const Style& style, const std::optional<Problem>& config_problem,
                           const std::optional<Problem>& notify_problem) {
    std::string out;
    if (config_problem) {
        out += wrap(style, "",
                    "The configuration on disk was refused and an earlier one is in force: " +
                        problem_line(style, *config_problem));
    }
    if (notify_problem) out += wrap(style, "", problem_line(style, *notify_problem));
    return out;
}

std::string render_status(const Style& style, const std::vector<api::Lineage>& lineages, Time now,
                          const std::optional<Problem>& config_problem, const std::optional<Problem>& notify_problem) {
    std::string out;
    if (!lineages.empty()) {
        StatusTable table = status_table(style, lineages, now);
        out = table.header + "\n" + table.rows;
    }
    return out + status_summary(style, lineages) + "\n" + daemon_remarks(style, config_problem, notify_problem);
}

std::string next_action(const Style& style, const api::Lineage& lineage, Time now, int detail) {
    if (!lineage.step.empty()) return clean(style, lineage.step, 128);
    if (lineage.next.action.empty() || lineage.next.action == "none") return "-";
    std::string action = clean(style, lineage.next.action, 32);
    if (!lineage.next.at) return action;
    std::string when = relative_future(*lineage.next.at, now);
    if (detail == 0) return when;
    if (detail == 1 || when == "now") return action + " " + when;
    return fmt::format("{} {} ({})", action, when, moment(style, *lineage.next.at, now));
}

Colour colour_of_health(std::string_view health) {
    if (health == "ok") return Colour::green;
    return health == "critical" ? Colour::red : Colour::yellow;
}

}  // namespace certd::ctl
