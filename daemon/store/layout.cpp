// Version names and live links, written and read back strictly.
#include "daemon/store/layout.hpp"

#include <algorithm>
#include <charconv>

#include <fmt/format.h>

namespace certd::layout {

std::string version_name(VersionNumber number) {
    return fmt::format("{:04}", number.value);
}

std::optional<VersionNumber> parse_version_name(std::string_view text) {
    VersionNumber number;
    auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number.value);
    bool exact = error == std::errc() && end == text.data() + text.size() && number && version_name(number) == text;
    return exact ? std::optional(number) : std::nullopt;
}

std::optional<VersionNumber> number_taken_by(std::string_view text) {
    return parse_version_name(text.substr(0, text.find('.')));
}

std::optional<KeyType> further_order(std::string_view file_name) {
    constexpr std::string_view ending = ".json";
    if (!file_name.ends_with(ending)) return std::nullopt;
    return key_type_from(file_name.substr(0, file_name.size() - ending.size()));
}

std::string live_target(const LineageName& name, VersionNumber number) {
    return "../lineages/" + name.text() + "/versions/" + version_name(number);
}

std::optional<VersionNumber> parse_live_target(const LineageName& name, std::string_view target) {
    std::string prefix = "../lineages/" + name.text() + "/versions/";
    if (!target.starts_with(prefix)) return std::nullopt;
    return parse_version_name(target.substr(prefix.size()));
}

Result<Path> component(const std::string& name) {
    return LineageName::parse(name).map([](const LineageName& checked) { return Path(checked.text()); });
}

}  // namespace certd::layout
