// Rendering of diagnostics for terminals and as a Problem. Whatever comes from the file is escaped here.
#include "config/diagnostic.hpp"

#include "libacme/base/text.hpp"

#include <algorithm>

#include <fmt/format.h>

namespace certd::config {

namespace {

constexpr std::size_t window_before = 60, window_after = 40;  // octets of a long line shown around the caret
constexpr std::size_t parts_limit = 50;
constexpr std::string_view margin = "    ";

struct Colours {
    std::string_view bold, error, warning, caret, end;
};
constexpr Colours plain_colours{};
constexpr Colours terminal_colours{"\x1b[1m", "\x1b[1;31m", "\x1b[1;33m", "\x1b[1;32m", "\x1b[0m"};

bool is_continuation(char octet) {
    return (static_cast<unsigned char>(octet) & 0xC0) == 0x80;
}

std::size_t boundary_at_or_before(std::string_view text, std::size_t offset) {
    while (offset > 0 && offset < text.size() && is_continuation(text[offset]))
        --offset;
    return offset;
}

std::size_t width(std::string_view text) {
    return static_cast<std::size_t>(std::ranges::count_if(text, [](char octet) { return !is_continuation(octet); }));
}

std::string place(const Diagnostic& diagnostic) {
    std::string text = escape_untrusted(diagnostic.file);
    if (diagnostic.line > 0) text += fmt::format(":{}:{}", diagnostic.line, diagnostic.column);
    return text;
}

// The line, or the part of a long one around the column, and a caret under the column.
std::string excerpt(const Diagnostic& diagnostic, const Colours& colours) {
    std::string_view line = diagnostic.source_line;
    std::size_t caret = std::min<std::size_t>(diagnostic.column > 0 ? diagnostic.column - 1 : 0, line.size());
    std::size_t begin = 0, end = line.size();
    if (line.size() > window_before + window_after) {
        begin = boundary_at_or_before(line, caret > window_before ? caret - window_before : 0);
        end = boundary_at_or_before(line, std::min(line.size(), caret + window_after));
    }
    std::string before = (begin > 0 ? "…" : "") + escape_untrusted(line.substr(begin, caret - begin));
    std::string after = escape_untrusted(line.substr(caret, end - caret)) + (end < line.size() ? "…" : "");
    return fmt::format("{}{}{}\n{}{:{}}{}^{}\n", margin, before, after, margin, "", width(before), colours.caret,
                       colours.end);
}

std::string count(std::size_t number, std::string_view noun) {
    return fmt::format("{} {}{}", number, noun, number == 1 ? "" : "s");
}

std::string closing_line(std::size_t errors, std::size_t warnings) {
    if (errors == 0) return count(warnings, "warning") + "\n";
    if (warnings == 0) return count(errors, "error") + "\n";
    return count(errors, "error") + ", " + count(warnings, "warning") + "\n";
}

Problem single_problem(const Diagnostic& diagnostic) {
    Problem result = problem(diagnostic.code, place(diagnostic) + ": " + escape_untrusted(diagnostic.message));
    if (!diagnostic.hint.empty()) result.hint = escape_untrusted(diagnostic.hint);
    return result;
}

bool is_error(const Diagnostic& diagnostic) {
    return diagnostic.level == Diagnostic::Level::error;
}

}  // namespace

bool has_errors(std::span<const Diagnostic> diagnostics) {
    return std::ranges::any_of(diagnostics, is_error);
}

std::string render(std::span<const Diagnostic> diagnostics, bool colour) {
    if (diagnostics.empty()) return {};
    const Colours& colours = colour ? terminal_colours : plain_colours;
    std::string text;
    for (const Diagnostic& diagnostic : diagnostics) {
        text +=
            fmt::format("{}{}:{} {}{}:{} {}\n", colours.bold, place(diagnostic), colours.end,
                        is_error(diagnostic) ? colours.error : colours.warning,
                        is_error(diagnostic) ? "error" : "warning", colours.end, escape_untrusted(diagnostic.message));
        if (diagnostic.line > 0) text += excerpt(diagnostic, colours);
        if (!diagnostic.hint.empty()) text += fmt::format("{}hint: {}\n", margin, escape_untrusted(diagnostic.hint));
    }
    auto errors = static_cast<std::size_t>(std::ranges::count_if(diagnostics, is_error));
    return text + closing_line(errors, diagnostics.size() - errors);
}

Problem to_problem(std::span<const Diagnostic> diagnostics) {
    std::vector<Problem> errors;
    std::size_t number = 0;
    for (const Diagnostic& diagnostic : diagnostics) {
        if (!is_error(diagnostic)) continue;
        if (++number <= parts_limit) errors.push_back(single_problem(diagnostic));
    }
    if (errors.empty()) return problem("config.invalid", "The configuration has errors");
    Problem result = errors.front();
    if (number > 1) {
        result.what += fmt::format(" (and {} more {})", number - 1, number == 2 ? "error" : "errors");
        result.parts = std::move(errors);
    }
    return result;
}

}  // namespace certd::config
