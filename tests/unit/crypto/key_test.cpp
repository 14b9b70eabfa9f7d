// Keys: JWK and thumbprint by the book, JWS signatures of fixed width, PEM in every common form, damaged input refused.
#include "libacme/crypto/key.hpp"

#include "libacme/crypto/digest.hpp"
#include "libacme/crypto/openssl.hpp"
#include "tests/support/catch.hpp"

#include <openssl/core_names.h>
#include <openssl/encoder.h>
#include <openssl/pem.h>

#include <set>

using namespace certd;

namespace {

constexpr KeyType ecdsa_types[] = {KeyType::ecdsa_p256, KeyType::ecdsa_p384};

std::string member(const std::string& jwk, const std::string& name) {
    std::size_t start = jwk.find("\"" + name + "\":\"") + name.size() + 4;
    return jwk.substr(start, jwk.find('"', start) - start);
}

// The key in another textual form: "type-specific" is SEC 1 or PKCS#1, "PrivateKeyInfo" PKCS#8.
std::string encoded(const PrivateKey& key, const char* structure, const char* cipher = nullptr) {
    std::unique_ptr<OSSL_ENCODER_CTX, openssl::Deleter<OSSL_ENCODER_CTX_free>> context(
        OSSL_ENCODER_CTX_new_for_pkey(key.handle().key.get(), EVP_PKEY_KEYPAIR, "PEM", structure, nullptr));
    if (cipher != nullptr) {
        OSSL_ENCODER_CTX_set_cipher(context.get(), cipher, nullptr);
        OSSL_ENCODER_CTX_set_passphrase(context.get(), as_bytes("secret").data(), 6);
    }
    openssl::BioOwner out(BIO_new(BIO_s_mem()));
    REQUIRE(OSSL_ENCODER_to_bio(context.get(), out.get()) == 1);
    char* text = nullptr;
    long length = BIO_get_mem_data(out.get(), &text);
    return std::string(text, static_cast<std::size_t>(length));
}

std::string code_of(const Result<PrivateKey>& result) {
    return result ? "none" : result.error().code;
}

// Whether r‖s verifies: turned back into what OpenSSL expects.
bool verifies(const PrivateKey& key, std::string_view input, const Bytes& signature) {
    openssl::SignatureOwner parts(ECDSA_SIG_new());
    int width = static_cast<int>(signature.size() / 2);
    ECDSA_SIG_set0(parts.get(), BN_bin2bn(signature.data(), width, nullptr),
                   BN_bin2bn(signature.data() + width, width, nullptr));
    Bytes der(256);
    std::uint8_t* end = der.data();
    der.resize(static_cast<std::size_t>(i2d_ECDSA_SIG(parts.get(), &end)));
    return openssl::verify(key.handle().key.get(), openssl::signature_algorithm(key.type()), as_bytes(input), der) ==
           openssl::Verdict::good;
}

constexpr std::string_view rfc7515_a3_key =  // the P-256 key of RFC 7515 appendix A.3, as SEC 1
    "-----BEGIN EC PRIVATE KEY-----\n"
    "MHcCAQEEII6bEJ5xkJi/mASH3x9dd+nLKWBuvtImO19XwhPfhPSyoAoGCCqGSM49\n"
    "AwEHoUQDQgAEf83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEXH8UTNG72b\n"
    "focs3+257rn0s2ldbqkLJK2KRiMohYjlrQ==\n"
    "-----END EC PRIVATE KEY-----\n";

}  // namespace

TEST_CASE("every key type has one name, and the name leads back to it") {
    std::set<std::string_view> names;
    for (KeyType type :
         {KeyType::ecdsa_p256, KeyType::ecdsa_p384, KeyType::rsa_2048, KeyType::rsa_3072, KeyType::rsa_4096}) {
        CHECK(key_type_from(to_string(type)) == type);
        names.insert(to_string(type));
    }
    CHECK(names.size() == 5);
    CHECK(to_string(KeyType::ecdsa_p256) == "ecdsa-p256");
    CHECK_FALSE(key_type_from("rsa-1024"));
}

TEST_CASE("2,500 ECDSA signatures all have the fixed width and verify") {
    for (KeyType type : ecdsa_types) {
        PrivateKey key = PrivateKey::generate(type);
        std::size_t width = type == KeyType::ecdsa_p256 ? 64 : 96;
        int short_numbers = 0, signatures = type == KeyType::ecdsa_p256 ? 2000 : 500;
        for (int count = 0; count < signatures; ++count) {
            std::string input = "message " + std::to_string(count);
            Bytes signature = key.sign(input);
            REQUIRE(signature.size() == width);
            REQUIRE(verifies(key, input, signature));
            short_numbers += signature[0] == 0 || signature[width / 2] == 0;
        }
        if (signatures == 2000) CHECK(short_numbers > 0);  // 1 in 128 has one; none among 2,000 has a chance of 10⁻⁷
        CHECK_FALSE(verifies(key, "message 1", key.sign("message 2")));
    }
}

TEST_CASE("the JWK of RFC 7515 A.3 comes out with its members in order and nothing else") {
    auto key = PrivateKey::from_pem(rfc7515_a3_key);
    REQUIRE(key);
    CHECK(
        key->jwk() ==
        R"({"crv":"P-256","kty":"EC","x":"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU","y":"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0"})");
    CHECK(key->thumbprint() == "oKIywvGUpTVTyxMQ3bwIIeQUudfr_CkLMjCE19ECD-U");
    CHECK(key->algorithm() == "ES256");
}

TEST_CASE("the thumbprint of RFC 7638 §3.1 is computed from such a text") {
    std::string jwk =
        R"({"e":"AQAB","kty":"RSA","n":"0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAtVT86zwu1RK7aPFFxuhDR1L6tSoc_)"
        R"(BJECPebWKRXjBZCiFV4n3oknjhMstn64tZ_2W-5JsGY4Hc5n9yBXArwl93lqt7_RN5w6Cf0h4QyQ5v-65YGjQR0_FDW2QvzqY368QQMicAtaSqzs8KJZgnYb9)"
        R"(c7d0zgdAZHzu6qMQvRL5hajrn1n91CbOpbISD08qNLyrdkt-bFTWhAI4vMQFh6WeZu0fM4lFd2NcRwr3XPksINHaQ-G_xBniIqbw0Ls1jF44-csFCur-kEgU8)"
        R"(awapJzKnqDKgw"})";
    CHECK(base64url(sha256(as_bytes(jwk))) == "NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs");
}

TEST_CASE("an RSA JWK has members e, kty, n and no leading zero octet") {
    PrivateKey key = PrivateKey::generate(KeyType::rsa_2048);
    CHECK(key.jwk().starts_with(R"({"e":"AQAB","kty":"RSA","n":")"));
    auto modulus = parse_base64url(member(key.jwk(), "n"));
    REQUIRE(modulus);
    CHECK(modulus->size() == 256);
    CHECK(modulus->front() != 0);
    CHECK(key.algorithm() == "RS256");
    CHECK(key.sign("x").size() == 256);
    CHECK(openssl::verify(key.handle().key.get(), openssl::signature_algorithm(key.type()), as_bytes("x"),
                          key.sign("x")) == openssl::Verdict::good);
}

TEST_CASE("coordinates of a JWK are padded to the curve's width") {
    for (KeyType type : ecdsa_types) {
        std::size_t width = type == KeyType::ecdsa_p256 ? 32 : 48;
        bool padded = false;
        for (int tries = 0; tries < 5000 && !padded; ++tries) {
            std::string jwk = PrivateKey::generate(type).jwk();
            for (const char* name : {"x", "y"}) {
                Bytes coordinate = parse_base64url(member(jwk, name)).value();
                REQUIRE(coordinate.size() == width);
                padded = padded || coordinate.front() == 0;
            }
        }
        CHECK(padded);
    }
}

TEST_CASE("no two generated keys are the same") {
    std::set<std::string> seen;
    for (int count = 0; count < 200; ++count)
        seen.insert(PrivateKey::generate(KeyType::ecdsa_p256).thumbprint());
    CHECK(seen.size() == 200);
}

TEST_CASE("a key of every type survives PKCS#8, SEC 1 and PKCS#1") {
    for (KeyType type : {KeyType::ecdsa_p256, KeyType::ecdsa_p384, KeyType::rsa_2048, KeyType::rsa_3072}) {
        PrivateKey key = PrivateKey::generate(type);
        CHECK(key.pem().starts_with("-----BEGIN PRIVATE KEY-----\n"));
        for (const std::string& text : {key.pem(), encoded(key, "type-specific"), encoded(key, "PrivateKeyInfo")}) {
            auto read = PrivateKey::from_pem(text);
            REQUIRE(read);
            CHECK(read->type() == type);
            CHECK(read->jwk() == key.jwk());
            CHECK(read->pem() == key.pem());
        }
    }
}

TEST_CASE("PKCS#8 and SubjectPublicKeyInfo are written octet for octet as OpenSSL writes them") {
    for (KeyType type : {KeyType::ecdsa_p256, KeyType::ecdsa_p384, KeyType::rsa_2048}) {
        PrivateKey key = PrivateKey::generate(type);
        CHECK(key.pem() == encoded(key, "PrivateKeyInfo"));
        std::uint8_t* der = nullptr;
        int length = i2d_PUBKEY(key.handle().key.get(), &der);
        CHECK(key.public_key_der() == Bytes(der, der + length));
        OPENSSL_free(der);
    }
}

TEST_CASE("a public key is read from its DER, by the short cut and by OpenSSL") {
    for (KeyType type : {KeyType::ecdsa_p256, KeyType::ecdsa_p384, KeyType::rsa_2048}) {
        PrivateKey key = PrivateKey::generate(type);
        openssl::KeyOwner read = openssl::read_public_key(key.public_key_der());
        REQUIRE(read);
        CHECK(EVP_PKEY_eq(read.get(), key.handle().key.get()) == 1);
        Bytes damaged = key.public_key_der();
        damaged.pop_back();
        CHECK_FALSE(openssl::read_public_key(damaged));
    }
    openssl::KeyOwner edwards(EVP_PKEY_Q_keygen(nullptr, nullptr, "ED25519"));
    std::uint8_t* der = nullptr;
    int length = i2d_PUBKEY(edwards.get(), &der);
    CHECK(openssl::read_public_key(ByteView(der, static_cast<std::size_t>(length))));
    OPENSSL_free(der);
}

TEST_CASE("a point that is not on the curve is no public key") {
    Bytes der = PrivateKey::generate(KeyType::ecdsa_p256).public_key_der();
    der.back() ^= 1;
    CHECK_FALSE(openssl::read_public_key(der));
}

TEST_CASE("keys that no CA takes are refused as unsupported") {
    auto pem_of = [](EVP_PKEY* raw) {
        openssl::KeyOwner key(raw);
        openssl::BioOwner out(BIO_new(BIO_s_mem()));
        PEM_write_bio_PrivateKey(out.get(), key.get(), nullptr, nullptr, 0, nullptr, nullptr);
        char* text = nullptr;
        long length = BIO_get_mem_data(out.get(), &text);
        return std::string(text, static_cast<std::size_t>(length));
    };
    CHECK(code_of(PrivateKey::from_pem(pem_of(EVP_RSA_gen(1024)))) == "crypto.keyUnsupported");
    CHECK(code_of(PrivateKey::from_pem(pem_of(EVP_EC_gen("secp256k1")))) == "crypto.keyUnsupported");
    CHECK(code_of(PrivateKey::from_pem(pem_of(EVP_PKEY_Q_keygen(nullptr, nullptr, "ED25519")))) ==
          "crypto.keyUnsupported");
}

TEST_CASE("a key under a passphrase is refused without asking for it") {
    PrivateKey key = PrivateKey::generate(KeyType::ecdsa_p256);
    CHECK(code_of(PrivateKey::from_pem(encoded(key, "PrivateKeyInfo", "AES-256-CBC"))) == "crypto.keyUnsupported");
    CHECK(code_of(PrivateKey::from_pem(encoded(key, "type-specific", "AES-256-CBC"))) == "crypto.keyUnsupported");
}

TEST_CASE("garbage is no key") {
    std::string good = PrivateKey::generate(KeyType::ecdsa_p256).pem();
    for (const std::string& text : {std::string(), std::string("hello"), std::string("-----BEGIN PRIVATE KEY-----"),
                                    good.substr(0, good.size() / 2), std::string("\0\xff\x80", 3),
                                    std::string("-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n"),
                                    std::string("-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n")}) {
        CHECK(code_of(PrivateKey::from_pem(text)) == "crypto.keyMalformed");
    }
    CHECK(code_of(PrivateKey::from_pem(std::string(65 * 1024, 'A'))) == "crypto.keyMalformed");
}

TEST_CASE("a key with a flipped bit is never taken for the same key") {
    PrivateKey key = PrivateKey::generate(KeyType::ecdsa_p256);
    std::string text = key.pem();
    for (std::size_t at = 28; at < text.size() - 26; at += 3) {
        std::string damaged = text;
        damaged[at] = damaged[at] == 'A' ? 'B' : 'A';
        auto read = PrivateKey::from_pem(damaged);
        CHECK((!read || damaged == text || read->jwk() == key.jwk()));
        if (read) CHECK(read->pem() == text);
    }
}
