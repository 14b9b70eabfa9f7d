// SHA-256 against FIPS 180-4 vectors; randomness is not repeated.
#include "libacme/crypto/digest.hpp"

#include "tests/support/catch.hpp"

using namespace certd;

TEST_CASE("SHA-256 gives the published digests") {
    CHECK(sha256_hex(std::string_view("")) == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
    CHECK(sha256_hex(std::string_view("abc")) == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    CHECK(sha256(as_bytes("abc")).size() == 32);
    CHECK(sha1_hex(as_bytes("abc")) == "a9993e364706816aba3e25717850c26c9cd0d89d");
}

TEST_CASE("random octets have the length asked for and differ") {
    CHECK(random_bytes(0).empty());
    CHECK(random_bytes(1000).size() == 1000);
    CHECK(random_bytes(16) != random_bytes(16));
}
