// Line index and character checks of a configuration text.
#include "config/source.hpp"

#include <fmt/format.h>

namespace certd::config {

namespace {

constexpr std::string_view byte_order_mark = "\xEF\xBB\xBF";

std::string without_byte_order_mark(std::string text) {
    if (text.starts_with(byte_order_mark)) text.erase(0, byte_order_mark.size());
    return text;
}

// The length of the UTF-8 sequence that `text` begins with; 0 when it is invalid or a C1 control (RFC 3629 §4).
std::size_t sequence_length(std::string_view text) {
    auto octet = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
    auto continues = [&](std::size_t i, unsigned low = 0x80, unsigned high = 0xBF) {
        return i < text.size() && octet(i) >= low && octet(i) <= high;
    };
    unsigned char first = octet(0);
    if (first == 0xC2) return continues(1, 0xA0) ? 2 : 0;  // U+0080 to U+009F are controls
    if (first >= 0xC3 && first <= 0xDF) return continues(1) ? 2 : 0;
    if (first >= 0xE0 && first <= 0xEF) {
        unsigned low = first == 0xE0 ? 0xA0 : 0x80, high = first == 0xED ? 0x9F : 0xBF;
        return continues(1, low, high) && continues(2) ? 3 : 0;
    }
    if (first >= 0xF0 && first <= 0xF4) {
        unsigned low = first == 0xF0 ? 0x90 : 0x80, high = first == 0xF4 ? 0x8F : 0xBF;
        return continues(1, low, high) && continues(2) && continues(3) ? 4 : 0;
    }
    return 0;
}

// The offset of the first octet that has no place in a text, or npos.
std::size_t first_bad_octet(std::string_view text) {
    for (std::size_t i = 0; i < text.size();) {
        unsigned char octet = static_cast<unsigned char>(text[i]);
        if ((octet >= 0x20 && octet < 0x7F) || octet == '\n' || octet == '\t' || octet == '\r') {
            ++i;
        } else if (octet >= 0x80) {
            std::size_t length = sequence_length(text.substr(i));
            if (length == 0) return i;
            i += length;
        } else {
            return i;
        }
    }
    return std::string_view::npos;
}

}  // namespace

Source::Source(std::string name, std::string text)
    : name_(std::make_shared<const std::string>(std::move(name))), text_(without_byte_order_mark(std::move(text))) {
    starts_.push_back(0);
    for (std::size_t i = text_.find('\n'); i != std::string::npos; i = text_.find('\n', i + 1))
        starts_.push_back(i + 1);
}

std::string_view Source::line(std::uint32_t number) const {
    if (number == 0 || number > starts_.size()) return {};
    std::string_view rest = std::string_view(text_).substr(starts_[number - 1]);
    rest = rest.substr(0, rest.find('\n'));
    if (rest.ends_with('\r')) rest.remove_suffix(1);
    return rest;
}

std::optional<Source::Fault> Source::fault() const {
    if (text_.size() > file_size_limit) {
        return Fault{0, 0, fmt::format("The file is larger than {} MiB", file_size_limit >> 20)};
    }
    for (std::uint32_t number = 1; number <= starts_.size(); ++number) {
        std::string_view text = line(number);
        if (text.size() > line_length_limit) {
            return Fault{number, 1, fmt::format("The line is longer than {} KiB", line_length_limit >> 10)};
        }
        if (std::size_t offset = first_bad_octet(text); offset != std::string_view::npos) {
            unsigned octet = static_cast<unsigned char>(text[offset]);
            std::string_view kind = octet < 0x80 ? "A control character" : "An octet that is not UTF-8 text";
            return Fault{number, static_cast<std::uint32_t>(offset + 1), fmt::format("{} (0x{:02X})", kind, octet)};
        }
    }
    return std::nullopt;
}

std::string in_quotes(std::string_view value) {
    constexpr std::size_t limit = 80;
    if (value.size() <= limit) return fmt::format("'{}'", value);
    std::size_t end = limit;
    while (end > 0 && (static_cast<unsigned char>(value[end]) & 0xC0) == 0x80)
        --end;
    return fmt::format("'{}…'", value.substr(0, end));
}

}  // namespace certd::config
