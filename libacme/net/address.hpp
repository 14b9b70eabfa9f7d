// "host:port" as written in configurations: a name, an IPv4 address or a bracketed IPv6 address, and a port.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

struct sockaddr_storage;

namespace certd {

struct HostPort {
    std::string host;  // without brackets; empty in ":80"
    std::uint16_t port = 0;
    bool operator==(const HostPort&) const = default;
};

// Port 0 is accepted (any free port, for tests); nullopt for everything else that is not of the form.
std::optional<HostPort> parse_host_port(std::string_view text);
std::string to_string(const HostPort& address);  // with brackets around an IPv6 host
bool is_loopback(std::string_view host);         // 127.0.0.1, ::1 or localhost: nobody else reads along

// "127.0.0.1:4711", "[::1]:4711", "unix"; an IPv4 address mapped into IPv6 is written as the IPv4 one.
std::string format_socket_address(const sockaddr_storage& address);

}  // namespace certd
