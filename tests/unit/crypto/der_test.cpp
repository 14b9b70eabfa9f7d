// The DER reader takes nothing but DER.
#include "libacme/crypto/der.hpp"

#include "tests/support/catch.hpp"

using namespace certd;

namespace {

Bytes from_hex(std::string_view text) {
    return parse_hex(text).value();
}

bool reads(std::string_view text) {
    Bytes input = from_hex(text);
    der::Reader reader(input);
    return reader.next().has_value() && reader.at_end();
}

}  // namespace

TEST_CASE("lengths are written in the shortest form and read back") {
    for (std::size_t size : {0u, 1u, 127u, 128u, 255u, 256u, 65535u, 65536u, 16777216u}) {
        Bytes content(size, 0x5a);
        Bytes encoded = der::encode(der::octet_string, content);
        auto element = der::read_whole(encoded, der::octet_string);
        REQUIRE(element);
        CHECK(element->content.size() == size);
        CHECK(element->whole.size() == encoded.size());
    }
}

TEST_CASE("indefinite, overlong, truncated and multi-octet-tag elements are refused") {
    CHECK(reads("0400"));
    CHECK_FALSE(reads(""));
    CHECK_FALSE(reads("04"));
    CHECK_FALSE(reads("0480"));              // indefinite
    CHECK_FALSE(reads("04810100"));          // one octet would do
    CHECK_FALSE(reads("0482000100"));        // leading zero
    CHECK_FALSE(reads("0402aa"));            // longer than the input
    CHECK_FALSE(reads("0484ffffffff"));      // far longer
    CHECK_FALSE(reads("04850000000001aa"));  // five octets of length
    CHECK_FALSE(reads("1f8100"));            // tag number above 30
}

TEST_CASE("an unsigned INTEGER is minimal and never negative") {
    CHECK(der::encode_unsigned(from_hex("00000001")) == from_hex("020101"));
    CHECK(der::encode_unsigned(from_hex("80")) == from_hex("02020080"));
    CHECK(der::encode_unsigned(Bytes()) == from_hex("020100"));
    CHECK(der::is_minimal_integer(from_hex("0080")));
    CHECK(der::is_minimal_integer(from_hex("ff7f")));
    CHECK_FALSE(der::is_minimal_integer(from_hex("007f")));
    CHECK_FALSE(der::is_minimal_integer(from_hex("ff80")));
    CHECK_FALSE(der::is_minimal_integer(Bytes()));
}

TEST_CASE("a BIT STRING with unused bits is not taken for octets") {
    CHECK(der::read_bits(from_hex("00ab")).has_value());
    CHECK_FALSE(der::read_bits(from_hex("04a0")));
    CHECK_FALSE(der::read_bits(Bytes()));
}
