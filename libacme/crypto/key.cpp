// Private keys: making them, their JWK and PEM forms, JWS signatures.
#include "libacme/crypto/key.hpp"

#include "libacme/crypto/der.hpp"
#include "libacme/crypto/digest.hpp"
#include "libacme/crypto/openssl.hpp"
#include "libacme/crypto/pem.hpp"

#include <fmt/format.h>
#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/rsa.h>

#include <array>

namespace certd {

using openssl::BignumOwner;
using openssl::BioOwner;
using openssl::curve_parameters;
using openssl::key_algorithm;
using openssl::KeyContextOwner;
using openssl::KeyOwner;
using openssl::last_error;
using openssl::signature_algorithm;
using openssl::SignatureOwner;
using openssl::Verdict;
using openssl::verify;

namespace {

constexpr std::size_t pem_limit = std::size_t{64} << 10;
constexpr unsigned long public_exponent = 65537;  // the only one CAs take

struct TypeRow {
    KeyType type;
    std::string_view name;
    std::string_view algorithm;  // RFC 7518 §3.1
    std::string_view curve;      // RFC 7518 §6.2.1.1
    std::string_view group;      // OpenSSL's name of the curve
    int bits;
    std::size_t width;  // octets of a coordinate and of r and s; 0 for RSA
};
constexpr std::array types = {
    TypeRow{KeyType::ecdsa_p256, "ecdsa-p256", "ES256", "P-256", "prime256v1", 256, 32},
    TypeRow{KeyType::ecdsa_p384, "ecdsa-p384", "ES384", "P-384", "secp384r1", 384, 48},
    TypeRow{KeyType::rsa_2048, "rsa-2048", "RS256", "", "", 2048, 0},
    TypeRow{KeyType::rsa_3072, "rsa-3072", "RS256", "", "", 3072, 0},
    TypeRow{KeyType::rsa_4096, "rsa-4096", "RS256", "", "", 4096, 0},
};
const TypeRow& row(KeyType type) {
    return types[static_cast<std::size_t>(type)];
}

// Octets that are wiped when they go.
struct Secret {
    Bytes octets;
    ~Secret() { OPENSSL_cleanse(octets.data(), octets.size()); }
};

BignumOwner number(EVP_PKEY* key, const char* name) {
    BIGNUM* value = nullptr;
    if (EVP_PKEY_get_bn_param(key, name, &value) != 1)
        fail("crypto.key", "Cannot read a key's parameters", last_error());
    return BignumOwner(value);
}

Bytes octets(const BIGNUM* value, std::size_t width) {
    Bytes out(width);
    if (BN_bn2binpad(value, out.data(), static_cast<int>(width)) < 0) fail("crypto.key", "A key's number is too long");
    return out;
}

Bytes shortest_octets(const BIGNUM* value) {
    return octets(value, static_cast<std::size_t>(BN_num_bytes(value)));
}

// The public point, uncompressed: 04 ‖ x ‖ y, both padded to the curve's width.
Bytes public_point(EVP_PKEY* key, std::size_t width) {
    Bytes point(1 + 2 * width);
    std::size_t length = 0;
    bool read = EVP_PKEY_get_octet_string_param(key, OSSL_PKEY_PARAM_PUB_KEY, point.data(), point.size(), &length) == 1;
    if (read && length == point.size() && point[0] == 0x04) return point;
    // A key read in compressed form keeps that form.
    Bytes x = octets(number(key, OSSL_PKEY_PARAM_EC_PUB_X).get(), width);
    Bytes y = octets(number(key, OSSL_PKEY_PARAM_EC_PUB_Y).get(), width);
    point = {0x04};
    point.insert(point.end(), x.begin(), x.end());
    point.insert(point.end(), y.begin(), y.end());
    return point;
}

void describe_ec(PrivateKey::Handle& handle, const TypeRow& type) {
    Bytes point = public_point(handle.key.get(), type.width);
    handle.public_key_der = der::encode(der::sequence, {key_algorithm(type.type), der::encode_bits(point)});
    ByteView coordinates = ByteView(point).subspan(1);
    handle.jwk = fmt::format(R"({{"crv":"{}","kty":"EC","x":"{}","y":"{}"}})", type.curve,
                             base64url(coordinates.first(type.width)), base64url(coordinates.subspan(type.width)));
}

void describe_rsa(PrivateKey::Handle& handle) {
    Bytes n = shortest_octets(number(handle.key.get(), OSSL_PKEY_PARAM_RSA_N).get());
    Bytes e = shortest_octets(number(handle.key.get(), OSSL_PKEY_PARAM_RSA_E).get());
    Bytes numbers = der::encode(der::sequence, {der::encode_unsigned(n), der::encode_unsigned(e)});
    handle.public_key_der = der::encode(der::sequence, {key_algorithm(handle.type), der::encode_bits(numbers)});
    handle.jwk = fmt::format(R"({{"e":"{}","kty":"RSA","n":"{}"}})", base64url(e), base64url(n));
}

PrivateKey make(KeyOwner key, KeyType type) {
    auto handle = std::make_unique<PrivateKey::Handle>();
    handle->key = std::move(key);
    handle->type = type;
    if (row(type).width != 0) {
        describe_ec(*handle, row(type));
    } else {
        describe_rsa(*handle);
    }
    return PrivateKey(std::move(handle));
}

// Whether the private part belongs to the public one: a damaged file must not pass as a key.
bool signs_verifiably(const PrivateKey& key) {
    static constexpr std::string_view text = "certd";
    try {
        ByteView data = as_bytes(text);
        Bytes signature = openssl::sign(key, data);
        return verify(key.handle().key.get(), signature_algorithm(key.type()), data, signature) == Verdict::good;
    } catch (const Failure&) {
        return false;
    }
}

// A snapshot of a virtual machine or a fork shares the generator's state (faults S26): the kernel's randomness is mixed
// in for every key.
void freshen_generator() {
    Secret fresh{random_bytes(32)};
    EVP_RAND_CTX* generator = RAND_get0_private(nullptr);
    if (generator == nullptr ||
        EVP_RAND_reseed(generator, 0, nullptr, 0, fresh.octets.data(), fresh.octets.size()) != 1) {
        fail("crypto.random", "Cannot seed the random generator", last_error());
    }
}

KeyContextOwner generation_context(const TypeRow& type) {
    if (type.width != 0) {
        KeyContextOwner context(EVP_PKEY_CTX_new(curve_parameters(type.type), nullptr));
        if (context && EVP_PKEY_keygen_init(context.get()) == 1) return context;
    } else {
        KeyContextOwner context(EVP_PKEY_CTX_new_from_name(nullptr, "RSA", nullptr));
        if (context && EVP_PKEY_keygen_init(context.get()) == 1 &&
            EVP_PKEY_CTX_set_rsa_keygen_bits(context.get(), type.bits) == 1) {
            return context;
        }
    }
    fail("crypto.key", "Cannot prepare the generation of a key", last_error());
}

// PKCS#8 (RFC 5958) around an ECPrivateKey (RFC 5915), as OpenSSL writes it.
std::string ec_pem(EVP_PKEY* key, const TypeRow& type) {
    static constexpr std::uint8_t version_0[] = {der::integer, 1, 0}, version_1[] = {der::integer, 1, 1};
    Secret secret{octets(number(key, OSSL_PKEY_PARAM_PRIV_KEY).get(), type.width)};
    Bytes point = der::encode(der::context_constructed(1), der::encode_bits(public_point(key, type.width)));
    Secret scalar{der::encode(der::octet_string, secret.octets)};
    Secret inner{der::encode(der::sequence, {version_1, scalar.octets, point})};
    Secret wrapped{der::encode(der::octet_string, inner.octets)};
    Secret outer{der::encode(der::sequence, {version_0, key_algorithm(type.type), wrapped.octets})};
    return pem_block("PRIVATE KEY", outer.octets);
}

std::string rsa_pem(EVP_PKEY* key) {
    BioOwner out(BIO_new(BIO_s_secmem()));
    if (!out || PEM_write_bio_PKCS8PrivateKey(out.get(), key, nullptr, nullptr, 0, nullptr, nullptr) != 1) {
        fail("crypto.key", "Cannot write a key as PEM", last_error());
    }
    char* text = nullptr;
    long length = BIO_get_mem_data(out.get(), &text);
    return std::string(text, static_cast<std::size_t>(length));
}

int no_passphrase(char*, int, int, void*) {
    return -1;
}  // OpenSSL would ask on the terminal

KeyOwner read_key(std::string_view pem) {
    if (auto blocks = read_pem_blocks(pem, "PRIVATE KEY", 1); blocks && !blocks->empty()) {
        Secret pkcs8{std::move(blocks->front())};
        if (KeyOwner key = openssl::read_ec_private_key(pkcs8.octets)) return key;
    }
    BioOwner in(BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())));
    return KeyOwner(PEM_read_bio_PrivateKey(in.get(), nullptr, no_passphrase, nullptr));
}

// ECDSA-Sig-Value → r‖s of fixed width (RFC 7518 §3.4).
Bytes fixed_width(ByteView encoded, std::size_t width) {
    const std::uint8_t* at = encoded.data();
    SignatureOwner signature(d2i_ECDSA_SIG(nullptr, &at, static_cast<long>(encoded.size())));
    if (!signature) fail("crypto.key", "Cannot read a signature just made", last_error());
    Bytes out = octets(ECDSA_SIG_get0_r(signature.get()), width);
    Bytes s = octets(ECDSA_SIG_get0_s(signature.get()), width);
    out.insert(out.end(), s.begin(), s.end());
    return out;
}

}  // namespace

std::optional<KeyType> openssl::supported_type(EVP_PKEY* key) {
    if (EVP_PKEY_is_a(key, "EC") == 1) {
        char group[64] = {};
        std::size_t length = 0;
        if (EVP_PKEY_get_group_name(key, group, sizeof group, &length) != 1) return std::nullopt;
        for (const TypeRow& candidate : types) {
            if (candidate.group == std::string_view(group, length)) return candidate.type;
        }
    }
    if (EVP_PKEY_is_a(key, "RSA") == 1 && BN_is_word(number(key, OSSL_PKEY_PARAM_RSA_E).get(), public_exponent) == 1) {
        for (const TypeRow& candidate : types) {
            if (candidate.width == 0 && candidate.bits == EVP_PKEY_get_bits(key)) return candidate.type;
        }
    }
    return std::nullopt;
}

std::string_view to_string(KeyType type) {
    return row(type).name;
}

std::optional<KeyType> key_type_from(std::string_view text) {
    for (const TypeRow& candidate : types) {
        if (candidate.name == text) return candidate.type;
    }
    return std::nullopt;
}

PrivateKey PrivateKey::generate(KeyType type) {
    freshen_generator();
    KeyContextOwner context = generation_context(row(type));
    EVP_PKEY* key = nullptr;
    if (EVP_PKEY_generate(context.get(), &key) != 1) {
        fail("crypto.key", fmt::format("Cannot generate a key of type {}", to_string(type)), last_error());
    }
    return make(KeyOwner(key), type);
}

Result<PrivateKey> PrivateKey::from_pem(std::string_view pem) {
    if (pem.size() > pem_limit) return failure("crypto.keyMalformed", "The private key is larger than 64 KiB");
    if (pem.find("ENCRYPTED") != std::string_view::npos) {
        return failure("crypto.keyUnsupported", "The private key is protected by a passphrase");
    }
    KeyOwner key = read_key(pem);
    if (!key) {
        ERR_clear_error();
        return failure("crypto.keyMalformed", "The text holds no private key in PEM form");
    }
    auto type = openssl::supported_type(key.get());
    if (!type) {
        return failure(
            "crypto.keyUnsupported",
            fmt::format("The private key is not ECDSA P-256 or P-384, nor RSA of 2048, 3072 or 4096 bits with "
                        "exponent {}",
                        public_exponent));
    }
    try {
        PrivateKey read = make(std::move(key), *type);
        if (signs_verifiably(read)) return read;
    } catch (const Failure&) {
        ERR_clear_error();  // e.g. a key without its public part
    }
    return failure("crypto.keyMalformed", "The private key is damaged: its parts do not belong together");
}

PrivateKey::PrivateKey(std::unique_ptr<Handle> handle) : handle_(std::move(handle)) {}
PrivateKey::PrivateKey(PrivateKey&&) noexcept = default;
PrivateKey& PrivateKey::operator=(PrivateKey&&) noexcept = default;
PrivateKey::~PrivateKey() = default;

KeyType PrivateKey::type() const {
    return handle_->type;
}

std::string PrivateKey::pem() const {
    const TypeRow& type = row(handle_->type);
    return type.width != 0 ? ec_pem(handle_->key.get(), type) : rsa_pem(handle_->key.get());
}

const Bytes& PrivateKey::public_key_der() const {
    return handle_->public_key_der;
}

std::string PrivateKey::algorithm() const {
    return std::string(row(handle_->type).algorithm);
}

const std::string& PrivateKey::jwk() const {
    return handle_->jwk;
}

std::string PrivateKey::thumbprint() const {
    return base64url(sha256(as_bytes(handle_->jwk)));
}

Bytes PrivateKey::sign(std::string_view input) const {
    Bytes signature = openssl::sign(*this, as_bytes(input));
    std::size_t width = row(handle_->type).width;
    return width != 0 ? fixed_width(signature, width) : signature;
}

}  // namespace certd
