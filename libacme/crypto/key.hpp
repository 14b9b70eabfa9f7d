// Private keys for accounts and certificates, and the JWS/JWK forms made from them (RFC 7515, 7517, 7518, 7638).
#pragma once

#include "libacme/base/bytes.hpp"
#include "libacme/base/problem.hpp"

#include <memory>
#include <optional>
#include <string>
#include <string_view>

namespace certd {

enum class KeyType { ecdsa_p256, ecdsa_p384, rsa_2048, rsa_3072, rsa_4096 };
std::string_view to_string(KeyType type);  // "ecdsa-p256", as in the configuration
std::optional<KeyType> key_type_from(std::string_view text);

class PrivateKey {
   public:
    // RSA takes up to seconds: call through offload. Throws Failure(crypto.key).
    static PrivateKey generate(KeyType type);
    // PKCS#8, SEC 1 or PKCS#1, unencrypted; at most 64 KiB. Problems crypto.keyMalformed, crypto.keyUnsupported.
    static Result<PrivateKey> from_pem(std::string_view pem);

    PrivateKey(PrivateKey&&) noexcept;
    PrivateKey& operator=(PrivateKey&&) noexcept;
    ~PrivateKey();

    KeyType type() const;
    std::string pem() const;                   // PKCS#8
    const Bytes& public_key_der() const;       // SubjectPublicKeyInfo
    std::string algorithm() const;             // JWS "alg": ES256, ES384, RS256
    const std::string& jwk() const;            // required members only, lexicographic, no white space (RFC 7638 §3)
    std::string thumbprint() const;            // base64url(SHA-256(jwk()))
    Bytes sign(std::string_view input) const;  // JWS signature octets: r‖s of fixed width for ECDSA (RFC 7518 §3.4)

    // OpenSSL's handle (EVP_PKEY*), for the TLS and X.509 code of this library only.
    struct Handle;
    const Handle& handle() const { return *handle_; }
    explicit PrivateKey(std::unique_ptr<Handle> handle);

   private:
    std::unique_ptr<Handle> handle_;
};

}  // namespace certd
