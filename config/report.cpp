// Findings in order of file and position.
#include "config/report.hpp"

#include <algorithm>
#include <tuple>

#include <fmt/format.h>

namespace certd::config {

void Report::error(const Location& where, std::string message, std::string hint, std::string code) {
    add(Diagnostic::Level::error, where, std::move(message), std::move(hint), std::move(code));
}

void Report::warning(const Location& where, std::string message, std::string hint) {
    add(Diagnostic::Level::warning, where, std::move(message), std::move(hint), "config.invalid");
}

std::string Report::refer(const Location& other, const Location& from) {
    if (other.file == from.file) return fmt::format("line {}", other.line);
    return fmt::format("{}:{}", other.file ? *other.file : "", other.line);
}

void Report::add(Diagnostic::Level level, const Location& where, std::string message, std::string hint,
                 std::string code) {
    auto source = std::ranges::find_if(sources_, [&](const Source& candidate) { return candidate.holds(where); });
    std::string line = source == sources_.end() ? "" : std::string(source->line(where.line));
    diagnostics_.push_back({level, where.file ? *where.file : "", where.line, where.column, std::move(message),
                            std::move(hint), std::move(line), std::move(code)});
}

std::vector<Diagnostic> Report::take() {
    auto rank = [&](const Diagnostic& diagnostic) {
        auto source = std::ranges::find(sources_, diagnostic.file, &Source::name);
        return std::tuple(source - sources_.begin(), diagnostic.line, diagnostic.column);
    };
    std::ranges::stable_sort(diagnostics_, {}, rank);
    return std::move(diagnostics_);
}

}  // namespace certd::config
