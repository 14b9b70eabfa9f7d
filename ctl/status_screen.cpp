#include "ctl/status_screen.hpp"

#include "ctl/render.hpp"
#include "libacme/base/text.hpp"

#include <algorithm>
#include <utility>

#include <fmt/format.h>

namespace certd::ctl {

namespace {

std::vector<std::string> lines_of(std::string_view text) {
    std::vector<std::string> lines;
    while (!text.empty()) {
        const std::size_t end = std::min(text.find('\n'), text.size());
        lines.emplace_back(text.substr(0, end));
        text.remove_prefix(std::min(text.size(), end + 1));
    }
    return lines;
}

int urgency(const api::Lineage& lineage) {
    if (lineage.health == "critical") return 0;
    if (lineage.health != "ok") return 1;
    return lineage.step.empty() ? 3 : 2;
}

}  // namespace

void StatusScreen::take(StatusSight sight) {
    sight_ = std::move(sight);
    lost_.reset();
}

void StatusScreen::lose(Problem problem, Time now) {
    lost_ = Lost{std::move(problem), lost_ ? lost_->since : now};
}

void StatusScreen::press(Key key) {
    at_end_ = key == Key::end;
    switch (key) {
        case Key::up:
            first_ -= std::min<std::size_t>(first_, 1);
            break;
        case Key::down:
            ++first_;
            break;
        case Key::page_up:
            first_ -= std::min(first_, page_);
            break;
        case Key::page_down:
            first_ += page_;
            break;
        case Key::home:
            first_ = 0;
            break;
        case Key::end:
        case Key::quit:
        case Key::none:
            break;
    }
}

StatusScreen::Body StatusScreen::body(const Style& style, Time now) const {
    if (sight_.in_full) {
        Body whole;
        for (const api::Lineage& lineage : sight_.lineages)
            whole.lines = lines_of(render_lineage(style, lineage, now, all_hosts_));
        return whole;
    }
    StatusTable table = status_table(style, sight_.lineages, now);
    return {std::move(table.header), lines_of(table.rows)};
}

std::vector<std::string> StatusScreen::remarks(const Style& style) const {
    std::vector<std::string> all =
        lines_of(daemon_remarks(style, sight_.daemon.config_problem, sight_.daemon.notify_problem));
    if (lost_) {
        const std::string text =
            fmt::format("certd does not answer since {}: {}", date_and_time_of_day(style, lost_->since),
                        problem_line(style, lost_->problem));
        for (const std::string& line : lines_of(wrap(style, "", text)))
            all.push_back(paint(style, Colour::red, line));
    }
    return all;
}

std::string StatusScreen::footer(const Style& style, std::size_t lines) const {
    std::string text = "q quit";
    if (lines > page_) {
        const std::string_view arrows = style.unicode ? "↑ ↓" : "up down";
        text += fmt::format("   {} PgUp PgDn scroll   {}-{} of {} lines", arrows, first_ + 1,
                            std::min(first_ + page_, lines), lines);
    }
    return paint(style, Colour::dim, elide_end(style, text, style.width));
}

std::vector<std::string> StatusScreen::rows(const Style& given, Time now) {
    Style style = given;
    style.width -= 1;  // a full row would put some terminals' cursor into the next
    std::vector<std::string> rows;
    rows.push_back(paint(style, Colour::bold,
                         elide_end(style,
                                   fmt::format("certd {}   {}", clean(style, sight_.daemon.version, 32),
                                               date_and_time_of_day(style, now)),
                                   style.width)));
    if (!sight_.in_full) rows.push_back(status_summary(style, sight_.lineages));
    rows.emplace_back();
    const std::vector<std::string> last = remarks(style);
    const std::size_t taken = rows.size() + last.size() + (has_header() ? 2 : 1);
    page_ = style.height > taken ? style.height - taken : 1;
    if (has_header() && sight_.lineages.size() > page_) std::ranges::stable_sort(sight_.lineages, {}, urgency);
    Body content = body(style, now);
    if (has_header()) rows.push_back(std::move(content.header));

    const std::size_t latest = content.lines.size() - std::min(content.lines.size(), page_);
    first_ = at_end_ ? latest : std::min(first_, latest);
    for (std::size_t i = first_; i < std::min(first_ + page_, content.lines.size()); ++i)
        rows.push_back(std::move(content.lines[i]));
    rows.resize(std::max(rows.size(), style.height - std::min(style.height, last.size() + 1)));
    rows.insert(rows.end(), last.begin(), last.end());
    rows.push_back(footer(style, content.lines.size()));
    return rows;
}

}  // namespace certd::ctl
