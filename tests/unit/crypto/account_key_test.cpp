// Account keys as other clients write them.
#include "libacme/crypto/account_key.hpp"

#include "libacme/base/json.hpp"
#include "libacme/base/text.hpp"
#include "tests/support/catch.hpp"

using namespace certd;

namespace {

// RFC 7517 §A.2, the EC key.
const std::string ec_jwk =
    R"({"kty":"EC","crv":"P-256","x":"MKBCTNIcKUSDii11ySs3526iDZ8AiTo7Tu6KPAqv7D4",)"
    R"("y":"4Etl6SRW2YiLUrN5vfvVHuhp7x8PxltmWWlbbM4IFyM","d":"870MB6gfuTJ4HtUnUvYMyJpr5eUZNP4Bk43bVdj3eAE",)"
    R"("use":"enc","kid":"1"})";

// RFC 7515 §A.2.1, in the form of certbot's private_key.json.
const std::string rsa_jwk =
    R"({"n":"ofgWCuLjybRlzo0tZWJjNiuSfb4p4fAkd_wWJcyQoTbji9k0l8W26mPddxHmfHQp-Vaw-4qPCJrcS2mJPMEzP1Pt0Bm4d4QlL-y)"
    R"(RT-SFd2lZS-pCgNMsD1W_YpRPEwOWvG6b32690r2jZ47soMZo9wGzjb_7OMg0LOL-bSf63kpaSHSXndS5z5rexMdbBYUsLA9e-KXBdQOS)"
    R"(-UTo7WTBEMa2R2CapHg665xsmtdVMTBQY4uDZlxvb3qCo5ZwKh9kG4LT6_I5IhlJH7aGhyxXFvUK-DWNmoudF8NAco9_h9iaGNj8q2eth)"
    R"(FkMLs91kzk2PAcDTW9gb54h4FRWyuXpoQ","e":"AQAB","d":"Eq5xpGnNCivDflJsRQBXHx1hdR1k6Ulwe2JZD50LpXyWPEAeP88vLN)"
    R"(O97IjlA7_GQ5sLKMgvfTeXZx9SE-7YwVol2NXOoAJe46sui395IW_GO-pWJ1O0BkTGoVEn2bKVRUCgu-GjBVaYLU6f3l9kJfFNS3E0QbV)"
    R"(dxzubSu3Mkqzjkn439X0M_V51gfpRLI9JYanrC4D4qAdGcopV_0ZHHzQlBjudU2QvXt4ehNYTCBr6XCLQUShb1juUO1ZdiYoFaFQT5Tw8)"
    R"(bGUl_x_jTj3ccPDVZFD9pIuhLhBOneufuBiB4cS98l2SR_RQyGWSeWjnczT0QU91p1DhOVRuOopznQ","p":"4BzEEOtIpmVdVEZNCqS7)"
    R"(baC4crd0pqnRH_5IB3jw3bcxGn6QLvnEtfdUdiYrqBdss1l58BQ3KhooKeQTa9AB0Hw_Py5PJdTJNPY8cQn7ouZ2KKDcmnPGBY5t7yLc1)"
    R"(QlQ5xHdwW1VhvKn-nXqhJTBgIPgtldC-KDV5z-y2XDwGUc","q":"uQPEfgmVtjL0Uyyx88GZFF1fOunH3-7cepKmtH4pxhtCoHqpWmT8)"
    R"(YAmZxaewHgHAjLYsp1ZSe7zFYHj7C6ul7TjeLQeZD_YwD66t62wDmpe_HlB-TnBA-njbglfIsRLtXlnDzQkv5dTltRJ11BKBBypeeF668)"
    R"(9rjcJIDEz9RWdc","dp":"BwKfV3Akq5_MFZDFZCnW-wzl-CCo83WoZvnLQwCTeDv8uzluRSnm71I3QCLdhrqE2e9YkxvuxdBfpT_PI7Y)"
    R"(z-FOKnu1R6HsJeDCjn12Sk3vmAktV2zb34MCdy7cpdTh_YVr7tss2u6vneTwrA86rZtu5Mbr1C1XsmvkxHQAdYo0","dq":"h_96-mK1R)"
    R"(_7glhsum81dZxjTnYynPbZpHziZjeeHcXYsXaaMwkOlODsWa7I9xXDoRwbKgB719rrmI2oKr6N3Do9U0ajaHF-NKJnwgjMd2w9cjz3_-k)"
    R"(yNlxAr2v4IKhGNpmM5iIgOS1VZnOZ68m6_pbLBSp3nssTdlqvd0tIiTHU","qi":"IYd7DHOhrWvxkwPQsRM2tOgrjbcrfvtQJipd-Dlc)"
    R"(xyVuuM9sQLdgjVk2oy26F0EmpScGLq2MowX7fhd_QJQ3ydy5cY7YIBi87w93IKLEdfnbJtoOPLUW0ITrJReOgo1cq9SbsxYawBgfp_gh6)"
    R"(A5603k2-ZQwVK0JKSHuLFkuQ3U","kty":"RSA"})";

std::string without(std::string text, const std::string& member) {
    Json jwk = parse_json(text).value();
    Json::Object kept;
    for (const auto& [name, value] : *jwk.if_object()) {
        if (name != member) kept.emplace_back(name, value);
    }
    return to_text(Json(std::move(kept)));
}

}  // namespace

TEST_CASE("the JWKs of RFC 7517 and of certbot become the keys they are") {
    Result<PrivateKey> ec = parse_account_key(ec_jwk);
    REQUIRE(ec);
    CHECK(ec->type() == KeyType::ecdsa_p256);
    CHECK(ec->jwk().find("MKBCTNIcKUSDii11ySs3526iDZ8AiTo7Tu6KPAqv7D4") != std::string::npos);
    Result<PrivateKey> rsa = parse_account_key("\n  " + rsa_jwk + "\n");
    REQUIRE(rsa);
    CHECK(rsa->type() == KeyType::rsa_2048);
    CHECK(rsa->jwk().find("ofgWCuLjybRlzo0tZWJjNiuSfb4p4fAkd_wWJcyQoTbji9k0l8W26mPddxHmfHQp") != std::string::npos);
}

TEST_CASE("PEM of every type is read as it is") {
    for (KeyType type : {KeyType::ecdsa_p256, KeyType::ecdsa_p384, KeyType::rsa_2048}) {
        PrivateKey key = PrivateKey::generate(type);
        Result<PrivateKey> read = parse_account_key("\n" + key.pem() + "\n");
        REQUIRE(read);
        CHECK(read->thumbprint() == key.thumbprint());
    }
}

TEST_CASE("a key that lacks a part, or whose parts do not belong together, is refused without a word of it") {
    for (const char* member : {"d", "x", "y"})
        CHECK(parse_account_key(without(ec_jwk, member)).error().code == "crypto.keyMalformed");
    for (const char* member : {"n", "e", "d", "p", "q", "dp", "dq", "qi"})
        CHECK(parse_account_key(without(rsa_jwk, member)).error().code == "crypto.keyMalformed");
    std::string other = ec_jwk;
    other.replace(other.find("870MB6"), 6, "970MB6");
    Result<PrivateKey> mixed = parse_account_key(other);
    REQUIRE_FALSE(mixed);
    CHECK(mixed.error().code == "crypto.keyMalformed");
    CHECK(describe(mixed.error()).find("970MB6") == std::string::npos);
    std::string shorter = ec_jwk;
    shorter.replace(shorter.find("870MB6gf"), 8, "");
    CHECK(parse_account_key(shorter).error().code == "crypto.keyMalformed");
    std::string padded = ec_jwk;
    padded.replace(padded.find("j3eAE\""), 6, "j3eAE=\"");
    CHECK_FALSE(parse_account_key(padded));
}

TEST_CASE("other kinds of keys, and what is none, are told apart") {
    CHECK(parse_account_key(R"({"kty":"OKP","crv":"Ed25519","x":"a","d":"b"})").error().code ==
          "crypto.keyUnsupported");
    CHECK(parse_account_key(R"({"kty":"EC","crv":"P-521","x":"a","y":"b","d":"c"})").error().code ==
          "crypto.keyUnsupported");
    for (const std::string& text : {std::string(), std::string("{"), std::string("{}"), std::string("[1]"),
                                    std::string("-----BEGIN CERTIFICATE-----\n"), std::string(100000, '{'),
                                    std::string(100000, 'A'), std::string("\0\0", 2)}) {
        CHECK_FALSE(parse_account_key(text));
    }
}
