// DER (X.690) in the small: enough to write requests and keys and to read certificates without OpenSSL's generic
// coders, which cost ten times the signatures. Strict reader: definite minimal lengths, single-octet tags. No OpenSSL
// here.
#pragma once

#include "libacme/base/bytes.hpp"

#include <initializer_list>
#include <optional>

namespace certd::der {

enum Tag : std::uint8_t {
    boolean = 0x01,
    integer = 0x02,
    bit_string = 0x03,
    octet_string = 0x04,
    object_identifier = 0x06,
    utf8_string = 0x0c,
    utc_time = 0x17,
    generalized_time = 0x18,
    sequence = 0x30,
    set = 0x31
};
constexpr std::uint8_t context(std::uint8_t number) {
    return 0x80 | number;
}  // primitive
constexpr std::uint8_t context_constructed(std::uint8_t number) {
    return context(number) | 0x20;
}

Bytes encode(std::uint8_t tag, ByteView content);
Bytes encode(std::uint8_t tag, std::initializer_list<ByteView> parts);  // content: the parts one after the other
Bytes encode_unsigned(ByteView magnitude);                              // INTEGER, big-endian, any leading zeros
Bytes encode_bits(ByteView octets);                                     // BIT STRING without unused bits

struct Element {
    std::uint8_t tag = 0;
    ByteView content;
    ByteView whole;  // with tag and length
};

// Takes elements off the front of `input`; the views refer into it.
class Reader {
   public:
    explicit Reader(ByteView input) : rest_(input) {}
    bool at_end() const { return rest_.empty(); }
    bool at(std::uint8_t tag) const { return !rest_.empty() && rest_.front() == tag; }
    std::optional<Element> next();                  // nullopt: malformed or at the end
    std::optional<Element> next(std::uint8_t tag);  // and of this tag, else nothing is taken

   private:
    ByteView rest_;
};

// The single element that fills `input`.
std::optional<Element> read_whole(ByteView input, std::uint8_t tag);
// The octets of a BIT STRING's content without unused bits.
std::optional<ByteView> read_bits(ByteView content);
// An INTEGER's content that is non-empty and minimal (X.690 §8.3.2).
bool is_minimal_integer(ByteView content);

}  // namespace certd::der
