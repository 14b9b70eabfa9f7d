// Small text operations, foremost the escaping of text that somebody else wrote.
#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace certd {

// Text from a CA, a hook or a configuration made fit for one line of a terminal or log: C0, DEL, C1, bidi controls,
// line and paragraph separators and invalid UTF-8 become \xNN or \u{NNNN}; cut to `limit` bytes with "…".
std::string escape_untrusted(std::string_view text, std::size_t limit = 1024);

std::string join(std::span<const std::string> parts, std::string_view separator);
std::vector<std::string_view> split(std::string_view text, char separator);
std::string_view trim(std::string_view text);  // spaces, tabs, CR, LF
std::string lower_ascii(std::string_view text);
bool equals_ignoring_case(std::string_view left, std::string_view right);

// The candidate nearest to `word` by edit distance when it is near enough to be a likely slip.
std::optional<std::string_view> did_you_mean(std::string_view word, std::span<const std::string_view> candidates);

}  // namespace certd
