// PKCS#12 files (RFC 7292): key, certificate and chain under one password, for Java, Windows and appliances.
#pragma once

#include "libacme/base/bytes.hpp"
#include "libacme/crypto/certificate.hpp"

#include <span>
#include <string>
#include <string_view>

namespace certd {

// Encrypted with AES-256 (PBES2, HMAC-SHA-256) and authenticated with HMAC-SHA-256, in place of the RC2, 3DES and SHA-1
// that many tools still write. The same key, chain, name and password give the same octets: whoever compares an
// installed file with what would be installed now must not find a difference where there is none. Takes some
// milliseconds: call through offload. Throws Failure(crypto.key). `chain`: leaf first, at least that.
Bytes make_pkcs12(const PrivateKey& key, std::span<const Certificate> chain, std::string_view friendly_name,
                  const std::string& password);

}  // namespace certd
