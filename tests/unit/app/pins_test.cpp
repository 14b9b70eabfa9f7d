// Pins and TLSA data of keys.
#include "daemon/app/pins.hpp"
#include "tests/support/catch.hpp"

using namespace certd;

namespace {

constexpr const char* key_pem = R"(-----BEGIN PRIVATE KEY-----
MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgJHR7LE9wjt7FX1pY
+IpN74omAZBfmekqVxYavXtAhGuhRANCAATl7+mGU0zFgoCz0KgoKD9YcZslEVJg
ebg6cRZyIEDMsGsCg/otYYz/jzBsX5cyms3Uem9Hm9HysK0DLlIl1Wyk
-----END PRIVATE KEY-----
)";

// Of `openssl pkey -pubout -outform der | openssl dgst -sha256`.
const std::string pin = "sha256/Y1mqAKVXDMiBMFQ4fUIm+WdbHc3bUZkacuC4dFLdfIc=";
const std::string tlsa = "3 1 1 6359aa00a5570cc8813054387d4226f9675b1dcddb51991a72e0b87452dd7c87";

PrivateKey known_key() {
    return PrivateKey::from_pem(key_pem).value();
}

}  // namespace

TEST_CASE("a pin and TLSA data are what openssl makes of the public key") {
    CHECK(pin_of(known_key().public_key_der()) == pin);
    CHECK(tlsa_of(known_key().public_key_der()) == tlsa);
}

TEST_CASE("TLSA records belong to each name at each port that is verified, 443 unless there is one") {
    config::Lineage spec;
    spec.names = {{Identifier::Type::dns, "example.com"},
                  {Identifier::Type::dns, "*.example.com"},
                  {Identifier::Type::ip, "192.0.2.1"}};
    std::map<TargetName, config::Target> targets;
    CHECK(tlsa_owners(spec, targets) == std::vector<std::string>{"_443._tcp.example.com"});
    spec.targets = {{"mail"}, {"gone"}};
    targets[{"mail"}].verify.addresses = {{StartTls::smtp, "127.0.0.1:25"}, {StartTls::none, ":465"}};
    CHECK(tlsa_owners(spec, targets) == std::vector<std::string>{"_25._tcp.example.com", "_465._tcp.example.com"});
}

TEST_CASE("each certificate of the live version and each next key is shown with its own pin") {
    const PrivateKey key = known_key();
    const std::vector<Identifier> names{{Identifier::Type::dns, "example.com"}};
    const Time now = parse_rfc3339("2026-11-27T12:00:00Z").value();
    StoredKeys keys;
    keys.live.emplace();
    keys.live->cert = make_self_signed(PrivateKey::generate(KeyType::ecdsa_p256), names, now, now + days(1)).pem();
    keys.live->further[KeyType::ecdsa_p384].cert = make_self_signed(key, names, now, now + days(1)).pem();
    keys.next = {{KeyType::ecdsa_p256, key_pem, now}, {KeyType::rsa_2048, "damage", now}};
    keys.owners = {"_443._tcp.example.com"};
    api::Lineage view;
    view.certificates.resize(3);
    view.certificates[0].key_type = "ecdsa-p256";
    view.certificates[1].key_type = "ecdsa-p384";
    view.certificates[2].key_type = "rsa-2048";
    add_pins(view, keys);
    CHECK(view.certificates[0].pin.starts_with("sha256/"));
    CHECK(view.certificates[0].pin != pin);
    CHECK(view.certificates[1].pin == pin);
    CHECK(view.certificates[1].tlsa == tlsa);
    CHECK(view.certificates[2].pin.empty());
    REQUIRE(view.next_keys.size() == 1);
    CHECK(view.next_keys[0].key_type == "ecdsa-p256");
    CHECK(view.next_keys[0].pin == pin);
    CHECK(view.next_keys[0].created == now);
    CHECK(view.tlsa_owners == keys.owners);
    CHECK(next_key_sentences(view) ==
          std::vector<std::string>{"The next version will have the ecdsa-p256 key that exists since "
                                   "2026-11-27T12:00:00Z, with the pin " +
                                   pin + "."});
}
