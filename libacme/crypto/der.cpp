// Writing and reading of DER elements.
#include "libacme/crypto/der.hpp"

#include <algorithm>

namespace certd::der {

namespace {

void append_length(Bytes& out, std::size_t length) {
    if (length < 0x80) {
        out.push_back(static_cast<std::uint8_t>(length));
        return;
    }
    int octets = length > 0xffffff ? 4 : length > 0xffff ? 3 : length > 0xff ? 2 : 1;
    out.push_back(static_cast<std::uint8_t>(0x80 | octets));
    for (int shift = 8 * (octets - 1); shift >= 0; shift -= 8)
        out.push_back(static_cast<std::uint8_t>(length >> shift));
}

void append(Bytes& out, ByteView part) {
    out.insert(out.end(), part.begin(), part.end());
}

}  // namespace

Bytes encode(std::uint8_t tag, ByteView content) {
    return encode(tag, {content});
}

Bytes encode(std::uint8_t tag, std::initializer_list<ByteView> parts) {
    std::size_t length = 0;
    for (ByteView part : parts)
        length += part.size();
    Bytes out;
    out.reserve(length + 6);
    out.push_back(tag);
    append_length(out, length);
    for (ByteView part : parts)
        append(out, part);
    return out;
}

Bytes encode_unsigned(ByteView magnitude) {
    auto first = std::find_if(magnitude.begin(), magnitude.end(), [](std::uint8_t octet) { return octet != 0; });
    ByteView digits(first, magnitude.end());
    static constexpr std::uint8_t zero[] = {0};
    if (digits.empty()) return encode(integer, zero);
    if (digits.front() & 0x80) return encode(integer, {zero, digits});
    return encode(integer, digits);
}

Bytes encode_bits(ByteView octets) {
    static constexpr std::uint8_t no_unused_bits[] = {0};
    return encode(bit_string, {no_unused_bits, octets});
}

std::optional<Element> Reader::next() {
    if (rest_.size() < 2) return std::nullopt;
    std::uint8_t tag = rest_[0];
    if ((tag & 0x1f) == 0x1f) return std::nullopt;
    std::size_t length = rest_[1], header = 2;
    if (length & 0x80) {
        std::size_t octets = length & 0x7f;
        if (octets == 0 || octets > 4 || rest_.size() < 2 + octets || rest_[2] == 0) return std::nullopt;
        length = 0;
        for (; header < 2 + octets; ++header)
            length = length << 8 | rest_[header];
        if (length < 0x80) return std::nullopt;
    }
    if (length > rest_.size() - header) return std::nullopt;
    Element element{tag, rest_.subspan(header, length), rest_.first(header + length)};
    rest_ = rest_.subspan(header + length);
    return element;
}

std::optional<Element> Reader::next(std::uint8_t tag) {
    if (!at(tag)) return std::nullopt;
    return next();
}

std::optional<Element> read_whole(ByteView input, std::uint8_t tag) {
    Reader reader(input);
    auto element = reader.next(tag);
    if (!reader.at_end()) return std::nullopt;
    return element;
}

std::optional<ByteView> read_bits(ByteView content) {
    if (content.empty() || content.front() != 0) return std::nullopt;
    return content.subspan(1);
}

bool is_minimal_integer(ByteView content) {
    if (content.empty()) return false;
    if (content.size() == 1) return true;
    bool sign = content[1] & 0x80;
    return !(content[0] == 0x00 && !sign) && !(content[0] == 0xff && sign);
}

}  // namespace certd::der
