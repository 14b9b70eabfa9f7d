// Public keys from their DER (RFC 5280 §4.1.2.7) and the curves behind them.
#include "libacme/crypto/der.hpp"
#include "libacme/crypto/openssl.hpp"

#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/param_build.h>

#include <algorithm>

namespace certd::openssl {

namespace {

using ParamBuilderOwner = std::unique_ptr<OSSL_PARAM_BLD, Deleter<OSSL_PARAM_BLD_free>>;
using ParamsOwner = std::unique_ptr<OSSL_PARAM, Deleter<OSSL_PARAM_free>>;

// AlgorithmIdentifiers (RFC 5480 §2.1.1, RFC 3279 §2.3.1) of the public keys with a short cut.
constexpr std::uint8_t p256_key[] = {0x30, 0x13, 0x06, 0x07, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01,
                                     0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07};
constexpr std::uint8_t p384_key[] = {0x30, 0x10, 0x06, 0x07, 0x2a, 0x86, 0x48, 0xce, 0x3d,
                                     0x02, 0x01, 0x06, 0x05, 0x2b, 0x81, 0x04, 0x00, 0x22};
constexpr std::uint8_t rsa_key[] = {0x30, 0x0d, 0x06, 0x09, 0x2a, 0x86, 0x48, 0x86,
                                    0xf7, 0x0d, 0x01, 0x01, 0x01, 0x05, 0x00};

KeyOwner read_ec_key(KeyType curve, ByteView point) {
    KeyOwner key(EVP_PKEY_new());
    // The point is checked to lie on the curve.
    if (!key || EVP_PKEY_copy_parameters(key.get(), curve_parameters(curve)) != 1 ||
        EVP_PKEY_set1_encoded_public_key(key.get(), point.data(), point.size()) != 1) {
        return nullptr;
    }
    return key;
}

KeyOwner read_rsa_key(ByteView encoded) {
    auto sequence = der::read_whole(encoded, der::sequence);
    if (!sequence) return nullptr;
    der::Reader reader(sequence->content);
    auto modulus = reader.next(der::integer), exponent = reader.next(der::integer);
    if (!modulus || !exponent || !reader.at_end()) return nullptr;

    auto number = [](ByteView content) {
        return BignumOwner(BN_bin2bn(content.data(), static_cast<int>(content.size()), nullptr));
    };
    BignumOwner n = number(modulus->content), e = number(exponent->content);
    ParamBuilderOwner builder(OSSL_PARAM_BLD_new());
    if (OSSL_PARAM_BLD_push_BN(builder.get(), OSSL_PKEY_PARAM_RSA_N, n.get()) != 1 ||
        OSSL_PARAM_BLD_push_BN(builder.get(), OSSL_PKEY_PARAM_RSA_E, e.get()) != 1) {
        return nullptr;
    }
    ParamsOwner params(OSSL_PARAM_BLD_to_param(builder.get()));
    KeyContextOwner context(EVP_PKEY_CTX_new_from_name(nullptr, "RSA", nullptr));
    EVP_PKEY* key = nullptr;
    if (EVP_PKEY_fromdata_init(context.get()) != 1 ||
        EVP_PKEY_fromdata(context.get(), &key, EVP_PKEY_PUBLIC_KEY, params.get()) != 1) {
        return nullptr;
    }
    return KeyOwner(key);
}

KeyOwner make_curve_parameters(const char* group) {
    char* name = const_cast<char*>(group);  // OSSL_PARAM has no const form
    OSSL_PARAM params[] = {OSSL_PARAM_construct_utf8_string(OSSL_PKEY_PARAM_GROUP_NAME, name, 0),
                           OSSL_PARAM_construct_end()};
    KeyContextOwner context(EVP_PKEY_CTX_new_from_name(nullptr, "EC", nullptr));
    EVP_PKEY* key = nullptr;
    if (EVP_PKEY_fromdata_init(context.get()) != 1 ||
        EVP_PKEY_fromdata(context.get(), &key, EVP_PKEY_KEY_PARAMETERS, params) != 1) {
        fail("crypto.key", "Cannot set up an elliptic curve", last_error());
    }
    return KeyOwner(key);
}

}  // namespace

EVP_PKEY* curve_parameters(KeyType type) {
    static const KeyOwner p256 = make_curve_parameters("P-256");
    static const KeyOwner p384 = make_curve_parameters("P-384");
    return type == KeyType::ecdsa_p384 ? p384.get() : p256.get();
}

KeyOwner read_public_key(ByteView subject_public_key_info) {
    auto info = der::read_whole(subject_public_key_info, der::sequence);
    if (!info) return nullptr;
    der::Reader reader(info->content);
    auto algorithm = reader.next(der::sequence);
    auto bits = reader.next(der::bit_string);
    auto octets = bits ? der::read_bits(bits->content) : std::nullopt;
    if (!algorithm || !octets || !reader.at_end()) return nullptr;

    KeyOwner key;
    if (std::ranges::equal(algorithm->whole, p256_key)) {
        key = read_ec_key(KeyType::ecdsa_p256, *octets);
    } else if (std::ranges::equal(algorithm->whole, p384_key)) {
        key = read_ec_key(KeyType::ecdsa_p384, *octets);
    } else if (std::ranges::equal(algorithm->whole, rsa_key)) {
        key = read_rsa_key(*octets);
    } else {
        const std::uint8_t* at = subject_public_key_info.data();
        key.reset(d2i_PUBKEY(nullptr, &at, static_cast<long>(subject_public_key_info.size())));
    }
    if (!key) ERR_clear_error();
    return key;
}

ByteView key_algorithm(KeyType type) {
    switch (type) {
        case KeyType::ecdsa_p256:
            return p256_key;
        case KeyType::ecdsa_p384:
            return p384_key;
        default:
            return rsa_key;
    }
}

}  // namespace certd::openssl
