// Names of severities.
#include "libacme/base/log.hpp"

#include "libacme/base/names.hpp"

#include <array>

namespace certd {

namespace {
constexpr std::array<std::string_view, 6> names = {"debug", "info", "notice", "warning", "error", "critical"};
}

std::string_view to_string(Severity severity) {
    return names.at(static_cast<std::size_t>(severity));
}

std::optional<Severity> severity_from(std::string_view text) {
    return enum_from<Severity>(text, names);
}

}  // namespace certd
