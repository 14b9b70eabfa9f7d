// One finding about a configuration text: where, what, the line with a caret, and what to write instead.
#pragma once

#include "libacme/base/problem.hpp"

#include <span>
#include <string>

namespace certd::config {

struct Diagnostic {
    enum class Level { error, warning };
    Level level = Level::error;
    std::string file;
    std::uint32_t line = 0, column = 0;  // from 1, columns in octets; 0: the file as a whole
    std::string message;                 // may quote the file's text: escaped where it is shown
    std::string hint;                    // "did you mean 'targets'?"
    std::string source_line;
    std::string code = "config.invalid";  // of the Problem it becomes: also config.missing, config.permissions

    bool operator==(const Diagnostic&) const = default;
};

bool has_errors(std::span<const Diagnostic> diagnostics);

// file:line:col: error: message / the line / caret / hint — one after the other, and a closing count.
std::string render(std::span<const Diagnostic> diagnostics, bool colour);
// All errors as one Problem (of the first one's code) with the first in `what` and each, when there are several, in
// `parts`.
Problem to_problem(std::span<const Diagnostic> diagnostics);

}  // namespace certd::config
