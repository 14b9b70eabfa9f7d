// Internationalised domain names (RFC 5890): A-labels for the protocol, U-labels for people.
#pragma once

#include "libacme/base/ids.hpp"

#include <string>
#include <string_view>

namespace certd {

// As parse_identifier, with labels in any script turned into A-labels (IDNA2008, UTS #46 non-transitional). Problem
// config.name.
Result<Identifier> parse_international_identifier(std::string_view text);

// "xn--bcher-kva.example (bücher.example)"; the name alone when it has no A-label that reads otherwise.
std::string readable_name(const std::string& name);

}  // namespace certd
