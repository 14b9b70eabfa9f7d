// Certificate signing requests (RFC 2986) for ACME finalize (RFC 8555 §7.4).
#pragma once

#include "libacme/base/bytes.hpp"
#include "libacme/base/ids.hpp"
#include "libacme/crypto/key.hpp"

#include <span>
#include <string_view>
#include <vector>

namespace certd {

// DER of a request whose SAN is exactly `names`, with an empty subject (names above 64 bytes would not fit a CN).
// Throws Failure(crypto.csr).
Bytes make_csr(const PrivateKey& key, std::span<const Identifier> names);

// A request that somebody else made.
struct ForeignRequest {
    Bytes der;
    std::vector<Identifier> names;  // of the subject alternative name, sorted, each once
    KeyType key_type = KeyType::ecdsa_p256;
    Bytes public_key_der;  // SubjectPublicKeyInfo
};

// From PEM ("CERTIFICATE REQUEST" or "NEW CERTIFICATE REQUEST", with any text around it) or DER, at most 64 KiB.
// Problems crypto.csrMalformed (also for a signature that is not its key's, names that are none, or a common name that
// is not among them) and crypto.csrKey for a key that certd would not make.
Result<ForeignRequest> read_foreign_request(std::string_view content);

}  // namespace certd
