// ECDSA private keys from their DER (RFC 5958 around RFC 5915), past OpenSSL's generic decoders.
#include "libacme/crypto/der.hpp"
#include "libacme/crypto/openssl.hpp"

#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/param_build.h>

#include <algorithm>
#include <array>

namespace certd::openssl {

namespace {

using ParamBuilderOwner = std::unique_ptr<OSSL_PARAM_BLD, Deleter<OSSL_PARAM_BLD_free>>;
using ParamsOwner = std::unique_ptr<OSSL_PARAM, Deleter<OSSL_PARAM_free>>;

constexpr std::array<std::uint8_t, 1> version_0 = {0}, version_1 = {1};

struct EcParts {
    KeyType type;
    ByteView scalar, point;
};

std::optional<KeyType> curve_of(ByteView algorithm) {
    for (KeyType type : {KeyType::ecdsa_p256, KeyType::ecdsa_p384}) {
        if (std::ranges::equal(algorithm, key_algorithm(type))) return type;
    }
    return std::nullopt;
}

bool is_version(const std::optional<der::Element>& element, ByteView version) {
    return element && std::ranges::equal(element->content, version);
}

// ECPrivateKey with its public part and without parameters, which stand in the algorithm already.
std::optional<EcParts> read_ec_parts(KeyType type, ByteView encoded) {
    auto sequence = der::read_whole(encoded, der::sequence);
    if (!sequence) return std::nullopt;
    der::Reader reader(sequence->content);
    auto version = reader.next(der::integer);
    auto scalar = reader.next(der::octet_string);
    auto wrapped = reader.next(der::context_constructed(1));
    if (!is_version(version, version_1) || !scalar || !wrapped || !reader.at_end()) return std::nullopt;
    auto bits = der::read_whole(wrapped->content, der::bit_string);
    auto point = bits ? der::read_bits(bits->content) : std::nullopt;
    if (!point) return std::nullopt;
    return EcParts{type, scalar->content, *point};
}

std::optional<EcParts> read_pkcs8(ByteView encoded) {
    auto info = der::read_whole(encoded, der::sequence);
    if (!info) return std::nullopt;
    der::Reader reader(info->content);
    auto version = reader.next(der::integer);
    auto algorithm = reader.next(der::sequence);
    auto inner = reader.next(der::octet_string);
    if (!is_version(version, version_0) || !algorithm || !inner || !reader.at_end()) return std::nullopt;
    std::optional<KeyType> type = curve_of(algorithm->whole);
    return type ? read_ec_parts(*type, inner->content) : std::nullopt;
}

}  // namespace

KeyOwner read_ec_private_key(ByteView pkcs8) {
    std::optional<EcParts> parts = read_pkcs8(pkcs8);
    if (!parts) return nullptr;
    BignumOwner scalar(BN_secure_new());
    if (!scalar || !BN_bin2bn(parts->scalar.data(), static_cast<int>(parts->scalar.size()), scalar.get()))
        return nullptr;
    ParamBuilderOwner builder(OSSL_PARAM_BLD_new());
    const char* group = parts->type == KeyType::ecdsa_p384 ? "P-384" : "P-256";
    if (OSSL_PARAM_BLD_push_utf8_string(builder.get(), OSSL_PKEY_PARAM_GROUP_NAME, group, 0) != 1 ||
        OSSL_PARAM_BLD_push_BN(builder.get(), OSSL_PKEY_PARAM_PRIV_KEY, scalar.get()) != 1 ||
        OSSL_PARAM_BLD_push_octet_string(builder.get(), OSSL_PKEY_PARAM_PUB_KEY, parts->point.data(),
                                         parts->point.size()) != 1) {
        return nullptr;
    }
    ParamsOwner params(OSSL_PARAM_BLD_to_param(builder.get()));
    KeyContextOwner context(EVP_PKEY_CTX_new_from_name(nullptr, "EC", nullptr));
    EVP_PKEY* key = nullptr;
    if (EVP_PKEY_fromdata_init(context.get()) != 1 ||
        EVP_PKEY_fromdata(context.get(), &key, EVP_PKEY_KEYPAIR, params.get()) != 1) {
        ERR_clear_error();
        return nullptr;
    }
    return KeyOwner(key);
}

}  // namespace certd::openssl
