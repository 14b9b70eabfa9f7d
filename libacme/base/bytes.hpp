// Octet strings and their texts: base64url (RFC 4648 §5, never padded), base64 and hex.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace certd {

using Bytes = std::vector<std::uint8_t>;
using ByteView = std::span<const std::uint8_t>;

ByteView as_bytes(std::string_view text);
std::string_view as_text(ByteView bytes);

std::string base64url(ByteView bytes);
std::string base64url(std::string_view text);
// Strict (RFC 8555 §6.1): padding, white space, foreign characters and non-zero trailing bits are refused.
std::optional<Bytes> parse_base64url(std::string_view text);
// Whether `text` is non-empty and made of the base64url alphabet only: the test a nonce or a token must pass.
bool is_base64url(std::string_view text);

std::string base64(ByteView bytes);
std::optional<Bytes> parse_base64(std::string_view text);  // padding required, no white space

std::string hex(ByteView bytes);  // lower case
std::optional<Bytes> parse_hex(std::string_view text);

}  // namespace certd
