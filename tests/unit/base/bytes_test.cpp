#include "libacme/base/bytes.hpp"
#include "tests/support/catch.hpp"

#include <random>

using namespace certd;

TEST_CASE("base64url follows the vectors of RFC 4648 without padding") {
    CHECK(base64url(std::string_view("")) == "");
    CHECK(base64url(std::string_view("f")) == "Zg");
    CHECK(base64url(std::string_view("fo")) == "Zm8");
    CHECK(base64url(std::string_view("foobar")) == "Zm9vYmFy");
    CHECK(base64url(ByteView(Bytes{0xfb, 0xff})) == "-_8");
    CHECK(base64(as_bytes("fo")) == "Zm8=");
}

TEST_CASE("base64url refuses padding, foreign characters and stray bits") {
    for (const char* text : {"Zg==", "Zg=", "Z g", "Zm9v\n", "+/", "A", "Zh", "Zm9", "Zm9vYmF\xc3"}) {
        CAPTURE(text);
        CHECK_FALSE(parse_base64url(text));
    }
    CHECK(parse_base64url("Zm8") == Bytes{'f', 'o'});
    CHECK(is_base64url("aZ0-_"));
    for (const char* text : {"", "a=", "a/b", "../x", "a b"})
        CHECK_FALSE(is_base64url(text));
}

TEST_CASE("every octet string survives base64url, base64 and hex") {
    std::mt19937 engine(1);
    for (std::size_t size = 0; size < 70; ++size) {
        Bytes bytes(size);
        for (auto& byte : bytes)
            byte = static_cast<std::uint8_t>(engine());
        CHECK(parse_base64url(base64url(ByteView(bytes))) == bytes);
        CHECK(parse_base64(base64(bytes)) == bytes);
        CHECK(parse_hex(hex(bytes)) == bytes);
    }
    CHECK_FALSE(parse_hex("0"));
    CHECK_FALSE(parse_hex("0g"));
    CHECK(parse_hex("00aF") == Bytes{0, 0xaf});
}
