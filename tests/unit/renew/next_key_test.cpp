// Which key the next version gets: each is used up by one version, and none that was compromised is used.
#include "daemon/renew/next_key.hpp"
#include "libacme/crypto/digest.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/memory_file_system.hpp"

using namespace certd;
using namespace certd::test;

namespace {

const Time now = parse_rfc3339("2026-11-27T12:00:00Z").value();

struct Bed {
    MemoryFileSystem files;
    Store store{files, "/state"};
    config::Lineage spec;
    LineageName name = LineageName::parse("shop").value();

    Bed() {
        REQUIRE(store.open());
        spec.name = "shop";
        spec.next_key = true;
    }
    NextKeys ensure(Time at = now) { return ensure_next_keys(store, spec, at).value(); }
    std::string key(KeyType type = KeyType::ecdsa_p256) { return ensure().of(type).pem; }
    void add_version(const std::string& key_pem) {
        NewVersion version;
        version.facts.names = {{Identifier::Type::dns, "shop.example"}};
        version.facts.ca = {"main"};
        version.facts.fingerprint = sha256_hex(key_pem);
        version.facts.not_before = version.facts.issued_at = now;
        version.facts.not_after = now + days(90);
        version.files.privkey = key_pem;
        version.files.cert = version.files.chain = version.files.fullchain = "text";
        REQUIRE(store.add_version(name, version));
    }
};

}  // namespace

TEST_CASE("a next key is made once, and is the same until a version has it") {
    Bed bed;
    const NextKeys first = bed.ensure();
    CHECK(first.made == std::vector<KeyType>{KeyType::ecdsa_p256});
    const NextKeys again = bed.ensure(now + days(30));
    CHECK(again.made.empty());
    CHECK(again.keys == first.keys);
    CHECK(again.of(KeyType::ecdsa_p256).created == now);

    bed.add_version(first.keys.front().key_pem);
    const NextKeys next = bed.ensure(now + days(60));
    CHECK(next.made.size() == 1);
    CHECK(next.keys.front().key_pem != first.keys.front().key_pem);
    CHECK(next.keys.front().created == now + days(60));
}

TEST_CASE("a version with another key does not use up the next one") {
    Bed bed;
    const std::string key = bed.key();
    bed.add_version(PrivateKey::generate(KeyType::ecdsa_p256).pem());
    CHECK(bed.key() == key);
}

TEST_CASE("a next key that was compromised is replaced, one whose neighbour was is not") {
    Bed bed;
    const std::string key = bed.key();
    const PrivateKey live = PrivateKey::generate(KeyType::ecdsa_p256);
    REQUIRE(bed.store.burn_key(sha256_hex(live.public_key_der())));
    CHECK(bed.key() == key);
    REQUIRE(bed.store.burn_key(sha256_hex(PrivateKey::from_pem(key)->public_key_der())));
    CHECK(bed.key() != key);
}

TEST_CASE("each type of key has its own, and a type that is no longer wanted goes") {
    Bed bed;
    const std::string ecdsa = bed.key();
    bed.spec.keys = {KeyType::ecdsa_p256, KeyType::ecdsa_p384};
    const NextKeys both = bed.ensure();
    CHECK(both.made == std::vector<KeyType>{KeyType::ecdsa_p384});
    CHECK(both.of(KeyType::ecdsa_p256).pem == ecdsa);
    CHECK(PrivateKey::from_pem(both.of(KeyType::ecdsa_p384).pem)->type() == KeyType::ecdsa_p384);
    bed.spec.keys = {KeyType::ecdsa_p384};
    bed.ensure();
    REQUIRE(bed.store.load_next_keys(bed.name).value().size() == 1);
    bed.spec.keys = {KeyType::ecdsa_p256};
    CHECK(bed.key() != ecdsa);
}

TEST_CASE("damaged next keys are set aside and told of, and new ones made") {
    Bed bed;
    const std::string key = bed.key();
    bed.files.overwrite("/state/lineages/shop/next-keys.json", "damage");
    const NextKeys made = bed.ensure();
    REQUIRE(made.damage);
    CHECK(made.damage->code == "storage.corrupt");
    CHECK(made.keys.front().key_pem != key);
    CHECK_FALSE(bed.ensure().damage);
}

TEST_CASE("a next key that cannot be stored is not handed out") {
    Bed bed;
    bed.ensure();
    bed.add_version(bed.key());
    FaultPlan full;
    full.fail_at = 0;
    full.code = "storage.full";
    bed.files.plan(full);
    const auto refused = ensure_next_keys(bed.store, bed.spec, now);
    REQUIRE_FALSE(refused);
}
