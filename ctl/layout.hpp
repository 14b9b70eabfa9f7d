// Text that fits a terminal: widths, eliding, wrapping, colours and aligned columns. Pure.
#pragma once

#include "libacme/base/time.hpp"

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace certd::ctl {

enum class Colour { none, green, yellow, red, cyan, dim, bold };

// How the output device takes text.
struct Style {
    std::size_t width = 0;   // columns; 0: any, nothing is elided or wrapped
    std::size_t height = 0;  // rows; 0: any
    bool colour = false;
    bool unicode = true;     // false: ASCII only
    bool local_time = true;  // false: UTC

    std::string_view ellipsis() const { return unicode ? "…" : "..."; }
    std::string_view tick() const { return unicode ? "✓" : "ok"; }
    std::string_view cross() const { return unicode ? "✗" : "FAILED"; }
    std::string_view corner() const { return unicode ? "└ " : "`- "; }
};

// Text of somebody else (a CA, a hook, the daemon) made fit for one line of the device.
std::string clean(const Style& style, std::string_view text, std::size_t limit = 1024);

// Columns a text takes: 0 for combining marks, 2 for wide characters. Expects clean text without colours.
std::size_t display_width(std::string_view text);
// At most `width` columns, the middle or the end replaced by an ellipsis when it is cut.
std::string elide_middle(const Style& style, std::string_view text, std::size_t width);
std::string elide_end(const Style& style, std::string_view text, std::size_t width);
std::string pad(std::string text, std::size_t width);

// `text` in lines of the style's width, the first after `first`, the others indented as far. Ends with a newline.
std::string wrap(const Style& style, std::string_view first, std::string_view text);

std::string paint(const Style& style, Colour colour, std::string_view text);

struct Cell {
    std::string text;
    Colour colour = Colour::none;
};

// Rows below a header, two spaces between columns, none at the end of a line. When the style's width does not suffice,
// the column `shrink` is elided in the middle down to 8 columns, then the last one at its end, then whichever is
// widest.
std::string render_table(const Style& style, const std::vector<std::string>& header,
                         const std::vector<std::vector<Cell>>& rows, std::size_t shrink = 0);

// "Dec 22 10:04", with the year instead of the time of day when it is more than 300 days away from `now`.
std::string moment(const Style& style, Time at, Time now);
// "2026-12-22 10:04", with "Z" when not in local time.
std::string date_and_time(const Style& style, Time at);
std::string date_and_time_of_day(const Style& style, Time at);  // with seconds
// "59d"; hours under two days, minutes under two hours; "expired" in the past.
std::string time_left(Time until, Time now);
// "in 29d 4h", "now" when the time has come, "3h ago" for what has been.
std::string relative_future(Time at, Time now);
std::string relative_past(Time at, Time now);

}  // namespace certd::ctl
