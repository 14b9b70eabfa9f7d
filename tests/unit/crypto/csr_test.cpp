// Certificate requests carry exactly the names ordered and nothing else (RFC 8555 §7.4).
#include "libacme/crypto/csr.hpp"

#include "libacme/crypto/certificate.hpp"
#include "libacme/crypto/openssl.hpp"
#include "tests/support/catch.hpp"

#include <openssl/x509v3.h>

using namespace certd;

namespace {

using RequestOwner = std::unique_ptr<X509_REQ, openssl::Deleter<X509_REQ_free>>;

RequestOwner parsed(const Bytes& der) {
    const std::uint8_t* at = der.data();
    return RequestOwner(d2i_X509_REQ(nullptr, &at, static_cast<long>(der.size())));
}

Identifier dns(std::string name) {
    return {Identifier::Type::dns, std::move(name)};
}
Identifier ip(std::string address) {
    return {Identifier::Type::ip, std::move(address)};
}

}  // namespace

TEST_CASE("OpenSSL verifies the request of every key type and finds an empty subject and one extension") {
    for (KeyType type : {KeyType::ecdsa_p256, KeyType::ecdsa_p384, KeyType::rsa_2048}) {
        PrivateKey key = PrivateKey::generate(type);
        std::vector<Identifier> names = {dns("example.com"), dns("*.example.com")};
        RequestOwner request = parsed(make_csr(key, names));
        REQUIRE(request);
        CHECK(X509_REQ_verify(request.get(), key.handle().key.get()) == 1);
        CHECK(X509_REQ_get_version(request.get()) == 0);
        CHECK(X509_NAME_entry_count(X509_REQ_get_subject_name(request.get())) == 0);
        STACK_OF(X509_EXTENSION)* extensions = X509_REQ_get_extensions(request.get());
        REQUIRE(sk_X509_EXTENSION_num(extensions) == 1);
        CHECK(X509v3_get_ext_by_NID(extensions, NID_subject_alt_name, -1) == 0);
        sk_X509_EXTENSION_pop_free(extensions, X509_EXTENSION_free);
    }
}

TEST_CASE("the names of a request are read back: DNS, wildcard, long, IPv4 and IPv6") {
    PrivateKey key = PrivateKey::generate(KeyType::ecdsa_p256);
    std::string longest =
        std::string(63, 'a') + "." + std::string(63, 'b') + "." + std::string(63, 'c') + "." + std::string(61, 'd');
    std::vector<Identifier> names = {dns("*.example.com"), dns(longest), dns("example.com"), ip("192.0.2.1"),
                                     ip("2001:db8::1")};
    auto content = read_csr(make_csr(key, names));
    REQUIRE(content);
    std::sort(names.begin(), names.end());
    CHECK(content->names == names);
    CHECK(content->public_key_der == key.public_key_der());
}

TEST_CASE("a hundred names fit into a request") {
    PrivateKey key = PrivateKey::generate(KeyType::ecdsa_p256);
    std::vector<Identifier> names;
    for (int count = 0; count < 100; ++count)
        names.push_back(dns("host-" + std::to_string(count) + ".example.com"));
    auto content = read_csr(make_csr(key, names));
    REQUIRE(content);
    CHECK(content->names.size() == 100);
}

TEST_CASE("names that cannot stand in a certificate are refused") {
    PrivateKey key = PrivateKey::generate(KeyType::ecdsa_p256);
    for (const Identifier& name :
         {dns(""), dns("a b"), dns("a\nb"), dns("bücher.example"), dns(std::string("a\0b", 3)), ip("1.2.3"), ip("")}) {
        std::vector<Identifier> names = {name};
        CHECK_THROWS_AS(make_csr(key, names), Failure);
    }
    CHECK_THROWS_AS(make_csr(key, {}), Failure);
}

TEST_CASE("a request that was altered is malformed, wherever the change lies") {
    PrivateKey key = PrivateKey::generate(KeyType::ecdsa_p256);
    std::vector<Identifier> names = {dns("example.com")};
    Bytes good = make_csr(key, names);
    REQUIRE(read_csr(good));
    for (std::size_t at = 0; at < good.size(); ++at) {
        Bytes altered = good;
        altered[at] ^= 0x01;
        auto content = read_csr(altered);
        REQUIRE_FALSE(content);
        CHECK(content.error().code == "crypto.csrMalformed");
    }
    good.push_back(0);
    CHECK_FALSE(read_csr(good));
    CHECK_FALSE(read_csr(Bytes()));
    CHECK_FALSE(read_csr(Bytes(100000, 0x30)));
}
