// SHA-256 and cryptographic randomness.
#pragma once

#include "libacme/base/bytes.hpp"

#include <string>

namespace certd {

Bytes sha256(ByteView bytes);
std::string sha256_hex(ByteView bytes);
std::string sha256_hex(std::string_view text);
Bytes random_bytes(std::size_t count);  // from the system's generator; throws Failure(crypto.random)

}  // namespace certd
