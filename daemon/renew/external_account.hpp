// The MAC key of an external account binding, from a file or a systemd credential.
#pragma once

#include "config/model.hpp"
#include "libacme/protocol/signed_request.hpp"

#include <string_view>

namespace certd {

// CAs print it as base64url or base64, padded or not; white space around it does not count. Problem config.secret.
Result<Bytes> parse_mac_key(std::string_view text);

// Reads the key file or credential. Blocking. Problems config.secret and those of read_secret.
Result<acme::ExternalBinding> load_binding(const config::ExternalAccount& account);

}  // namespace certd
