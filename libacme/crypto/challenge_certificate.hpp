// The certificate that answers a tls-alpn-01 challenge (RFC 8737 §3).
#pragma once

#include "libacme/crypto/certificate.hpp"

#include <string_view>

namespace certd {

// Self-signed, for `name` alone, with the SHA-256 of the key authorization in the critical extension acmeIdentifier.
// Throws Failure(crypto.csr) for a name that cannot be written.
Certificate make_challenge_certificate(const PrivateKey& key, const Identifier& name,
                                       std::string_view key_authorization, Time now);

}  // namespace certd
