// Digests and cryptographic randomness.
#pragma once

#include "libacme/base/bytes.hpp"

#include <string>

namespace certd {

Bytes sha256(ByteView bytes);
std::string sha256_hex(ByteView bytes);
std::string sha256_hex(std::string_view text);
// What other programs show of a certificate to tell it from others. Nothing may rest on it.
std::string sha1_hex(ByteView bytes);
Bytes random_bytes(std::size_t count);  // from the system's generator; throws Failure(crypto.random)

}  // namespace certd
