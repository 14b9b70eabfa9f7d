// Lists of revoked certificates as OpenSSL writes them, good ones and such as no CA should publish.
#pragma once

#include "libacme/crypto/certificate.hpp"

#include <optional>
#include <string>
#include <vector>

namespace certd::test {

struct CrlExtension {
    std::string oid;  // "2.5.29.28"
    bool critical = false;
    Bytes value;
};

struct CrlSpec {
    struct Entry {
        std::string serial;  // Certificate::serial()
        Time since{};
        std::optional<int> reason = std::nullopt;
        std::vector<CrlExtension> extensions = {};
    };
    Time this_update{};
    std::optional<Time> next_update;
    std::vector<Entry> entries = {};
    std::vector<CrlExtension> extensions = {};
};

Bytes make_crl(const Certificate& issuer, const PrivateKey& key, const CrlSpec& spec);

// The value of an issuing distribution point (RFC 5280 §5.2.5) for `url` (empty: for all points), with one more field
// whose tag is context(flag) and whose value is TRUE; 0: none.
Bytes issuing_point(const std::string& url, std::uint8_t flag = 0);

}  // namespace certd::test
