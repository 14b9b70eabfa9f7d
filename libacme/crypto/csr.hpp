// Certificate signing requests (RFC 2986) for ACME finalize (RFC 8555 §7.4).
#pragma once

#include "libacme/base/bytes.hpp"
#include "libacme/base/ids.hpp"
#include "libacme/crypto/key.hpp"

#include <span>

namespace certd {

// DER of a request whose SAN is exactly `names`, with an empty subject (names above 64 bytes would not fit a CN).
// Throws Failure(crypto.csr).
Bytes make_csr(const PrivateKey& key, std::span<const Identifier> names);

}  // namespace certd
