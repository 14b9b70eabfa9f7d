// Versions whose private key the operator has.
#include "tests/support/catch.hpp"
#include "tests/unit/store/store_builders.hpp"

using namespace certd;
using namespace certd::test;

namespace {

NewVersion version_for_request(int serial) {
    NewVersion version = version_of(serial);
    version.files.privkey.clear();
    version.facts.csr_key_sha256 = std::string(64, 'a');
    version.facts.order_urls = {fmt::format("https://ca.example/order/{}", serial)};
    return version;
}

}  // namespace

TEST_CASE("a version for a request has no key file, and is read back and recognised without one") {
    World world;
    NewVersion made = version_for_request(1);
    VersionFacts facts = must(world.store.add_version(name_of(), made));
    CHECK_FALSE(must(exists(world.files, world.version_path(1) / "privkey.pem")));
    CHECK(must(world.files.read(world.version_path(1) / "fullchain.pem", 1000)) == made.files.fullchain);
    VersionFiles files = must(world.store.read_version(name_of(), {1}));
    CHECK(same(files, made.files));
    CHECK(files.privkey.empty());
    CHECK(must(world.store.version(name_of(), {1})).csr_key_sha256 == made.facts.csr_key_sha256);
    // Adding it again is no second version.
    CHECK(must(world.store.add_version(name_of(), made)).number == facts.number);
}

TEST_CASE("a start takes a live version without a key for whole only when it never had one") {
    World world;
    must(world.store.add_version(name_of(), version_for_request(1)));
    must(world.store.set_live(name_of(), {1}));
    must(world.store.save_state(name_of(), state_of(1)));
    world.issue(2);
    CHECK(world.store.recover().damaged.empty());
    must(world.store.set_live(name_of(), {1}));
    Recovery found = world.store.recover();
    CHECK(found.damaged.empty());
    CHECK(must(world.store.live(name_of())) == VersionNumber{1});

    must(world.store.set_live(name_of(), {2}));
    must(world.files.change(change::Remove{world.version_path(2) / "privkey.pem"}));
    found = world.store.recover();
    REQUIRE(found.damaged.size() == 1);
    CHECK(found.damaged.front().second.code == "storage.corrupt");
    CHECK(must(world.store.live(name_of())) == VersionNumber{1});
}

TEST_CASE("an order for a request is kept and recognised without a key") {
    World world;
    acme::OrderRecord order = order_of(1, "https://ca.example/order/1");
    order.key_pem.clear();
    must(world.store.save_order(name_of(), order));
    auto loaded = must(world.store.load_order(name_of()));
    REQUIRE(loaded);
    CHECK(loaded->key_pem.empty());
    CHECK(loaded->csr_der == order.csr_der);
    must(world.store.add_version(name_of(), version_for_request(1)));
    CHECK_FALSE(must(world.store.load_order(name_of())));
}
