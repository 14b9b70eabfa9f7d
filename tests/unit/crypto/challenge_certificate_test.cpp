// What answers tls-alpn-01 (RFC 8737 §3), and the keyed digests of external account bindings.
#include "libacme/crypto/challenge_certificate.hpp"

#include "libacme/crypto/certificate_fields.hpp"
#include "libacme/crypto/digest.hpp"
#include "libacme/crypto/extensions.hpp"
#include "libacme/crypto/hmac.hpp"
#include "libacme/crypto/openssl.hpp"
#include "tests/support/catch.hpp"

using namespace certd;

namespace {

const Time now = *parse_rfc3339("2026-11-23T12:00:00Z");

Certificate answer_for(const Identifier& name) {
    PrivateKey key = PrivateKey::generate(KeyType::ecdsa_p256);
    return make_challenge_certificate(key, name, "token.thumbprint", now);
}

// OpenSSL's reading of an extension, as a second opinion: whether it is critical, and its value.
struct Seen {
    int critical = -1;
    Bytes value;
};
Seen extension(const Certificate& certificate, const char* oid) {
    auto parsed = openssl::to_x509(certificate);
    std::unique_ptr<ASN1_OBJECT, openssl::Deleter<ASN1_OBJECT_free>> object(OBJ_txt2obj(oid, 1));
    int index = X509_get_ext_by_OBJ(parsed.get(), object.get(), -1);
    if (index < 0) return {};
    X509_EXTENSION* found = X509_get_ext(parsed.get(), index);
    const ASN1_OCTET_STRING* data = X509_EXTENSION_get_data(found);
    const unsigned char* octets = ASN1_STRING_get0_data(data);
    return {X509_EXTENSION_get_critical(found), Bytes(octets, octets + ASN1_STRING_length(data))};
}

}  // namespace

TEST_CASE("a challenge's certificate has one SAN and the critical digest of the key authorization") {
    Identifier name =
        GENERATE(Identifier{Identifier::Type::dns, "www.example.com"}, Identifier{Identifier::Type::ip, "192.0.2.1"},
                 Identifier{Identifier::Type::ip, "2001:db8::1"});
    Certificate certificate = answer_for(name);
    CHECK(certificate.names() == std::vector<Identifier>{name});
    CHECK(certificate.issued_by(certificate));
    CHECK(certificate.not_before() < now);
    CHECK(certificate.not_after() > now);

    Seen digest = extension(certificate, "1.3.6.1.5.5.7.1.31");
    CHECK(digest.critical == 1);
    Bytes expected = sha256(as_bytes("token.thumbprint"));
    expected.insert(expected.begin(), {0x04, 0x20});
    CHECK(digest.value == expected);
}

TEST_CASE("an ordinary certificate has no such extension") {
    PrivateKey key = PrivateKey::generate(KeyType::ecdsa_p256);
    Identifier name{Identifier::Type::dns, "www.example.com"};
    CHECK(extension(make_self_signed(key, std::span(&name, 1), now, now + days(1)), "1.3.6.1.5.5.7.1.31").critical ==
          -1);
}

TEST_CASE("keyed digests are those of RFC 4231") {
    Bytes key{'J', 'e', 'f', 'e'};
    ByteView data = as_bytes("what do ya want for nothing?");
    CHECK(hex(hmac(HmacHash::sha256, key, data)) == "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
    CHECK(hex(hmac(HmacHash::sha384, key, data)) ==
          "af45d2e376484031617f78d2b58a6b1b9c7ef464f5a01b47e42ec3736322445e8e2240ca5e69e2c78b3239ecfab21649");
    CHECK(hex(hmac(HmacHash::sha512, key, data)) ==
          "164b7a7bfcf819e2e395fbe73b56e0a387bd64222e831fd610270cd7ea250554"
          "9758bf75c05a994a6d034f65f8f0e6fdcaeab1a34d4a6b4b636e070a38bce737");
    for (HmacHash algorithm : {HmacHash::sha256, HmacHash::sha384, HmacHash::sha512})
        CHECK(hash_from_jws_name(jws_name(algorithm)) == algorithm);
    CHECK_FALSE(hash_from_jws_name("none"));
}
