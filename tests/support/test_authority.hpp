// A certificate authority of the test's own, for servers that a client shall trust, or shall not.
#pragma once

#include "libacme/crypto/certificate.hpp"
#include "tests/support/raw_server.hpp"

#include <filesystem>
#include <string>
#include <vector>

namespace certd::test {

class TestAuthority {
   public:
    explicit TestAuthority(const std::string& common_name = "Test Root");

    struct Validity {
        Time from, to;
    };
    // From an hour ago to a month from now.
    static Validity usual_validity();

    // Key and chain for names and addresses ("localhost", "127.0.0.1").
    TlsIdentity issue(const std::vector<std::string>& names, Validity validity = usual_validity(),
                      KeyType key_type = KeyType::ecdsa_p256) const;
    std::string bundle() const;  // PEM of the root
    std::string write_bundle(const std::filesystem::path& directory) const;

   private:
    PrivateKey key_;
    Certificate certificate_;
};

}  // namespace certd::test
