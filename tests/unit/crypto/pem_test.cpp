// PEM blocks: what is written is read, and nothing else (RFC 7468, RFC 8555 §11.4).
#include "libacme/crypto/pem.hpp"

#include "tests/support/catch.hpp"

using namespace certd;

TEST_CASE("a block of any size survives writing and reading, with LF and with CRLF") {
    for (std::size_t size : {1u, 47u, 48u, 49u, 96u, 1000u}) {
        Bytes content(size, 0xa5);
        std::string text = pem_block("CERTIFICATE", content);
        auto blocks = read_pem_blocks(text, "CERTIFICATE", 1);
        REQUIRE(blocks);
        CHECK(*blocks == std::vector<Bytes>{content});

        std::string windows;
        for (char letter : text)
            windows += letter == '\n' ? std::string("\r\n") : std::string(1, letter);
        CHECK(read_pem_blocks(windows, "CERTIFICATE", 1).value() == *blocks);
    }
}

TEST_CASE("lines are 64 characters long and the last one ends with a line feed") {
    CHECK(pem_block("X", Bytes(49, 0)) == "-----BEGIN X-----\n" + std::string(64, 'A') + "\nAA==\n-----END X-----\n");
}

TEST_CASE("an error names the line") {
    auto blocks = read_pem_blocks("\nhello\n", "CERTIFICATE", 1);
    REQUIRE_FALSE(blocks);
    CHECK(blocks.error() == "line 2: only blocks labelled CERTIFICATE may be here");
}
