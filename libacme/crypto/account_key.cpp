// Account keys of other clients, by way of the DER that OpenSSL reads.
#include "libacme/crypto/account_key.hpp"

#include "libacme/base/json.hpp"
#include "libacme/base/text.hpp"
#include "libacme/crypto/der.hpp"
#include "libacme/crypto/pem.hpp"

#include <algorithm>
#include <array>
#include <initializer_list>

namespace certd {

namespace {

constexpr std::size_t text_limit = std::size_t{64} << 10;
constexpr std::array<std::uint8_t, 1> version_0 = {0}, version_1 = {1};
// 1.2.840.10045.3.1.7 and 1.3.132.0.34 (RFC 5480 §2.1.1.1)
constexpr std::array<std::uint8_t, 8> p256 = {0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07};
constexpr std::array<std::uint8_t, 5> p384 = {0x2b, 0x81, 0x04, 0x00, 0x22};

tl::unexpected<Problem> malformed(const std::string& what) {
    return failure("crypto.keyMalformed", "The JWK is no private key: " + what);
}

// The numbers of a JWK, base64url without padding each; nullopt when one is missing.
std::optional<std::vector<Bytes>> numbers(const Json& jwk, std::initializer_list<const char*> members) {
    std::vector<Bytes> result;
    for (const char* member : members) {
        const std::string* text = jwk[member].if_string();
        auto octets = text ? parse_base64url(*text) : std::nullopt;
        if (!octets || octets->empty()) return std::nullopt;
        result.push_back(*std::move(octets));
    }
    return result;
}

Result<PrivateKey> from_der(std::string_view label, Bytes der) {
    std::string pem = pem_block(label, der);
    Result<PrivateKey> key = PrivateKey::from_pem(pem);
    std::ranges::fill(der, std::uint8_t{0});
    std::ranges::fill(pem, '\0');
    return key;
}

// RFC 7518 §6.3.2 to RFC 8017 §A.1.2.
Result<PrivateKey> rsa_key(const Json& jwk) {
    auto parts = numbers(jwk, {"n", "e", "d", "p", "q", "dp", "dq", "qi"});
    if (!parts) return malformed("one of n, e, d, p, q, dp, dq and qi is missing or not base64url");
    Bytes content = der::encode(der::integer, version_0);
    for (const Bytes& part : *parts) {
        Bytes number = der::encode_unsigned(part);
        content.insert(content.end(), number.begin(), number.end());
    }
    return from_der("RSA PRIVATE KEY", der::encode(der::sequence, content));
}

// RFC 7518 §6.2.2 to RFC 5915 §3.
Result<PrivateKey> ec_key(const Json& jwk) {
    std::string curve = jwk.string_or("crv");
    if (curve != "P-256" && curve != "P-384")
        return failure("crypto.keyUnsupported", "The JWK's curve is neither P-256 nor P-384");
    std::size_t width = curve == "P-256" ? 32 : 48;
    auto parts = numbers(jwk, {"d", "x", "y"});
    bool sound = parts && std::ranges::all_of(*parts, [&](const Bytes& part) { return part.size() == width; });
    if (!sound) return malformed("one of d, x and y is missing, not base64url or of another length than the curve's");
    ByteView oid = curve == "P-256" ? ByteView(p256) : ByteView(p384);
    Bytes point = {0x04};
    for (std::size_t i : {1U, 2U})
        point.insert(point.end(), parts->at(i).begin(), parts->at(i).end());
    Bytes version = der::encode(der::integer, version_1), scalar = der::encode(der::octet_string, parts->front());
    Bytes group = der::encode(der::context_constructed(0), der::encode(der::object_identifier, oid));
    Bytes whole = der::encode(der::context_constructed(1), der::encode_bits(point));
    return from_der("EC PRIVATE KEY", der::encode(der::sequence, {version, scalar, group, whole}));
}

}  // namespace

Result<PrivateKey> parse_account_key(std::string_view text) {
    if (text.size() > text_limit) return failure("crypto.keyMalformed", "A key has at most 64 KiB");
    text = trim(text);
    if (!text.starts_with('{')) return PrivateKey::from_pem(std::string(text) + "\n");
    Result<Json> jwk = parse_json(text);
    if (!jwk) return malformed("it is not JSON");
    std::string type = jwk->string_or("kty");
    if (type == "RSA") return rsa_key(*jwk);
    if (type == "EC") return ec_key(*jwk);
    return failure("crypto.keyUnsupported", "The JWK is neither of type EC nor RSA");
}

}  // namespace certd
