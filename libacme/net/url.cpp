// Parsing of URLs and of references to them (RFC 3986), strict where leniency has been abused: what another parser
// could read differently is refused.
#include "libacme/net/url.hpp"

#include "libacme/base/text.hpp"

#include <algorithm>
#include <charconv>
#include <optional>
#include <vector>

#include <arpa/inet.h>

namespace certd {
namespace {

constexpr std::size_t length_limit = 2048;
constexpr std::size_t host_limit = 253;

bool is_digit(char c) {
    return c >= '0' && c <= '9';
}
bool is_alpha(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}
bool is_hex(char c) {
    return is_digit(c) || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
}

// RFC 3986 §2.2 and §2.3 without "#", and the percent sign.
bool is_url_character(char c) {
    return is_alpha(c) || is_digit(c) || std::string_view("-._~:/?[]@!$&'()*+,;=%").find(c) != std::string_view::npos;
}

bool has_valid_escapes(std::string_view text) {
    for (std::size_t i = 0; i < text.size(); ++i) {
        if (text[i] != '%') continue;
        if (i + 2 >= text.size() || !is_hex(text[i + 1]) || !is_hex(text[i + 2])) return false;
    }
    return true;
}

bool is_ipv4(const std::string& host) {
    in_addr ignored;
    return ::inet_pton(AF_INET, host.c_str(), &ignored) == 1;
}

bool is_ipv6(const std::string& host) {
    in6_addr ignored;
    return ::inet_pton(AF_INET6, host.c_str(), &ignored) == 1;
}

bool is_label(std::string_view label) {
    return !label.empty() && label.size() <= 63 && std::all_of(label.begin(), label.end(), [](char c) {
        return is_alpha(c) || is_digit(c) || c == '-' || c == '_';
    });
}

// "2130706433", "127.1" and "0x7f.0.0.1" are addresses to the resolver but look like names: refused.
bool looks_like_number(std::string_view label) {
    if (label.starts_with("0x") || label.starts_with("0X")) return true;
    return std::all_of(label.begin(), label.end(), is_digit);
}

bool is_host_name(std::string_view host) {
    if (host.ends_with('.')) host.remove_suffix(1);
    if (host.empty() || host.size() > host_limit) return false;
    const auto labels = split(host, '.');
    return std::all_of(labels.begin(), labels.end(), is_label) && !looks_like_number(labels.back());
}

std::optional<std::uint16_t> parse_port(std::string_view text) {
    unsigned port = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), port);
    if (error != std::errc{} || end != text.data() + text.size() || port == 0 || port > 65535) return std::nullopt;
    return static_cast<std::uint16_t>(port);
}

tl::unexpected<Problem> refuse(std::string_view reason, std::string_view text) {
    return failure("net.url", "Refused a URL: " + std::string(reason), std::string(text.substr(0, length_limit)));
}

std::uint16_t default_port(std::string_view scheme) {
    return scheme == "https" ? 443 : 80;
}

// Fills host and port; the reason when the authority is not acceptable.
std::optional<std::string_view> parse_authority(std::string_view authority, Url& url) {
    if (authority.find('@') != std::string_view::npos) return "it carries a user name";
    std::string_view port;
    if (authority.starts_with('[')) {
        const auto end = authority.find(']');
        if (end == std::string_view::npos) return "its IPv6 address has no closing bracket";
        url.host = lower_ascii(authority.substr(1, end - 1));
        port = authority.substr(end + 1);
        if (!is_ipv6(url.host)) return "its host is not an IPv6 address";
        if (!port.empty() && port.front() != ':') return "its port is malformed";
    } else {
        const auto colon = std::min(authority.find(':'), authority.size());
        url.host = lower_ascii(authority.substr(0, colon));
        port = authority.substr(colon);
        if (!is_ipv4(url.host) && !is_host_name(url.host)) return "its host is not a name or an address";
    }
    url.port = default_port(url.scheme);
    if (port.size() <= 1) return std::nullopt;  // none, or the empty one RFC 3986 §3.2.3 allows
    const auto number = parse_port(port.substr(1));
    if (!number) return "its port is malformed";
    url.port = *number;
    return std::nullopt;
}

bool has_scheme(std::string_view reference) {
    const auto end = reference.find_first_of(":/?#");
    if (end == std::string_view::npos || end == 0 || reference[end] != ':' || !is_alpha(reference[0])) return false;
    return std::all_of(reference.begin(), reference.begin() + static_cast<std::ptrdiff_t>(end),
                       [](char c) { return is_alpha(c) || is_digit(c) || c == '+' || c == '-' || c == '.'; });
}

// RFC 3986 §5.2.4 for an absolute path.
std::string remove_dot_segments(std::string_view path) {
    std::vector<std::string_view> kept;
    const auto segments = split(path.substr(1), '/');
    for (std::size_t i = 0; i < segments.size(); ++i) {
        const bool last = i + 1 == segments.size();
        if (segments[i] == "..") {
            if (!kept.empty()) kept.pop_back();
        } else if (segments[i] != ".") {
            kept.push_back(segments[i]);
            continue;
        }
        if (last) kept.push_back({});  // what ended in a dot segment names a directory
    }
    std::string text;
    for (const auto segment : kept)
        text.append("/").append(segment);
    return text.empty() ? "/" : text;
}

}  // namespace

std::string Url::host_header() const {
    std::string value = host.find(':') == std::string::npos ? host : "[" + host + "]";
    if (port != default_port(scheme)) value += ":" + std::to_string(port);
    return value;
}

std::string Url::origin() const {
    return scheme + (host.find(':') == std::string::npos ? "://" + host : "://[" + host + "]") + ":" +
           std::to_string(port);
}

bool Url::host_is_ip() const {
    return is_ipv4(host) || is_ipv6(host);
}

Result<Url> parse_url(std::string_view text) {
    if (text.size() > length_limit) return refuse("it is longer than 2,048 bytes", text);
    if (text.find('#') != std::string_view::npos) return refuse("it carries a fragment", text);
    if (!std::all_of(text.begin(), text.end(), is_url_character)) {
        return refuse("it contains a character that is not allowed", text);
    }
    const auto scheme_end = text.find("://");
    if (scheme_end == std::string_view::npos) return refuse("it is not an absolute http or https URL", text);
    Url url;
    url.scheme = lower_ascii(text.substr(0, scheme_end));
    if (url.scheme != "https" && url.scheme != "http") return refuse("it is not an absolute http or https URL", text);

    const auto rest = text.substr(scheme_end + 3);
    const auto authority_end = std::min(rest.find_first_of("/?"), rest.size());
    if (const auto reason = parse_authority(rest.substr(0, authority_end), url)) return refuse(*reason, text);
    const auto target = rest.substr(authority_end);
    if (!has_valid_escapes(target)) return refuse("it has a malformed percent escape", text);
    url.target = target.starts_with('/') ? std::string(target) : "/" + std::string(target);
    url.text = text;
    return url;
}

Result<Url> resolve_url(const Url& base, std::string_view reference) {
    if (has_scheme(reference)) return parse_url(reference);
    if (reference.starts_with("//")) return parse_url(base.scheme + ":" + std::string(reference));
    if (reference.size() > length_limit) return refuse("it is longer than 2,048 bytes", reference);

    const auto base_path = std::string_view(base.target).substr(0, base.target.find('?'));
    const auto query_start = std::min(reference.find('?'), reference.size());
    const auto path = reference.substr(0, query_start);
    std::string target;
    if (path.empty()) {
        target = query_start == reference.size() ? base.target : std::string(base_path);
    } else if (path.starts_with('/')) {
        target = remove_dot_segments(path);
    } else {
        target = remove_dot_segments(std::string(base_path.substr(0, base_path.rfind('/') + 1)) + std::string(path));
    }
    target += reference.substr(query_start);
    const auto authority_end = base.text.find_first_of("/?", base.scheme.size() + 3);
    return parse_url(base.text.substr(0, authority_end) + target);
}

}  // namespace certd
