// Keyed digests (RFC 2104), and the comparison that does not tell where two of them differ.
#pragma once

#include "libacme/base/bytes.hpp"

#include <optional>
#include <string_view>

namespace certd {

// Those after sha512 are for peers that know nothing better.
enum class HmacHash { sha256, sha384, sha512, sha224, sha1, md5 };
std::string_view jws_name(HmacHash hash);  // "HS256" (RFC 7518 §3.2); of sha256, sha384 and sha512 only
std::optional<HmacHash> hash_from_jws_name(std::string_view name);

std::size_t size_of(HmacHash hash);                          // octets of a digest
Bytes hmac(HmacHash hash, ByteView key, ByteView data);      // throws Failure(crypto.key)
bool equal_in_constant_time(ByteView left, ByteView right);  // false at once when the lengths differ
void forget(Bytes& secret);                                  // overwritten before it is emptied

}  // namespace certd
