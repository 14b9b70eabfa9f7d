// Grammars of lineage names and identifiers.
#include "libacme/base/ids.hpp"

#include "libacme/base/text.hpp"

#include <algorithm>

#include <arpa/inet.h>

namespace certd {

namespace {

bool is_lower_or_digit(char letter) {
    return (letter >= 'a' && letter <= 'z') || (letter >= '0' && letter <= '9');
}

std::optional<std::string> canonical_ip(const std::string& text) {
    char buffer[INET6_ADDRSTRLEN];
    in_addr v4{};
    if (inet_pton(AF_INET, text.c_str(), &v4) == 1) return inet_ntop(AF_INET, &v4, buffer, sizeof buffer);
    in6_addr v6{};
    if (inet_pton(AF_INET6, text.c_str(), &v6) == 1) return inet_ntop(AF_INET6, &v6, buffer, sizeof buffer);
    return std::nullopt;
}

// What is wrong with a DNS name in A-label form, or nothing (RFC 1123 §2.1, RFC 5890).
std::string_view dns_name_fault(std::string_view name) {
    if (name.starts_with("*.")) name.remove_prefix(2);
    if (name.empty()) return "it is empty";
    if (name.size() > 253) return "it is longer than 253 characters";
    for (std::string_view label : split(name, '.')) {
        if (label.empty()) return "it has an empty label";
        if (label.size() > 63) return "a label is longer than 63 characters";
        if (label.front() == '-' || label.back() == '-') return "a label begins or ends with '-'";
        if (!std::ranges::all_of(
                label, [](char letter) { return is_lower_or_digit(letter) || letter == '-' || letter == '_'; })) {
            return "only letters, digits and '-' are allowed";
        }
    }
    if (name.find('.') == std::string_view::npos) return "it has no dot";
    std::string_view last = split(name, '.').back();
    if (std::ranges::all_of(last, [](char letter) { return letter >= '0' && letter <= '9'; }))
        return "it looks like an IP address";
    return {};
}

}  // namespace

Result<LineageName> LineageName::parse(std::string_view text) {
    auto allowed = [](char letter) {
        return is_lower_or_digit(letter) || letter == '.' || letter == '_' || letter == '-';
    };
    if (text.empty() || text.size() > 64 || !is_lower_or_digit(text.front()) || text.back() == '.' ||
        !std::ranges::all_of(text, allowed)) {
        return failure("config.lineageName", "Not a lineage name: '" + escape_untrusted(text, 80) + "'");
    }
    return LineageName(std::string(text));
}

Result<Identifier> parse_identifier(std::string_view text) {
    std::string name = lower_ascii(text);
    if (name.starts_with('[') && name.ends_with(']')) name = name.substr(1, name.size() - 2);
    if (auto address = canonical_ip(name)) return Identifier{Identifier::Type::ip, *address};
    if (name.ends_with('.')) name.pop_back();
    if (std::string_view fault = dns_name_fault(name); !fault.empty()) {
        return failure("config.name",
                       "Not a name for a certificate: '" + escape_untrusted(text, 80) + "': " + std::string(fault));
    }
    return Identifier{Identifier::Type::dns, name};
}

std::string_view to_string(Identifier::Type type) {
    return type == Identifier::Type::dns ? "dns" : "ip";
}

}  // namespace certd
