// What a target says of other machines: its hosts, how to reach them, and how a version comes to them.
#pragma once

#include "config/checks.hpp"
#include "config/reader.hpp"

#include <optional>
#include <string_view>

namespace certd::config {

// Reads `hosts`, `ssh` and `rollout`.
void read_fleet(const Reader& reader, Target& target);

void check_fleet(const Target& target, std::vector<Finding>& findings);

// "web1", "web1:2222", "192.0.2.7", "2001:db8::7", "[2001:db8::7]:2222"; nothing when it is none of these.
std::optional<RemoteHost> parse_remote_host(std::string_view text);

}  // namespace certd::config
