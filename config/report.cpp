// Findings in order of file and position.
#include "config/report.hpp"

#include <algorithm>
#include <tuple>

#include <fmt/format.h>

namespace certd::config {

const Source& Report::add(Source source) {
    const Source& added = sources_.emplace_back(std::move(source));
    ranks_.emplace(added.at(0, 0).file.get(), sources_.size() - 1);
    return added;
}

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
    auto known = ranks_.find(where.file.get());
    std::size_t rank = known == ranks_.end() ? sources_.size() : known->second;
    std::string line = known == ranks_.end() ? "" : std::string(sources_[rank].line(where.line));
    has_errors_ = has_errors_ || level == Diagnostic::Level::error;
    found_.push_back({rank,
                      {level, where.file ? *where.file : "", where.line, where.column, std::move(message),
                       std::move(hint), std::move(line), std::move(code)}});
}

std::vector<Diagnostic> Report::take() {
    std::ranges::stable_sort(found_, {}, [](const Ranked& ranked) {
        return std::tuple(ranked.source, ranked.diagnostic.line, ranked.diagnostic.column);
    });
    std::vector<Diagnostic> diagnostics;
    diagnostics.reserve(found_.size());
    for (Ranked& ranked : found_)
        diagnostics.push_back(std::move(ranked.diagnostic));
    found_.clear();
    return diagnostics;
}

}  // namespace certd::config
