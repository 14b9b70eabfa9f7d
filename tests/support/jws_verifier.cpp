// JWS verification on the library's own DER and OpenSSL wrappers.
#include "tests/support/jws_verifier.hpp"

#include "libacme/crypto/der.hpp"
#include "libacme/crypto/digest.hpp"

namespace certd::test {

namespace {

using Refusal = tl::unexpected<std::string>;

std::optional<Bytes> member_octets(const Json& object, std::string_view name) {
    const std::string* text = object[name].if_string();
    return text == nullptr ? std::nullopt : parse_base64url(*text);
}

// RFC 7518 §3.4: r and s of fixed width; as OpenSSL wants them.
std::optional<Bytes> ecdsa_der(const Bytes& signature, std::size_t width) {
    if (signature.size() != 2 * width) return std::nullopt;
    ByteView all(signature);
    return der::encode(der::sequence,
                       {der::encode_unsigned(all.first(width)), der::encode_unsigned(all.subspan(width))});
}

Bytes ec_point(const Bytes& x, const Bytes& y) {
    Bytes point{0x04};
    point.insert(point.end(), x.begin(), x.end());
    point.insert(point.end(), y.begin(), y.end());
    return point;
}

Bytes spki(KeyType type, const Bytes& key) {
    return der::encode(der::sequence, {openssl::key_algorithm(type), der::encode_bits(key)});
}

}  // namespace

tl::expected<Jws, std::string> parse_jws(std::string_view body) {
    Result<Json> document = parse_json(body);
    if (!document || !document->is_object()) return Refusal("the body is not a JSON object");
    if (document->if_object()->size() != 3)
        return Refusal("the JWS has members other than protected, payload and signature");
    const std::string* header = (*document)["protected"].if_string();
    const std::string* payload = (*document)["payload"].if_string();
    const std::string* signature = (*document)["signature"].if_string();
    if (header == nullptr || payload == nullptr || signature == nullptr) return Refusal("the JWS is not flattened");
    auto header_octets = parse_base64url(*header);
    auto payload_octets = payload->empty() ? std::optional<Bytes>(Bytes()) : parse_base64url(*payload);
    auto signature_octets = parse_base64url(*signature);
    if (!header_octets || !payload_octets || !signature_octets) return Refusal("a part of the JWS is not base64url");
    Result<Json> parsed = parse_json(as_text(*header_octets));
    if (!parsed || !parsed->is_object()) return Refusal("the protected header is not a JSON object");
    if (!(*parsed)["b64"].is_null() || !(*parsed)["crit"].is_null())
        return Refusal("the payload is not plain base64url");
    return Jws{*std::move(parsed), std::string(as_text(*payload_octets)), *header + "." + *payload,
               *std::move(signature_octets)};
}

std::optional<JwkPublicKey> JwkPublicKey::parse(const Json& jwk) {
    JwkPublicKey key;
    std::string canonical;
    if (jwk.string_or("kty") == "EC") {
        auto x = member_octets(jwk, "x");
        auto y = member_octets(jwk, "y");
        std::string curve = jwk.string_or("crv");
        if (curve != "P-256" && curve != "P-384") return std::nullopt;
        key.type_ = curve == "P-256" ? KeyType::ecdsa_p256 : KeyType::ecdsa_p384;
        std::size_t width = curve == "P-256" ? 32 : 48;
        if (!x || !y || x->size() != width || y->size() != width) return std::nullopt;
        key.spki_ = spki(key.type_, ec_point(*x, *y));
        canonical = R"({"crv":")" + curve + R"(","kty":"EC","x":")" + jwk.string_or("x") + R"(","y":")" +
                    jwk.string_or("y") + "\"}";
    } else if (jwk.string_or("kty") == "RSA") {
        auto n = member_octets(jwk, "n");
        auto e = member_octets(jwk, "e");
        if (!n || !e || n->empty() || n->front() == 0) return std::nullopt;
        key.type_ = KeyType::rsa_2048;
        key.spki_ = spki(key.type_, der::encode(der::sequence, {der::encode_unsigned(*n), der::encode_unsigned(*e)}));
        canonical = R"({"e":")" + jwk.string_or("e") + R"(","kty":"RSA","n":")" + jwk.string_or("n") + "\"}";
    } else {
        return std::nullopt;
    }
    key.key_ = std::shared_ptr<EVP_PKEY>(openssl::read_public_key(key.spki_).release(), EVP_PKEY_free);
    if (!key.key_) return std::nullopt;
    key.thumbprint_ = base64url(ByteView(sha256(as_bytes(canonical))));
    return key;
}

bool JwkPublicKey::verify(const Jws& jws) const {
    std::string algorithm = jws.header.string_or("alg");
    std::string_view expected = type_ == KeyType::ecdsa_p256   ? "ES256"
                                : type_ == KeyType::ecdsa_p384 ? "ES384"
                                                               : "RS256";
    if (algorithm != expected) return false;
    std::optional<Bytes> signature = jws.signature;
    if (type_ != KeyType::rsa_2048) signature = ecdsa_der(jws.signature, type_ == KeyType::ecdsa_p256 ? 32 : 48);
    return signature && openssl::verify(key_.get(), openssl::signature_algorithm(type_), as_bytes(jws.signing_input),
                                        *signature) == openssl::Verdict::good;
}

}  // namespace certd::test
