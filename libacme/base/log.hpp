// Severity of events and log lines. Sinks live in daemon/observe.
#pragma once

#include <optional>
#include <string_view>

namespace certd {

enum class Severity { debug, info, notice, warning, error, critical };

std::string_view to_string(Severity severity);
std::optional<Severity> severity_from(std::string_view text);

}  // namespace certd
