// Templates of JSON bodies: `{{name}}` stands for a fact of a notification, escaped as the inside of a JSON string.
#pragma once

#include <array>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

namespace certd::config {

// What `{{name}}` may be (contrib/docs/NOTIFICATIONS.md).
constexpr std::array<std::string_view, 23> placeholders = {
    "at",     "body",         "cause",    "code",    "duration", "event",   "explain", "hostname",
    "id",     "incident",     "kind",     "lineage", "next",     "problem", "remedy",  "remote",
    "served", "served_until", "severity", "since",   "subject",  "target",  "title"};

// `text` with each `{{name}}` replaced by what `value` has for it; nothing when one is not closed or `value` has
// nothing. `wrong` receives what stands in that place.
std::optional<std::string> fill_template(std::string_view text,
                                         const std::function<std::optional<std::string>(std::string_view name)>& value,
                                         std::string* wrong = nullptr);

// Why a template can be none: an unknown placeholder, or no JSON around them. Empty: it is one.
struct TemplateFault {
    std::string message;  // "has an unknown placeholder {{titel}}"
    std::string hint;
};
std::optional<TemplateFault> template_fault(std::string_view text);

}  // namespace certd::config
