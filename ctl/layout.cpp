// Widths, eliding, wrapping and columns.
#include "ctl/layout.hpp"

#include "libacme/base/text.hpp"

#include <algorithm>
#include <array>
#include <numeric>
#include <span>
#include <utility>

#include <fmt/format.h>

namespace certd::ctl {

namespace {

struct Range {
    char32_t first, last;
};

// The ranges that matter in practice, from Unicode's EastAsianWidth and general categories; an error costs alignment
// only.
constexpr std::array<Range, 9> no_width = {{{0x0300, 0x036F},
                                            {0x0483, 0x0489},
                                            {0x0591, 0x05BD},
                                            {0x064B, 0x065F},
                                            {0x1AB0, 0x1AFF},
                                            {0x1DC0, 0x1DFF},
                                            {0x20D0, 0x20FF},
                                            {0xFE00, 0xFE0F},
                                            {0xFE20, 0xFE2F}}};
constexpr std::array<Range, 10> double_width = {{{0x1100, 0x115F},
                                                 {0x2E80, 0x303E},
                                                 {0x3041, 0xA4CF},
                                                 {0xA960, 0xA97F},
                                                 {0xAC00, 0xD7A3},
                                                 {0xF900, 0xFAFF},
                                                 {0xFE30, 0xFE6F},
                                                 {0xFF00, 0xFF60},
                                                 {0x1F300, 0x1F64F},
                                                 {0x1F900, 0x1F9FF}}};

bool in(std::span<const Range> ranges, char32_t point) {
    return std::ranges::any_of(ranges, [&](const Range& range) { return point >= range.first && point <= range.last; });
}

struct Glyph {
    char32_t point = 0;
    std::string_view text;
    std::size_t width = 1;
};

// The next character of valid UTF-8; an octet that is none counts as one column.
Glyph glyph_at(std::string_view text) {
    auto octet = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
    std::size_t length = octet(0) < 0xC0 ? 1 : octet(0) < 0xE0 ? 2 : octet(0) < 0xF0 ? 3 : 4;
    if (length == 1 || length > text.size()) return {octet(0), text.substr(0, 1), 1};
    char32_t point = octet(0) & (0xFF >> (length + 1));
    for (std::size_t i = 1; i < length; ++i)
        point = (point << 6) | (octet(i) & 0x3F);
    return {point, text.substr(0, length), in(no_width, point) ? 0U : in(double_width, point) ? 2U : 1U};
}

std::vector<Glyph> glyphs(std::string_view text) {
    std::vector<Glyph> result;
    result.reserve(text.size());
    while (!text.empty()) {
        result.push_back(glyph_at(text));
        text.remove_prefix(result.back().text.size());
    }
    return result;
}

bool is_plain(std::string_view text) {
    return std::ranges::all_of(text, [](char letter) { return letter >= 0x20 && letter < 0x7F; });
}

// As many glyphs from the front (or the back) as fit.
std::string fitting(std::span<const Glyph> all, std::size_t width, bool from_back) {
    std::size_t used = 0, count = 0;
    while (count < all.size()) {
        const Glyph& glyph = from_back ? all[all.size() - 1 - count] : all[count];
        if (used + glyph.width > width) break;
        used += glyph.width;
        ++count;
    }
    std::string result;
    for (const Glyph& glyph : from_back ? all.last(count) : all.first(count))
        result += glyph.text;
    return result;
}

}  // namespace

std::string clean(const Style& style, std::string_view text, std::size_t limit) {
    if (text.size() <= limit && is_plain(text)) return std::string(text);
    std::string safe = escape_untrusted(text, limit);
    if (style.unicode) return safe;
    std::string ascii;
    for (const Glyph& glyph : glyphs(safe)) {
        if (glyph.point < 0x80) {
            ascii += glyph.text;
        } else {
            ascii += glyph.point == U'…' ? "..." : fmt::format("\\u{{{:04X}}}", static_cast<unsigned>(glyph.point));
        }
    }
    return ascii;
}

std::size_t display_width(std::string_view text) {
    if (is_plain(text)) return text.size();
    std::size_t width = 0;
    for (const Glyph& glyph : glyphs(text))
        width += glyph.width;
    return width;
}

std::string elide_middle(const Style& style, std::string_view text, std::size_t width) {
    if (display_width(text) <= width) return std::string(text);
    std::vector<Glyph> all = glyphs(text);
    std::size_t mark = display_width(style.ellipsis());
    if (width <= mark) return fitting(all, width, false);
    std::size_t back = (width - mark) / 2;
    return fitting(all, width - mark - back, false) + std::string(style.ellipsis()) + fitting(all, back, true);
}

std::string elide_end(const Style& style, std::string_view text, std::size_t width) {
    if (display_width(text) <= width) return std::string(text);
    std::size_t mark = display_width(style.ellipsis());
    if (width <= mark) return fitting(glyphs(text), width, false);
    return fitting(glyphs(text), width - mark, false) + std::string(style.ellipsis());
}

std::string pad(std::string text, std::size_t width) {
    std::size_t taken = display_width(text);
    if (taken < width) text.append(width - taken, ' ');
    return text;
}

std::string wrap(const Style& style, std::string_view first, std::string_view text) {
    std::size_t indent = display_width(first);
    std::string result(first);
    std::size_t column = indent;
    bool at_start = true;
    std::size_t limit = style.width == 0 ? std::size_t(-1) : std::max(style.width, indent + 16);
    for (std::string_view word : split(text, ' ')) {
        if (word.empty()) continue;
        std::size_t width = display_width(word);
        if (!at_start && column + 1 + width > limit) {
            result.append(1, '\n').append(indent, ' ');
            column = indent;
            at_start = true;
        }
        if (!at_start) {
            result += ' ';
            ++column;
        }
        // A word longer than the line is broken, so that a terminal does not do it amid the indentation.
        std::vector<Glyph> rest = glyphs(word);
        std::span<const Glyph> left = rest;
        while (!left.empty()) {
            if (column + left.front().width > limit) {
                result.append(1, '\n').append(indent, ' ');
                column = indent;
            }
            result += left.front().text;
            column += left.front().width;
            left = left.subspan(1);
        }
        at_start = false;
    }
    return result + "\n";
}

std::string paint(const Style& style, Colour colour, std::string_view text) {
    if (!style.colour || colour == Colour::none || text.empty()) return std::string(text);
    constexpr std::array<std::string_view, 7> codes = {"0", "32", "33", "31", "36", "2", "1"};
    return fmt::format("\x1b[{}m{}\x1b[0m", codes.at(static_cast<std::size_t>(colour)), text);
}

namespace {

void append_row(std::string& out, const Style& style, const std::vector<Cell>& cells,
                const std::vector<std::size_t>& widths, std::size_t shrink) {
    std::string line;
    std::size_t pending = 0;  // spaces owed before the next text
    for (std::size_t i = 0; i < cells.size() && i < widths.size(); ++i) {
        std::string text =
            i == shrink ? elide_middle(style, cells[i].text, widths[i]) : elide_end(style, cells[i].text, widths[i]);
        std::size_t taken = display_width(text);
        if (!text.empty()) line.append(std::exchange(pending, 0), ' ').append(paint(style, cells[i].colour, text));
        pending += widths[i] - std::min(widths[i], taken) + 2;
    }
    out += line + "\n";
}

void fit_columns(std::vector<std::size_t>& widths, std::size_t width, std::size_t shrink) {
    std::size_t total = std::accumulate(widths.begin(), widths.end(), std::size_t{0}) + 2 * (widths.size() - 1);
    std::size_t excess = total - std::min(total, width);
    auto take = [&](std::size_t& column, std::size_t least) {
        std::size_t taken = std::min(excess, column - std::min(column, least));
        column -= taken;
        excess -= taken;
        return taken != 0;
    };
    take(widths[shrink], 8);
    take(widths.back(), 4);
    while (excess != 0) {
        std::size_t& widest = *std::ranges::max_element(widths);
        if (!take(widest, std::max<std::size_t>(3, widest - 1))) break;
    }
}

}  // namespace

std::string render_table(const Style& style, const std::vector<std::string>& header,
                         const std::vector<std::vector<Cell>>& rows, std::size_t shrink) {
    std::vector<std::size_t> widths;
    for (const std::string& title : header)
        widths.push_back(display_width(title));
    for (const auto& row : rows) {
        for (std::size_t i = 0; i < row.size() && i < widths.size(); ++i)
            widths[i] = std::max(widths[i], display_width(row[i].text));
    }
    if (style.width != 0) fit_columns(widths, style.width, shrink);
    std::string out;
    std::vector<Cell> titles;
    for (const std::string& title : header)
        titles.push_back({title, Colour::dim});
    append_row(out, style, titles, widths, shrink);
    for (const auto& row : rows)
        append_row(out, style, row, widths, shrink);
    return out;
}

}  // namespace certd::ctl
