// Signatures as X.509 carries them, over the algorithms that CAs use.
#include "libacme/crypto/openssl.hpp"

#include <openssl/err.h>
#include <openssl/rsa.h>

#include <algorithm>
#include <array>

namespace certd::openssl {

namespace {

// AlgorithmIdentifiers of signatures (RFC 5758 §3.2, RFC 4055 §5).
constexpr std::uint8_t ecdsa_sha256[] = {0x30, 0x0a, 0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x04, 0x03, 0x02};
constexpr std::uint8_t ecdsa_sha384[] = {0x30, 0x0a, 0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x04, 0x03, 0x03};
constexpr std::uint8_t ecdsa_sha512[] = {0x30, 0x0a, 0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x04, 0x03, 0x04};
constexpr std::uint8_t rsa_sha256[] = {0x30, 0x0d, 0x06, 0x09, 0x2a, 0x86, 0x48, 0x86,
                                       0xf7, 0x0d, 0x01, 0x01, 0x0b, 0x05, 0x00};
constexpr std::uint8_t rsa_sha384[] = {0x30, 0x0d, 0x06, 0x09, 0x2a, 0x86, 0x48, 0x86,
                                       0xf7, 0x0d, 0x01, 0x01, 0x0c, 0x05, 0x00};
constexpr std::uint8_t rsa_sha512[] = {0x30, 0x0d, 0x06, 0x09, 0x2a, 0x86, 0x48, 0x86,
                                       0xf7, 0x0d, 0x01, 0x01, 0x0d, 0x05, 0x00};

struct SignatureAlgorithm {
    ByteView identifier;
    bool rsa;
    Hash hash;
};
constexpr std::array signature_algorithms = {
    SignatureAlgorithm{ecdsa_sha256, false, Hash::sha256}, SignatureAlgorithm{ecdsa_sha384, false, Hash::sha384},
    SignatureAlgorithm{ecdsa_sha512, false, Hash::sha512}, SignatureAlgorithm{rsa_sha256, true, Hash::sha256},
    SignatureAlgorithm{rsa_sha384, true, Hash::sha384},    SignatureAlgorithm{rsa_sha512, true, Hash::sha512},
};

// A context for signing or verifying digests made with `hash`.
KeyContextOwner signature_context(EVP_PKEY* key, bool rsa, Hash hash, int (*init)(EVP_PKEY_CTX*)) {
    KeyContextOwner context(EVP_PKEY_CTX_new(key, nullptr));
    bool ready = context && init(context.get()) == 1;
    if (rsa) {
        ready = ready && EVP_PKEY_CTX_set_rsa_padding(context.get(), RSA_PKCS1_PADDING) == 1 &&
                EVP_PKEY_CTX_set_signature_md(context.get(), fetched(hash)) == 1;
    }
    return ready ? std::move(context) : nullptr;
}

const SignatureAlgorithm& signing_algorithm(KeyType type) {
    switch (type) {
        case KeyType::ecdsa_p256:
            return signature_algorithms[0];
        case KeyType::ecdsa_p384:
            return signature_algorithms[1];
        default:
            return signature_algorithms[3];
    }
}

}  // namespace

ByteView signature_algorithm(KeyType type) {
    return signing_algorithm(type).identifier;
}

Bytes sign(const PrivateKey& key, ByteView data) {
    const SignatureAlgorithm& algorithm = signing_algorithm(key.type());
    EVP_PKEY* handle = key.handle().key.get();
    Bytes hashed = digest(algorithm.hash, data);
    KeyContextOwner context = signature_context(handle, algorithm.rsa, algorithm.hash, EVP_PKEY_sign_init);
    Bytes signature(static_cast<std::size_t>(EVP_PKEY_get_size(handle)));
    std::size_t length = signature.size();
    if (!context || EVP_PKEY_sign(context.get(), signature.data(), &length, hashed.data(), hashed.size()) != 1) {
        fail("crypto.key", "Cannot sign", last_error());
    }
    signature.resize(length);
    return signature;
}

Verdict verify(EVP_PKEY* key, ByteView algorithm, ByteView data, ByteView signature) {
    auto known = std::ranges::find_if(signature_algorithms, [&](const SignatureAlgorithm& candidate) {
        return std::ranges::equal(candidate.identifier, algorithm);
    });
    if (known == signature_algorithms.end()) return Verdict::unknown_algorithm;
    if (EVP_PKEY_is_a(key, known->rsa ? "RSA" : "EC") != 1) return Verdict::bad;
    Bytes hashed = digest(known->hash, data);
    KeyContextOwner context = signature_context(key, known->rsa, known->hash, EVP_PKEY_verify_init);
    bool good = context &&
                EVP_PKEY_verify(context.get(), signature.data(), signature.size(), hashed.data(), hashed.size()) == 1;
    ERR_clear_error();
    return good ? Verdict::good : Verdict::bad;
}

}  // namespace certd::openssl
