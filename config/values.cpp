// Grammar checks of scalar values. Pure.
#include "config/values.hpp"

#include "config/fleet.hpp"
#include "config/maintenance.hpp"
#include "config/source.hpp"
#include "config/template.hpp"
#include "libacme/base/ids.hpp"
#include "libacme/base/text.hpp"

#include <algorithm>
#include <charconv>
#include <vector>

#include <arpa/inet.h>
#include <fmt/format.h>

namespace certd::config {

namespace {

bool is_digit(char letter) {
    return letter >= '0' && letter <= '9';
}
bool is_letter_or_digit(char letter) {
    return is_digit(letter) || (letter >= 'a' && letter <= 'z') || (letter >= 'A' && letter <= 'Z');
}
bool is_number(std::string_view text) {
    return !text.empty() && std::ranges::all_of(text, is_digit);
}

bool has_control(std::string_view text) {
    return std::ranges::any_of(text, [](unsigned char octet) { return octet < 0x20 || octet == 0x7F; });
}

// Visible ASCII without the characters that a URL must escape (RFC 3986 §2).
bool is_url_text(std::string_view text) {
    return std::ranges::all_of(text, [](char letter) {
        return letter > 0x20 && letter < 0x7F && std::string_view("\"<>\\^`{|}").find(letter) == std::string_view::npos;
    });
}

// The authority of "scheme://authority/…" when it is host or host:port.
std::optional<std::string_view> url_host(std::string_view url, std::string_view scheme) {
    if (!url.starts_with(scheme) || !is_url_text(url) || url.find('#') != std::string_view::npos) return std::nullopt;
    std::string_view authority = url.substr(scheme.size());
    authority = authority.substr(0, authority.find_first_of("/?"));
    std::string_view host = authority;
    if (auto parts = parse_host_port(authority)) {
        host = parts->host;
    } else if (host.starts_with('[') && host.ends_with(']')) {
        host = host.substr(1, host.size() - 2);
    }
    return is_host(host) ? std::optional(host) : std::nullopt;
}

Complaint must_be(std::string_view what, std::string_view text, std::string hint = {}) {
    return {fmt::format("must be {}, not {}", what, in_quotes(text)), std::move(hint)};
}

std::optional<Complaint> out_of_range(const Row& row, std::int64_t value, std::string_view text) {
    if (value >= row.low && value <= row.high) return std::nullopt;
    return must_be("a " + describe_type({.type = row.type, .low = row.low, .high = row.high}), text);
}

std::optional<Complaint> boolean_complaint(std::string_view text) {
    if (parse_boolean(text)) return std::nullopt;
    std::string lower = lower_ascii(text);
    bool yes = lower == "yes" || lower == "on" || lower == "true",
         no = lower == "no" || lower == "off" || lower == "false";
    return must_be("true or false", text, yes ? "write true" : no ? "write false" : "");
}

std::optional<Complaint> integer_complaint(const Row& row, std::string_view text) {
    auto value = parse_integer(text);
    return value ? out_of_range(row, *value, text)
                 : must_be("a " + describe_type({.type = row.type, .low = row.low, .high = row.high}), text);
}

std::optional<Complaint> size_complaint(const Row& row, std::string_view text) {
    if (auto value = parse_size(text)) return out_of_range(row, *value, text);
    return must_be("a size such as 10MB", text,
                   is_number(text) ? fmt::format("add a unit: {}B, or kB, MB, GB", text) : "");
}

std::optional<Complaint> duration_complaint(const Row& row, std::string_view text) {
    if (auto value = parse_duration(text)) return out_of_range(row, value->count(), text);
    return must_be(
        "a duration such as 30s, 5m or 1h 30m", text,
        is_number(text) ? fmt::format("add a unit: {}s, or ms, m, h, d, w", text) : "units are ms, s, m, h, d, w");
}

std::optional<Complaint> choice_complaint(const Row& row, std::string_view text) {
    std::vector<std::string_view> words = split(row.words, '|');
    if (std::ranges::find(words, text) != words.end()) return std::nullopt;
    auto near = did_you_mean(text, words);
    return must_be(list_words(row.words), text, near ? fmt::format("did you mean '{}'?", *near) : "");
}

std::optional<Complaint> path_complaint(std::string_view text) {
    if (!text.starts_with('/')) {
        return must_be("an absolute path", text, text.starts_with('~') ? "write the home directory out" : "");
    }
    std::vector<std::string_view> parts = split(text.substr(1), '/');
    bool dots = std::ranges::any_of(parts, [](std::string_view part) { return part == "." || part == ".."; });
    if (dots) return must_be("a path without '.' and '..'", text);
    if (has_control(text)) return must_be("a path without control characters", text);
    return std::nullopt;
}

std::optional<Complaint> secret_file_complaint(std::string_view text) {
    constexpr std::string_view prefix = "credential:";
    if (!text.starts_with(prefix)) return path_complaint(text);
    std::string_view name = text.substr(prefix.size());
    bool plain =
        !name.empty() && name.size() <= 255 && name.front() != '.' && std::ranges::all_of(name, [](char letter) {
            return is_letter_or_digit(letter) || std::string_view("._-").find(letter) != std::string_view::npos;
        });
    if (plain) return std::nullopt;
    return must_be("an absolute path or credential:NAME", text);
}

std::optional<Complaint> account_complaint(std::string_view text) {
    bool plain =
        !text.empty() && text.size() <= 64 && text.front() != '-' && std::ranges::all_of(text, [](char letter) {
            return is_letter_or_digit(letter) || std::string_view("._-@").find(letter) != std::string_view::npos;
        });
    bool number_too_large = is_number(text) && (text.size() > 10 || *parse_integer(text) > 0xFFFF'FFFE);
    if (plain && !number_too_large) return std::nullopt;
    return must_be("the name or number of a user or group", text);
}

std::optional<Complaint> email_complaint(std::string_view text) {
    if (text.starts_with("mailto:")) text.remove_prefix(7);
    std::size_t at = text.find('@');
    bool plausible = at != std::string_view::npos && at > 0 && at + 1 < text.size() &&
                     text.find('@', at + 1) == std::string_view::npos &&
                     std::ranges::all_of(text, [](char letter) { return letter > 0x20 && letter < 0x7F; }) &&
                     text.find_first_of(",?<>\"") == std::string_view::npos;
    if (plausible) return std::nullopt;
    return must_be("an e-mail address such as ops@example.com", text);
}

std::optional<Complaint> https_complaint(std::string_view text) {
    if (text.starts_with("http://"))
        return must_be("an https:// URL", text, "certd speaks to a CA over verified TLS only");
    if (https_host(text)) return std::nullopt;
    return must_be("a URL such as https://ca.example/directory", text);
}

std::optional<Complaint> proxy_complaint(std::string_view text) {
    if (text.size() <= 2048 && url_host(text, "http://")) return std::nullopt;
    return must_be("a URL such as http://proxy.internal:3128", text);
}

std::optional<Complaint> listen_complaint(std::string_view text) {
    constexpr std::string_view systemd = "systemd:";
    if (text.starts_with(systemd) && text.size() > systemd.size() && text.size() <= 255) return std::nullopt;
    auto parts = parse_host_port(text);
    if (parts && is_ip_address(parts->host)) return std::nullopt;
    std::string hint;
    std::string_view port = text.substr(text.starts_with("*:") ? 2 : text.starts_with(':') ? 1 : 0);
    if (is_number(port)) {
        hint = fmt::format("write \"[::]:{}\" to listen on every address", port);
    } else if (text.starts_with("localhost")) {
        hint = "write 127.0.0.1 or [::1] instead of localhost";
    }
    return must_be("an address with port such as \"127.0.0.1:9402\" or \"[::]:80\"", text, hint);
}

std::optional<Complaint> endpoint_complaint(std::string_view text) {
    if (is_port_only(text)) return std::nullopt;  // each host of the target, if check_fleet knows any
    auto parts = parse_host_port(text);
    if (parts && parts->port != 0 && is_host(parts->host)) return std::nullopt;
    bool lacks_port = !parts && is_host(text) && !is_number(text);
    std::string hint = !lacks_port                   ? ""
                       : text.find(':') == text.npos ? fmt::format("add the port: \"{}:443\"", text)
                                                     : fmt::format("write \"[{}]:443\"", text);
    return must_be("a host with port such as \"127.0.0.1:443\"", text, hint);
}

std::optional<Complaint> remote_host_complaint(std::string_view text) {
    if (parse_remote_host(text)) return std::nullopt;
    std::string hint;
    if (const auto at = text.find('@'); at != std::string_view::npos) {
        hint = "write the user as ssh: { user: NAME }";
    } else if (lower_ascii(text) == "local") {
        hint = "a target without hosts is deployed on this machine";
    }
    return must_be("a host such as web1.internal or \"10.0.0.7:2222\"", text, hint);
}

std::optional<Complaint> host_complaint(std::string_view text) {
    if (is_host(text) && !text.starts_with('-')) return std::nullopt;
    return must_be("a server name such as www.example.com", text);
}

// A host with an optional port, as parse_name_server takes it apart.
std::optional<Complaint> name_server_complaint(std::string_view text, bool address_only) {
    auto parts = parse_name_server(text);
    if (parts && is_ip_address(parts->host)) return std::nullopt;
    if (address_only) return must_be("an address such as 192.0.2.1 or \"[2001:db8::1]:5353\"", text);
    if (parts && is_host(parts->host) && !text.starts_with('-')) return std::nullopt;
    return must_be("a name server such as ns1.example.com or \"192.0.2.1:5353\"", text);
}

std::optional<Complaint> secret_complaint(std::string_view text) {
    constexpr std::string_view credential = "credential:";
    if (text.starts_with('/')) return path_complaint(text);
    std::string_view name = text.starts_with(credential) ? text.substr(credential.size()) : std::string_view();
    bool plain =
        !name.empty() && name.size() <= 255 && name != "." && name != ".." &&
        std::ranges::all_of(name, [](char letter) {
            return is_letter_or_digit(letter) || std::string_view("._-").find(letter) != std::string_view::npos;
        });
    if (plain) return std::nullopt;
    // What stands there instead may be the secret itself: it is not repeated.
    return Complaint{"must be the absolute path of a file with the secret, or credential:NAME",
                     "put the secret into a file with mode 0600"};
}

std::optional<Complaint> api_complaint(std::string_view text) {
    if (https_host(text)) return std::nullopt;
    auto host = text.size() <= 2048 ? url_host(text, "http://") : std::nullopt;
    if (host && (*host == "127.0.0.1" || *host == "localhost" || *host == "::1" || *host == "[::1]"))
        return std::nullopt;
    return must_be("an https:// URL, or an http:// URL of 127.0.0.1, [::1] or localhost", text);
}

std::optional<Complaint> unit_complaint(std::string_view text) {
    bool plain =
        !text.empty() && text.size() <= 255 && text.front() != '-' && std::ranges::all_of(text, [](char letter) {
            return is_letter_or_digit(letter) || std::string_view(":._\\@-").find(letter) != std::string_view::npos;
        });
    if (plain) return std::nullopt;
    return must_be("the name of a systemd unit such as nginx.service", text);
}

std::optional<Complaint> text_complaint(std::string_view text) {
    if (text.empty()) return Complaint{"must not be empty", ""};
    if (has_control(text)) return must_be("a text without control characters", text);
    return std::nullopt;
}

}  // namespace

std::optional<Complaint> complaint(const Row& row, std::string_view text) {
    switch (row.type) {
        case Type::boolean:
            return boolean_complaint(text);
        case Type::integer:
            return integer_complaint(row, text);
        case Type::size:
            return size_complaint(row, text);
        case Type::duration:
            return duration_complaint(row, text);
        case Type::choice:
            return choice_complaint(row, text);
        case Type::path:
            return path_complaint(text);
        case Type::secret_file:
            return secret_file_complaint(text);
        case Type::mode:
            return parse_mode(text) ? std::nullopt : std::optional(must_be("octal permissions such as \"0640\"", text));
        case Type::account:
            return account_complaint(text);
        case Type::account_or_none:
            return text.empty() ? std::nullopt : account_complaint(text);
        case Type::email:
            return email_complaint(text);
        case Type::https_url:
            return https_complaint(text);
        case Type::proxy_url:
            return proxy_complaint(text);
        case Type::listen:
            return listen_complaint(text);
        case Type::endpoint:
            return endpoint_complaint(text);
        case Type::remote_host:
            return remote_host_complaint(text);
        case Type::host:
            return host_complaint(text);
        case Type::name_server:
            return name_server_complaint(text, false);
        case Type::resolver:
            return name_server_complaint(text, true);
        case Type::secret:
            return secret_complaint(text);
        case Type::api_url:
            return api_complaint(text);
        case Type::unit:
            return unit_complaint(text);
        case Type::window:
            if (parse_window(text)) return std::nullopt;
            return must_be("days and a time such as \"Sat 02:00-05:00\" or \"22:00-04:00\"", text);
        case Type::json_template:
            if (auto fault = template_fault(text)) return Complaint{std::move(fault->message), std::move(fault->hint)};
            return std::nullopt;
        default:
            return text_complaint(text);
    }
}

std::optional<bool> parse_boolean(std::string_view text) {
    if (text == "true") return true;
    if (text == "false") return false;
    return std::nullopt;
}

std::optional<std::int64_t> parse_integer(std::string_view text) {
    std::int64_t value = 0;
    auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
    return value;
}

std::optional<std::int64_t> parse_size(std::string_view text) {
    struct Unit {
        std::string_view name;
        std::int64_t octets;
    };
    static constexpr Unit units[] = {{"KiB", 1 << 10}, {"MiB", 1 << 20},  {"GiB", 1 << 30},      {"kB", 1'000},
                                     {"KB", 1'000},    {"MB", 1'000'000}, {"GB", 1'000'000'000}, {"B", 1}};
    for (const Unit& unit : units) {
        if (!text.ends_with(unit.name)) continue;
        std::string_view number = trim(text.substr(0, text.size() - unit.name.size()));
        auto count = is_number(number) ? parse_integer(number) : std::nullopt;
        if (!count || *count > (std::int64_t{1} << 53) / unit.octets) return std::nullopt;
        return *count * unit.octets;
    }
    return std::nullopt;
}

std::optional<mode_t> parse_mode(std::string_view text) {
    if (text.starts_with("0o")) text.remove_prefix(2);
    if (text.size() == 4 && text.front() == '0') text.remove_prefix(1);
    if (text.size() != 3) return std::nullopt;
    mode_t mode = 0;
    auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), mode, 8);
    if (error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
    return mode;
}

bool is_name(std::string_view text) {
    return LineageName::parse(text).has_value();
}

bool is_host(std::string_view text) {
    if (is_ip_address(text)) return true;
    return !text.empty() && text.size() <= 253 && std::ranges::all_of(text, [](char letter) {
        return is_letter_or_digit(letter) || letter == '-' || letter == '.' || letter == '_';
    });
}

bool is_ip_address(std::string_view text) {
    if (text.size() >= INET6_ADDRSTRLEN) return false;
    std::string copy(text);
    in6_addr address{};
    return inet_pton(AF_INET, copy.c_str(), &address) == 1 || inet_pton(AF_INET6, copy.c_str(), &address) == 1;
}

std::optional<HostPort> parse_host_port(std::string_view text) {
    std::size_t colon = text.rfind(':');
    if (colon == std::string_view::npos || colon == 0) return std::nullopt;
    std::string_view host = text.substr(0, colon), digits = text.substr(colon + 1);
    auto port = is_number(digits) && digits.size() <= 5 ? parse_integer(digits) : std::nullopt;
    if (!port || *port > 65535) return std::nullopt;
    if (host.starts_with('[') && host.ends_with(']')) {
        host = host.substr(1, host.size() - 2);
        if (host.find(':') == std::string_view::npos) return std::nullopt;
    } else if (host.find(':') != std::string_view::npos) {
        return std::nullopt;  // an IPv6 address without its brackets
    }
    return HostPort{host, static_cast<std::uint16_t>(*port)};
}

bool is_port_only(std::string_view text) {
    const std::string with_host = fmt::format("h{}", text);
    const auto parts = parse_host_port(with_host);
    return text.starts_with(':') && parts && parts->port != 0;
}

std::optional<HostPort> parse_name_server(std::string_view text) {
    if (is_ip_address(text)) return HostPort{text, 53};
    if (auto parts = parse_host_port(text); parts && parts->port != 0) return parts;
    if (text.empty() || text.find_first_of(":[]") != std::string_view::npos) return std::nullopt;
    return HostPort{text, 53};
}

std::optional<std::string> https_host(std::string_view url) {
    if (url.size() > 2048) return std::nullopt;
    auto host = url_host(url, "https://");
    return host ? std::optional(lower_ascii(*host)) : std::nullopt;
}

}  // namespace certd::config
