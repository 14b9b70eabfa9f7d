// HMAC through OpenSSL's one-shot MAC.
#include "libacme/crypto/hmac.hpp"

#include "libacme/base/names.hpp"
#include "libacme/crypto/openssl.hpp"

#include <array>

#include <openssl/crypto.h>
#include <openssl/evp.h>

namespace certd {

namespace {

const char* name_of(HmacHash hash) {
    switch (hash) {
        case HmacHash::sha256:
            return "SHA256";
        case HmacHash::sha384:
            return "SHA384";
        case HmacHash::sha512:
            return "SHA512";
        case HmacHash::sha224:
            return "SHA224";
        case HmacHash::sha1:
            return "SHA1";
        case HmacHash::md5:
            return "MD5";
    }
    return "";
}

constexpr std::array<std::string_view, 3> jws_names = {"HS256", "HS384", "HS512"};

}  // namespace

std::string_view jws_name(HmacHash hash) {
    return jws_names.at(static_cast<std::size_t>(hash));
}

std::optional<HmacHash> hash_from_jws_name(std::string_view name) {
    return enum_from<HmacHash>(name, jws_names);
}

std::size_t size_of(HmacHash hash) {
    switch (hash) {
        case HmacHash::sha256:
            return 32;
        case HmacHash::sha384:
            return 48;
        case HmacHash::sha512:
            return 64;
        case HmacHash::sha224:
            return 28;
        case HmacHash::sha1:
            return 20;
        case HmacHash::md5:
            return 16;
    }
    return 0;
}

Bytes hmac(HmacHash hash, ByteView key, ByteView data) {
    Bytes digest(size_of(hash));
    std::size_t length = 0;
    const std::uint8_t none = 0;  // OpenSSL wants an address even for an empty key
    const std::uint8_t* key_data = key.empty() ? &none : key.data();
    if (EVP_Q_mac(nullptr, "HMAC", nullptr, name_of(hash), nullptr, key_data, key.size(), data.data(), data.size(),
                  digest.data(), digest.size(), &length) == nullptr ||
        length != digest.size()) {
        fail("crypto.key", "Cannot compute an HMAC", openssl::last_error());
    }
    return digest;
}

bool equal_in_constant_time(ByteView left, ByteView right) {
    return left.size() == right.size() && CRYPTO_memcmp(left.data(), right.data(), left.size()) == 0;
}

void forget(Bytes& secret) {
    OPENSSL_cleanse(secret.data(), secret.size());
    secret.clear();
}

}  // namespace certd
