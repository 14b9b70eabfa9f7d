// The shape of signed requests.
#include "libacme/protocol/signed_request.hpp"

#include "tests/support/catch.hpp"
#include "tests/support/jws_verifier.hpp"

using namespace certd;
using namespace certd::test;

namespace {

const Url odd_url = value_or_fail(parse_url("https://ca.test:443/Order/%7e1?A=b&c"));

}  // namespace

TEST_CASE("a request is a flattened JWS whose header names alg, nonce, url and one key (A5, A6)") {
    KeyType type = GENERATE(KeyType::ecdsa_p256, KeyType::ecdsa_p384, KeyType::rsa_2048);
    PrivateKey key = PrivateKey::generate(type);
    auto jws =
        parse_jws(acme::sign_request({key, "https://ca.test/acct/1"}, "nonce-1", odd_url, Json::object({{"a", 1}})));
    REQUIRE(jws);
    CHECK(jws->header.if_object()->size() == 4);
    CHECK(jws->header.string_or("alg") == key.algorithm());
    CHECK(jws->header.string_or("nonce") == "nonce-1");
    CHECK(jws->header.string_or("kid") == "https://ca.test/acct/1");
    CHECK(jws->header["jwk"].is_null());
    CHECK(jws->payload == R"({"a":1})");
    auto verifier = JwkPublicKey::parse(value_or_fail(parse_json(key.jwk())));
    REQUIRE(verifier);
    CHECK(verifier->verify(*jws));
    CHECK(verifier->thumbprint() == key.thumbprint());
}

TEST_CASE("without a kid the key itself is in the header (A7)") {
    PrivateKey key = PrivateKey::generate(KeyType::ecdsa_p256);
    auto jws = parse_jws(acme::sign_request({key, {}}, "nonce", odd_url, Json::object()));
    REQUIRE(jws);
    CHECK(to_text(jws->header["jwk"]) == key.jwk());
    CHECK(jws->header["kid"].is_null());
}

TEST_CASE("the URL is signed byte for byte as the server wrote it (A12)") {
    PrivateKey key = PrivateKey::generate(KeyType::ecdsa_p256);
    auto jws = parse_jws(acme::sign_request({key, "kid"}, "nonce", odd_url, std::nullopt));
    REQUIRE(jws);
    CHECK(jws->header.string_or("url") == "https://ca.test:443/Order/%7e1?A=b&c");
}

TEST_CASE("POST-as-GET has an empty payload, an empty object does not (A11)") {
    PrivateKey key = PrivateKey::generate(KeyType::ecdsa_p256);
    CHECK(acme::sign_request({key, "kid"}, "nonce", odd_url, std::nullopt).find(R"("payload":"",)") !=
          std::string::npos);
    CHECK(acme::sign_request({key, "kid"}, "nonce", odd_url, Json::object()).find(R"("payload":"e30",)") !=
          std::string::npos);
}

TEST_CASE("a request for one CA is refused by another: the URL is signed (S24)") {
    PrivateKey key = PrivateKey::generate(KeyType::ecdsa_p256);
    std::string here =
        acme::sign_request({key, "kid"}, "nonce", value_or_fail(parse_url("https://a.test/x")), std::nullopt);
    auto jws = parse_jws(here);
    REQUIRE(jws);
    CHECK(jws->header.string_or("url") != "https://b.test/x");
}
