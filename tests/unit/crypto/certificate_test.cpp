// What is read from a certificate equals what OpenSSL reads from it.
#include "libacme/crypto/certificate.hpp"

#include "libacme/crypto/openssl.hpp"
#include "tests/support/catch.hpp"
#include "tests/unit/crypto/authority.hpp"

#include <openssl/x509v3.h>

using namespace certd;
using namespace certd::test;

namespace {

Bytes octets(std::string_view text) {
    return parse_hex(text).value();
}

Certificate with_serial(const Authority& authority, std::string_view serial) {
    CertificateTemplate subject = authority.leaf_template();
    subject.serial = octets(serial);
    return authority.leaf(subject);
}

}  // namespace

TEST_CASE("serials keep the octets of their DER form: with a leading 00, short, and long") {
    Authority authority;
    CHECK(with_serial(authority, "87654321").serial() == "0087654321");
    CHECK(with_serial(authority, "0087654321").serial() == "0087654321");
    CHECK(with_serial(authority, "01").serial() == "01");
    CHECK(with_serial(authority, "0000ff").serial() == "00ff");
    CHECK(with_serial(authority, "7f00000000000000000000000000000000000001").serial() ==
          "7f00000000000000000000000000000000000001");
}

TEST_CASE("random serials come out in both forms and as OpenSSL writes them") {
    Authority authority;
    bool padded = false, plain = false;
    for (int count = 0; count < 64; ++count) {
        Certificate leaf = authority.leaf(authority.leaf_template());
        openssl::CertificateOwner parsed = openssl::to_x509(leaf);
        std::uint8_t* der = nullptr;
        int length = i2d_ASN1_INTEGER(X509_get0_serialNumber(parsed.get()), &der);
        REQUIRE(leaf.serial() == hex(ByteView(der + 2, static_cast<std::size_t>(length - 2))));
        OPENSSL_free(der);
        padded = padded || leaf.serial().starts_with("00");
        plain = plain || !leaf.serial().starts_with("00");
    }
    CHECK(padded);
    CHECK(plain);
}

TEST_CASE("the fields of a certificate are those it was made with") {
    Authority authority;
    CertificateTemplate subject = authority.leaf_template();
    subject.common_name = "example.com";
    subject.names = {dns("www.example.com"), ip("2001:db8::1"), dns("*.example.com"), ip("192.0.2.7")};
    Certificate leaf = authority.leaf(subject);
    CHECK(leaf.names() ==
          std::vector{dns("*.example.com"), dns("www.example.com"), ip("192.0.2.7"), ip("2001:db8::1")});
    CHECK(leaf.not_before() == subject.not_before);
    CHECK(leaf.not_after() == subject.not_after);
    CHECK(leaf.subject() == "CN=example.com");
    CHECK(leaf.issuer() == "CN=Test intermediate");
    CHECK(leaf.issuer_common_name() == "Test intermediate");
    CHECK_FALSE(leaf.is_ca());
    CHECK(authority.certificate.is_ca());
    CHECK(leaf.public_key_der() == authority.leaf_key.public_key_der());
    CHECK(leaf.fingerprint_sha256().size() == 64);
    CHECK(Certificate::from_der(leaf.der()).value().pem() == leaf.pem());
    REQUIRE(leaf.authority_key_identifier());
    CHECK(leaf.authority_key_identifier()->size() == 20);
}

TEST_CASE("OpenSSL agrees with the names, times, identifiers and purpose") {
    Authority authority;
    CertificateTemplate subject = authority.leaf_template();
    subject.names = {dns("a.example"), ip("192.0.2.7")};
    subject.not_after = at("2051-06-07T08:09:10Z");  // GeneralizedTime
    Certificate leaf = authority.leaf(subject);
    openssl::CertificateOwner parsed = openssl::to_x509(leaf);
    CHECK(X509_check_host(parsed.get(), "a.example", 0, 0, nullptr) == 1);
    CHECK(X509_check_ip_asc(parsed.get(), "192.0.2.7", 0) == 1);
    CHECK(X509_check_purpose(parsed.get(), X509_PURPOSE_SSL_SERVER, 0) == 1);
    CHECK(X509_check_ca(openssl::to_x509(authority.certificate).get()) == 1);
    CHECK(X509_check_issued(openssl::to_x509(authority.certificate).get(), parsed.get()) == X509_V_OK);
    std::tm time{};
    REQUIRE(ASN1_TIME_to_tm(X509_get0_notAfter(parsed.get()), &time) == 1);
    CHECK(Time(seconds(::timegm(&time))) == leaf.not_after());
    CHECK(leaf.not_after() == subject.not_after);
    const ASN1_OCTET_STRING* identifier = X509_get0_authority_key_id(parsed.get());
    CHECK(*leaf.authority_key_identifier() ==
          Bytes(ASN1_STRING_get0_data(identifier), ASN1_STRING_get0_data(identifier) + ASN1_STRING_length(identifier)));
}

TEST_CASE("issued_by wants the name and the signature") {
    Authority authority, other;
    Certificate leaf = authority.leaf(authority.leaf_template());
    CHECK(leaf.issued_by(authority.certificate));
    CHECK_FALSE(leaf.issued_by(authority.root));     // another name
    CHECK_FALSE(leaf.issued_by(other.certificate));  // the same name, another key
    CHECK(authority.root.issued_by(authority.root));
}

TEST_CASE("RSA and P-384 authorities sign verifiably") {
    Authority authority;
    for (KeyType type : {KeyType::rsa_2048, KeyType::ecdsa_p384}) {
        PrivateKey key = PrivateKey::generate(type);
        Certificate root = issue_certificate(Authority::ca_template("Root"), key, nullptr);
        CHECK(root.issued_by(root));
        CHECK(issue_certificate(authority.leaf_template(), key, &root).issued_by(root));
    }
}

TEST_CASE("a signature with an algorithm out of the ordinary is left to OpenSSL") {
    openssl::KeyOwner key(EVP_PKEY_Q_keygen(nullptr, nullptr, "ED25519"));
    openssl::CertificateOwner raw(X509_new());
    X509_set_version(raw.get(), 2);
    ASN1_INTEGER_set(X509_get_serialNumber(raw.get()), 7);
    X509_gmtime_adj(X509_getm_notBefore(raw.get()), 0);
    X509_gmtime_adj(X509_getm_notAfter(raw.get()), 3600);
    X509_set_pubkey(raw.get(), key.get());
    X509_sign(raw.get(), key.get(), nullptr);
    Certificate certificate = openssl::from_x509(raw.get()).value();
    CHECK(certificate.issued_by(certificate));
    CHECK(certificate.serial() == "07");
}

TEST_CASE("a self-signed certificate is for its names and its key") {
    PrivateKey key = PrivateKey::generate(KeyType::ecdsa_p256);
    std::vector<Identifier> names = {dns("localhost"), ip("127.0.0.1"), ip("::1")};
    Certificate certificate = make_self_signed(key, names, at("2026-01-01T00:00:00Z"), at("2027-01-01T00:00:00Z"));
    CHECK(certificate.names() == names);
    CHECK(certificate.issued_by(certificate));
    CHECK(X509_check_private_key(openssl::to_x509(certificate).get(), key.handle().key.get()) == 1);
}

TEST_CASE("what is cut, extended or altered in its structure is no certificate") {
    Authority authority;
    Bytes good = authority.leaf(authority.leaf_template()).der();
    REQUIRE(Certificate::from_der(good));
    for (std::size_t length = 0; length < good.size(); ++length) {
        auto cut = Certificate::from_der(ByteView(good).first(length));
        REQUIRE_FALSE(cut);
        CHECK(cut.error().code == "crypto.certificateMalformed");
    }
    good.push_back(0);
    CHECK_FALSE(Certificate::from_der(good));
    CHECK_FALSE(Certificate::from_der(Bytes(70000, 0x30)));
}

TEST_CASE("a certificate with any bit flipped is refused or fails its signature") {
    Authority authority;
    Certificate leaf = authority.leaf(authority.leaf_template());
    for (std::size_t at = 0; at < leaf.der().size(); ++at) {
        Bytes altered = leaf.der();
        altered[at] ^= static_cast<std::uint8_t>(1u << (at % 8));
        auto read = Certificate::from_der(altered);
        if (read) CHECK_FALSE(read->issued_by(authority.certificate));
    }
}
