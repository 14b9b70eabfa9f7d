// Textual encoding of keys and certificates (RFC 7468).
#pragma once

#include "libacme/base/bytes.hpp"
#include "libacme/base/problem.hpp"

#include <string>
#include <string_view>
#include <vector>

namespace certd {

// One block: 64 characters per line, final newline.
std::string pem_block(std::string_view label, ByteView der);

// The blocks of a text that holds nothing but blocks labelled `label` and empty lines; at most `limit` of them.
// The error says what is wrong and where. One pass, linear in the size of `text` (faults S7).
tl::expected<std::vector<Bytes>, std::string> read_pem_blocks(std::string_view text, std::string_view label,
                                                              std::size_t limit);

}  // namespace certd
