// What a chain that somebody else shows leads to, and which names its leaf is for. Pure.
#pragma once

#include "libacme/crypto/certificate.hpp"

#include <span>
#include <string_view>

namespace certd {

// Whether `shown`, leaf first and the others in any order (RFC 8446 §4.4.2), leads from its leaf to `top`, by
// certificates that are CAs' and valid at `now`. A leaf that is `top` leads there.
bool leads_to(std::span<const Certificate> shown, const Certificate& top, Time now);

// Whether a certificate with these names is for `server_name`, a host name or an address: a wildcard stands for one
// label (RFC 6125 §6.4.3).
bool is_for_name(std::span<const Identifier> names, std::string_view server_name);

}  // namespace certd
