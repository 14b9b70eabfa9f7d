// Certificate requests of operators: what is read, and what is refused with which words.
#include "libacme/crypto/csr.hpp"
#include "libacme/crypto/openssl.hpp"
#include "libacme/crypto/pem.hpp"
#include "tests/support/catch.hpp"

#include <openssl/x509v3.h>

using namespace certd;

namespace {

using RequestOwner = std::unique_ptr<X509_REQ, openssl::Deleter<X509_REQ_free>>;

struct Wish {
    std::string names = "DNS:www.example.com, DNS:example.com, IP:192.0.2.1";  // empty: no such extension
    std::string common_name = {};
    int usage = NID_undef;  // another extension
};

openssl::KeyOwner ec_key(const char* curve) {
    return openssl::KeyOwner(EVP_EC_gen(curve));
}

// As `openssl req` makes it.
Bytes request_for(EVP_PKEY* key, const Wish& wish = {}) {
    RequestOwner request(X509_REQ_new());
    X509_REQ_set_version(request.get(), 0);
    X509_REQ_set_pubkey(request.get(), key);
    X509_NAME* subject = X509_REQ_get_subject_name(request.get());
    auto add = [&](const char* field, const std::string& text) {
        const auto* octets = reinterpret_cast<const unsigned char*>(text.c_str());
        X509_NAME_add_entry_by_txt(subject, field, MBSTRING_UTF8, octets, static_cast<int>(text.size()), -1, 0);
    };
    add("O", "Example Ltd");
    if (!wish.common_name.empty()) add("CN", wish.common_name);
    STACK_OF(X509_EXTENSION)* extensions = sk_X509_EXTENSION_new_null();
    if (!wish.names.empty()) {
        sk_X509_EXTENSION_push(extensions,
                               X509V3_EXT_conf_nid(nullptr, nullptr, NID_subject_alt_name, wish.names.c_str()));
    }
    sk_X509_EXTENSION_push(extensions, X509V3_EXT_conf_nid(nullptr, nullptr, NID_key_usage, "digitalSignature"));
    X509_REQ_add_extensions(request.get(), extensions);
    sk_X509_EXTENSION_pop_free(extensions, X509_EXTENSION_free);
    bool digests = EVP_PKEY_is_a(key, "ED25519") == 0;
    REQUIRE(X509_REQ_sign(request.get(), key, digests ? EVP_sha256() : nullptr) > 0);
    unsigned char* der = nullptr;
    int length = i2d_X509_REQ(request.get(), &der);
    Bytes octets(der, der + length);
    OPENSSL_free(der);
    return octets;
}

std::string text_of(const Bytes& der) {
    return std::string(as_text(der));
}

std::string refusal(const Bytes& der) {
    Result<ForeignRequest> read = read_foreign_request(text_of(der));
    REQUIRE_FALSE(read);
    return read.error().code + ": " + read.error().what;
}

}  // namespace

TEST_CASE("a request as other tools make it is read from PEM and from DER") {
    openssl::KeyOwner key = ec_key("P-384");
    Bytes der = request_for(key.get(), {.common_name = "WWW.example.com"});
    std::string pem = pem_block("CERTIFICATE REQUEST", der);
    std::string windows;
    for (char letter : pem)
        windows += letter == '\n' ? std::string("\r\n") : std::string(1, letter);
    for (const std::string& text : {text_of(der), pem, "Certificate Request:\n  Data: …\n" + pem + "\n", windows,
                                    pem_block("NEW CERTIFICATE REQUEST", der)}) {
        CAPTURE(text);
        Result<ForeignRequest> read = read_foreign_request(text);
        REQUIRE(read);
        CHECK(read->der == der);
        CHECK(read->names == std::vector<Identifier>{{Identifier::Type::dns, "example.com"},
                                                     {Identifier::Type::dns, "www.example.com"},
                                                     {Identifier::Type::ip, "192.0.2.1"}});
        CHECK(read->key_type == KeyType::ecdsa_p384);
        CHECK_FALSE(read->public_key_der.empty());
    }
}

TEST_CASE("certd's own requests are read as foreign ones") {
    PrivateKey key = PrivateKey::generate(KeyType::rsa_2048);
    std::vector<Identifier> names = {{Identifier::Type::dns, "*.example.com"}};
    Result<ForeignRequest> read = read_foreign_request(pem_block("CERTIFICATE REQUEST", make_csr(key, names)));
    REQUIRE(read);
    CHECK(read->names == names);
    CHECK(read->key_type == KeyType::rsa_2048);
    CHECK(read->public_key_der == key.public_key_der());
}

TEST_CASE("a request is refused for its names") {
    openssl::KeyOwner key = ec_key("P-256");
    CHECK(refusal(request_for(key.get(), {.names = "", .common_name = "example.com"})) ==
          "crypto.csrMalformed: The certificate request asks for no name: it has no subject alternative name");
    CHECK(refusal(request_for(key.get(), {.names = "DNS:example.com, email:me@example.com"})) ==
          "crypto.csrMalformed: The certificate request asks for something that is neither a DNS name nor an IP "
          "address");
    CHECK(refusal(request_for(key.get(), {.names = "DNS:a b.example"})) ==
          "crypto.csrMalformed: The certificate request asks for a name that no certificate can have: a b.example");
    CHECK(refusal(request_for(key.get(), {.names = "DNS:evil\x1b[2J.example"})).find('\x1b') == std::string::npos);
    CHECK(refusal(request_for(key.get(), {.common_name = "My appliance"})) ==
          "crypto.csrMalformed: The certificate request has a common name that is not among its subject alternative "
          "names: my appliance");
}

TEST_CASE("a request is refused for a key that no CA takes, or takes no more") {
    for (const char* curve : {"P-521", "secp256k1"})
        CHECK(refusal(request_for(ec_key(curve).get())).starts_with("crypto.csrKey: "));
    openssl::KeyOwner weak(EVP_RSA_gen(1024));
    CHECK(refusal(request_for(weak.get())).starts_with("crypto.csrKey: "));
    openssl::KeyOwner compressed = ec_key("P-256");
    EVP_PKEY_set_utf8_string_param(compressed.get(), "point-format", "compressed");
    CHECK(refusal(request_for(compressed.get())).starts_with("crypto.csrKey: "));
    // Its signature is not of a kind that certd can check.
    openssl::KeyOwner edwards(EVP_PKEY_Q_keygen(nullptr, nullptr, "ED25519"));
    CHECK(refusal(request_for(edwards.get())).starts_with("crypto.csr"));
}

TEST_CASE("a request is refused when it is damaged, not signed by its key, too large or something else") {
    openssl::KeyOwner key = ec_key("P-256");
    Bytes der = request_for(key.get());
    Bytes unsigned_der = der;
    unsigned_der.back() ^= 1;
    CHECK(refusal(unsigned_der) == "crypto.csrMalformed: The certificate request is not signed with the key it names");
    // Whatever octet is wrong, or wherever it ends: refused in words.
    for (std::size_t at = 0; at < der.size(); ++at) {
        Bytes damaged = der;
        damaged[at] ^= 0x55;
        CHECK(refusal(damaged).starts_with("crypto.csr"));
        CHECK(refusal(Bytes(der.begin(), der.begin() + static_cast<std::ptrdiff_t>(at))).starts_with("crypto.csr"));
    }
    CHECK_FALSE(read_foreign_request(std::string(70000, 'x')));
    CHECK_FALSE(read_foreign_request("-----END CERTIFICATE REQUEST-----\n-----BEGIN CERTIFICATE REQUEST-----\n"));
    CHECK_FALSE(read_foreign_request(PrivateKey::generate(KeyType::ecdsa_p256).pem()));
}
