// The texts of scalar values: what each type accepts, and the complaint about what it does not.
#pragma once

#include "config/schema.hpp"
#include "libacme/base/time.hpp"

#include <optional>
#include <string>
#include <string_view>

#include <sys/types.h>

namespace certd::config {

struct Complaint {
    std::string message;  // completes the sentence "timeout …": "must be a duration, not '30'"
    std::string hint;
};

// Nothing when `text` is a value of the row's type and range. For scalar types only.
std::optional<Complaint> complaint(const Row& row, std::string_view text);

std::optional<bool> parse_boolean(std::string_view text);
std::optional<std::int64_t> parse_integer(std::string_view text);
std::optional<std::int64_t> parse_size(
    std::string_view text);                               // octets; a unit is required: B, kB, MB, GB, KiB, MiB, GiB
std::optional<mode_t> parse_mode(std::string_view text);  // "0640", "640", "0o640": always octal, never above 0777
bool is_name(std::string_view text);                      // the grammar of lineage, CA and target names
bool is_ip_address(std::string_view text);
bool is_host(std::string_view text);  // an address, or a name of letters, digits, '-', '.' and '_'
// The parts of "host:port" and "[::1]:port"; nothing when the port or a host is missing.
struct HostPort {
    std::string_view host;
    std::uint16_t port;
};
std::optional<HostPort> parse_host_port(std::string_view text);
bool is_port_only(std::string_view text);  // ":443"
// "HOST", "HOST:PORT", "2001:db8::1", "[2001:db8::1]:5353"; port 53 unless given.
std::optional<HostPort> parse_name_server(std::string_view text);
// Lower-case host of an "https://host[:port]/…" URL without user part, fragment or characters that need escaping.
std::optional<std::string> https_host(std::string_view url);

}  // namespace certd::config
