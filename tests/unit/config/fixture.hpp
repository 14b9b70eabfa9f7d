// What the tests of the configuration share: texts that are complete but for the part a test is about, and short
// findings.
#pragma once

#include "config/load.hpp"
#include "tests/support/catch.hpp"

#include <string>
#include <vector>

#include <fmt/format.h>

namespace certd::config::test {

// A CA and the responder, so that a lineage needs nothing else.
inline const std::string base =
    "cas: { main: { directory: \"https://ca.example/dir\", agree_tos: true } }\n"
    "defaults: { cas: [main] }\n"
    "http_challenge: { listen: \"[::]:80\" }\n";  // lines 1 to 3

// A target without faults, and a lineage that uses it.
inline const std::string web =
    "targets: { web: { verify: { tls: [\"127.0.0.1:443\"] } } }\n"
    "lineages: { example.com: { targets: [web] } }\n";  // lines 4 and 5 after `base`

// "3:7 error: Unknown key 'x' (did you mean 'y'?)", one for each finding.
inline std::vector<std::string> findings(const Loaded& loaded) {
    std::vector<std::string> lines;
    for (const Diagnostic& diagnostic : loaded.diagnostics) {
        std::string_view level = diagnostic.level == Diagnostic::Level::error ? "error" : "warning";
        std::string hint = diagnostic.hint.empty() ? "" : fmt::format(" ({})", diagnostic.hint);
        lines.push_back(
            fmt::format("{}:{} {}: {}{}", diagnostic.line, diagnostic.column, level, diagnostic.message, hint));
    }
    return lines;
}

inline std::vector<std::string> findings(const std::string& text) {
    return findings(load_text(text));
}

// The Config of a text that must be without errors.
inline ConfigPtr config_of(const std::string& text) {
    Loaded loaded = load_text(text);
    INFO(render(loaded.diagnostics, false));
    REQUIRE(loaded.config);
    return loaded.config;
}

using Lines = std::vector<std::string>;

}  // namespace certd::config::test
