// The server's side of JWS: strict reading of a flattened signed request and checking of its signature (RFC 7515, RFC
// 8555 §6.2).
#pragma once

#include "libacme/base/json.hpp"
#include "libacme/crypto/openssl.hpp"

#include <memory>
#include <optional>
#include <string>
#include <string_view>

namespace certd::test {

struct Jws {
    Json header;
    std::string payload;  // decoded
    std::string signing_input;
    Bytes signature;
};

// The reason in words when it is not what RFC 8555 §6.2 demands.
tl::expected<Jws, std::string> parse_jws(std::string_view body);

class JwkPublicKey {
   public:
    static std::optional<JwkPublicKey> parse(const Json& jwk);
    bool verify(const Jws& jws) const;
    const std::string& thumbprint() const { return thumbprint_; }  // RFC 7638
    const Bytes& subject_public_key_info() const { return spki_; }

   private:
    KeyType type_ = KeyType::ecdsa_p256;  // any RSA size counts as rsa_2048
    std::string thumbprint_;
    Bytes spki_;
    std::shared_ptr<EVP_PKEY> key_;
};

}  // namespace certd::test
