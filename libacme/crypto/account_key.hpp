// The key of an ACME account as other clients keep it: PEM (lego, acme.sh, dehydrated …) or a JWK (certbot's
// private_key.json).
#pragma once

#include "libacme/crypto/key.hpp"

#include <string_view>

namespace certd {

// Unencrypted PEM, or a JWK with its private part (RFC 7517, RFC 7518 §6) of type EC or RSA; at most 64 KiB. Problems
// crypto.keyMalformed, crypto.keyUnsupported; nothing of the text is in them.
Result<PrivateKey> parse_account_key(std::string_view text);

}  // namespace certd
