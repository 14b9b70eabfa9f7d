// PKCS#12 files, read back by OpenSSL as Java and Windows would.
#include "libacme/crypto/pkcs12.hpp"

#include "libacme/crypto/openssl.hpp"
#include "tests/support/catch.hpp"

#include <openssl/pkcs12.h>

#include <algorithm>

using namespace certd;

namespace {

const Time start = *parse_rfc3339("2026-01-01T00:00:00Z");

using FileOwner = std::unique_ptr<PKCS12, openssl::Deleter<PKCS12_free>>;

struct Pair {
    explicit Pair(KeyType type = KeyType::ecdsa_p256) : key(PrivateKey::generate(type)) {
        std::vector<Identifier> names = {{Identifier::Type::dns, "example.com"}};
        PrivateKey ca_key = PrivateKey::generate(KeyType::ecdsa_p256);
        CertificateTemplate root{
            .common_name = "Test Root", .names = {}, .not_before = start, .not_after = start + days(900)};
        root.ca = true;
        root.public_key_der = ca_key.public_key_der();
        Certificate issuer = issue_certificate(root, ca_key, nullptr);
        CertificateTemplate leaf{.common_name = "", .names = names, .not_before = start, .not_after = start + days(90)};
        leaf.public_key_der = key.public_key_der();
        chain = {issue_certificate(leaf, ca_key, &issuer), issuer};
    }
    PrivateKey key;
    Chain chain;
};

FileOwner parsed(const Bytes& der) {
    const unsigned char* at = der.data();
    FileOwner file(d2i_PKCS12(nullptr, &at, static_cast<long>(der.size())));
    REQUIRE(file);
    CHECK(at == der.data() + der.size());
    return file;
}

}  // namespace

TEST_CASE("a PKCS#12 file gives back key, certificate and chain to whoever has the password") {
    for (KeyType type : {KeyType::ecdsa_p256, KeyType::ecdsa_p384, KeyType::rsa_2048}) {
        Pair pair(type);
        const std::vector<std::string> passwords = {"secret", "Schlüssel für 🔑", std::string(300, 'x')};
        for (const std::string& password : passwords) {
            FileOwner file = parsed(make_pkcs12(pair.key, pair.chain, "example.com", password));
            EVP_PKEY* key = nullptr;
            X509* leaf = nullptr;
            STACK_OF(X509)* others = nullptr;
            REQUIRE(PKCS12_parse(file.get(), password.c_str(), &key, &leaf, &others) == 1);
            openssl::KeyOwner key_owner(key);
            openssl::CertificateOwner leaf_owner(leaf);
            CHECK(EVP_PKEY_eq(key, pair.key.handle().key.get()) == 1);
            CHECK(openssl::from_x509(leaf)->der() == pair.chain[0].der());
            int length = 0;
            CHECK(std::string(reinterpret_cast<const char*>(X509_alias_get0(leaf, &length))) == "example.com");
            REQUIRE(sk_X509_num(others) == 1);
            CHECK(openssl::from_x509(sk_X509_value(others, 0))->der() == pair.chain[1].der());
            sk_X509_pop_free(others, X509_free);
            CHECK(PKCS12_parse(file.get(), "wrong", &key, &leaf, nullptr) == 0);
        }
    }
}

TEST_CASE("a PKCS#12 file is authenticated with SHA-256, and nothing in it can be read without the password") {
    Pair pair;
    Bytes der = make_pkcs12(pair.key, pair.chain, "example.com", "secret");
    FileOwner file = parsed(der);
    const X509_ALGOR* algorithm = nullptr;
    const ASN1_OCTET_STRING *mac = nullptr, *salt = nullptr;
    const ASN1_INTEGER* iterations = nullptr;
    PKCS12_get0_mac(&mac, &algorithm, &salt, &iterations, file.get());
    REQUIRE(algorithm != nullptr);
    const ASN1_OBJECT* digest = nullptr;
    X509_ALGOR_get0(&digest, nullptr, nullptr, algorithm);
    CHECK(OBJ_obj2nid(digest) == NID_sha256);
    CHECK(ASN1_STRING_length(mac) == 32);
    CHECK(ASN1_STRING_length(salt) == 16);
    CHECK(ASN1_INTEGER_get(iterations) == 10'000);
    // id-aes256-CBC twice, and none of the weak ones: neither of the certificate's octets.
    auto count = [&](const Bytes& part) {
        std::size_t found = 0;
        for (auto at = der.begin(); (at = std::search(at, der.end(), part.begin(), part.end())) != der.end(); ++at)
            ++found;
        return found;
    };
    CHECK(count({0x06, 0x09, 0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x01, 0x2a}) == 2);
    CHECK(count({0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x0c, 0x01}) == 0);  // pkcs-12PbeIds
    CHECK(count(Bytes(pair.chain[0].der().begin() + 20, pair.chain[0].der().begin() + 60)) == 0);
}

TEST_CASE("the same key, chain and password make the same PKCS#12 file, any other another one") {
    Pair pair, other;
    Bytes file = make_pkcs12(pair.key, pair.chain, "example.com", "secret");
    CHECK(make_pkcs12(pair.key, pair.chain, "example.com", "secret") == file);
    CHECK(make_pkcs12(pair.key, pair.chain, "example.com", "Secret") != file);
    CHECK(make_pkcs12(other.key, other.chain, "example.com", "secret") != file);
    // The salt of the MAC is another one for another certificate of the same key.
    Bytes again = make_pkcs12(pair.key, other.chain, "example.com", "secret");
    const ASN1_OCTET_STRING *salt = nullptr, *other_salt = nullptr;
    FileOwner first = parsed(file), second = parsed(again);
    PKCS12_get0_mac(nullptr, nullptr, &salt, nullptr, first.get());
    PKCS12_get0_mac(nullptr, nullptr, &other_salt, nullptr, second.get());
    CHECK(ASN1_OCTET_STRING_cmp(salt, other_salt) != 0);
}
