// Escaping of foreign text, and plain string operations.
#include "libacme/base/text.hpp"

#include <algorithm>
#include <numeric>
#include <utility>

#include <fmt/format.h>

namespace certd {

namespace {

// One UTF-8 sequence: its code point and length, or length 0 for an invalid octet (overlong forms and surrogates
// included).
struct CodePoint {
    char32_t value = 0;
    std::size_t length = 0;
};

CodePoint decode_utf8(std::string_view text) {
    auto octet = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
    unsigned char first = octet(0);
    if (first < 0x80) return {first, 1};
    std::size_t length = first >= 0xF0 && first <= 0xF4 ? 4 : first >= 0xE0 ? 3 : first >= 0xC2 ? 2 : 0;
    if (length == 0 || first > 0xF4 || text.size() < length) return {};
    char32_t value = first & (0xFF >> (length + 1));
    for (std::size_t i = 1; i < length; ++i) {
        if ((octet(i) & 0xC0) != 0x80) return {};
        value = (value << 6) | (octet(i) & 0x3F);
    }
    bool overlong = (length == 3 && value < 0x800) || (length == 4 && value < 0x10000);
    if (overlong || value > 0x10FFFF || (value >= 0xD800 && value <= 0xDFFF)) return {};
    return {value, length};
}

bool is_dangerous(char32_t value) {
    if (value < 0x20 || (value >= 0x7F && value <= 0x9F)) return true;  // C0, DEL, C1
    if (value >= 0x200B && value <= 0x200F) return true;                // zero width, LRM, RLM
    if (value >= 0x2028 && value <= 0x202E) return true;                // separators, bidi embeddings and overrides
    if (value >= 0x2060 && value <= 0x206F) return true;                // invisible operators, bidi isolates
    if (value == 0x061C || value == 0xFEFF || value == 0x00AD) return true;  // ALM, BOM, soft hyphen
    if (value >= 0xFFF9 && value <= 0xFFFB) return true;                     // interlinear annotation
    return value >= 0xE0000 && value <= 0xE007F;                             // tags
}

// How many slips make one word from the other: a character too many, missing, wrong, or two neighbours exchanged
// (optimal string alignment).
std::size_t slips(std::string_view word, std::string_view other) {
    std::vector<std::size_t> before(other.size() + 1), last(other.size() + 1), row(other.size() + 1);
    std::iota(row.begin(), row.end(), std::size_t{0});
    for (std::size_t i = 0; i < word.size(); ++i) {
        before = std::exchange(last, row);
        row[0] = i + 1;
        for (std::size_t j = 0; j < other.size(); ++j) {
            row[j + 1] = std::min({row[j] + 1, last[j + 1] + 1, last[j] + (word[i] == other[j] ? 0 : 1)});
            bool exchanged = i > 0 && j > 0 && word[i] == other[j - 1] && word[i - 1] == other[j];
            if (exchanged) row[j + 1] = std::min(row[j + 1], before[j - 1] + 1);
        }
    }
    return row.back();
}

}  // namespace

std::string escape_untrusted(std::string_view text, std::size_t limit) {
    constexpr std::string_view ellipsis = "…";
    std::string result;
    result.reserve(std::min(text.size(), limit));
    std::size_t cut = 0;  // the longest prefix that leaves room for the ellipsis
    while (!text.empty()) {
        CodePoint point = decode_utf8(text);
        std::string piece;
        if (point.length == 0) {
            piece = fmt::format("\\x{:02X}", static_cast<unsigned char>(text[0]));
            point.length = 1;
        } else if (point.value == '\n') {
            piece = "\\n";
        } else if (point.value == '\t') {
            piece = " ";
        } else if (is_dangerous(point.value)) {
            piece = point.value < 0x80 ? fmt::format("\\x{:02X}", static_cast<unsigned>(point.value))
                                       : fmt::format("\\u{{{:04X}}}", static_cast<unsigned>(point.value));
        } else {
            piece = text.substr(0, point.length);
        }
        if (result.size() + ellipsis.size() <= limit) cut = result.size();
        if (result.size() + piece.size() > limit) {
            result.resize(cut);
            return limit >= ellipsis.size() ? result.append(ellipsis) : result;
        }
        result += piece;
        text.remove_prefix(point.length);
    }
    return result;
}

std::string join(std::span<const std::string> parts, std::string_view separator) {
    std::string result;
    for (const std::string& part : parts) {
        if (&part != parts.data()) result += separator;
        result += part;
    }
    return result;
}

std::vector<std::string_view> split(std::string_view text, char separator) {
    std::vector<std::string_view> parts;
    for (;;) {
        std::size_t end = text.find(separator);
        parts.push_back(text.substr(0, end));
        if (end == std::string_view::npos) return parts;
        text.remove_prefix(end + 1);
    }
}

std::string_view trim(std::string_view text) {
    constexpr std::string_view blank = " \t\r\n";
    std::size_t begin = text.find_first_not_of(blank);
    if (begin == std::string_view::npos) return {};
    return text.substr(begin, text.find_last_not_of(blank) - begin + 1);
}

std::string lower_ascii(std::string_view text) {
    std::string result(text);
    for (char& letter : result) {
        if (letter >= 'A' && letter <= 'Z') letter = static_cast<char>(letter - 'A' + 'a');
    }
    return result;
}

bool equals_ignoring_case(std::string_view left, std::string_view right) {
    auto lower = [](char letter) { return letter >= 'A' && letter <= 'Z' ? static_cast<char>(letter + 32) : letter; };
    return std::ranges::equal(left, right, {}, lower, lower);
}

std::optional<std::string_view> did_you_mean(std::string_view word, std::span<const std::string_view> candidates) {
    if (word.size() > 100) return std::nullopt;
    std::optional<std::string_view> best;
    std::size_t limit = std::max<std::size_t>(1, word.size() / 3);
    for (std::string_view candidate : candidates) {
        std::size_t found = slips(word, candidate);
        if (found <= limit) {
            best = candidate;
            if (found == 0) break;
            limit = found - 1;
        }
    }
    return best;
}

}  // namespace certd
