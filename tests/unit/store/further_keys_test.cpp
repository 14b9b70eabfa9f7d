// Versions with a certificate for each of several keys: there as a whole or not at all.
#include "tests/support/catch.hpp"
#include "tests/unit/store/store_builders.hpp"

using namespace certd;
using namespace certd::test;

namespace {

constexpr KeyType further = KeyType::rsa_2048;

NewVersion version_with_two_keys(int serial) {
    NewVersion version = version_of(serial), second = version_of(serial + 100);
    CertificateFacts facts = second.facts.first();
    facts.key_type = further;
    version.facts.further = {facts};
    version.facts.order_urls = {fmt::format("https://ca.example/order/{}", serial),
                                fmt::format("https://ca.example/order/{}-rsa", serial)};
    version.files.further[further] = second.files;
    version.further_alternates[further] = {"alternate\n"};
    return version;
}

}  // namespace

TEST_CASE("the files of a further key are in a directory of the version and follow `live`") {
    World world;
    NewVersion made = version_with_two_keys(1);
    VersionFacts facts = must(world.store.add_version(name_of(), made));
    must(world.store.set_live(name_of(), facts.number));
    Path directory = world.version_path(1) / "rsa-2048";
    CHECK(must(world.files.read(directory / "privkey.pem", 1000)) == key_text(101));
    CHECK(must(world.files.read(directory / "alternate-1.pem", 1000)) == "alternate\n");
    CHECK(must(world.files.inspect(directory)).mode == 0700);
    CHECK(must(world.files.inspect(directory / "privkey.pem")).mode == 0600);

    VersionFiles files = must(world.store.read_version(name_of(), {1}));
    CHECK(same(files, made.files));
    REQUIRE(files.further.size() == 1);
    CHECK(files.further.at(further).fullchain == made.files.further.at(further).fullchain);
    CHECK(must(world.store.version(name_of(), {1})) == facts);
    // Adding it again is no second version.
    CHECK(must(world.store.add_version(name_of(), made)).number == VersionNumber{1});
}

TEST_CASE("damage to a further key's file is found, and retention removes its directory") {
    World world;
    must(world.store.add_version(name_of(), version_with_two_keys(1)));
    must(world.store.add_version(name_of(), version_with_two_keys(2)));
    must(world.store.set_live(name_of(), {2}));
    Path file = world.version_path(2) / "rsa-2048/cert.pem";
    must(world.files.change(change::Remove{file}));
    must(world.files.create(file, "cert 9\n", {}));
    CHECK(world.store.read_version(name_of(), {2}).error().code == "storage.corrupt");
    must(world.store.prune(name_of(), 1, {}));
    CHECK(must(world.store.versions(name_of())).size() == 1);
    CHECK(must(exists(world.files, world.version_path(1))) == false);
    CHECK(count_temps(world.files) == 0);
}

TEST_CASE("each key has an order of its own, and all are over with the version they led to") {
    World world;
    acme::OrderRecord first = order_of(1, "https://ca.example/order/1");
    acme::OrderRecord second = order_of(101, "https://ca.example/order/1-rsa");
    first.chains = {"chain\n", "other\n"};
    first.key_created = at(5);
    must(world.store.save_order(name_of(), first));
    must(world.store.save_order(name_of(), second, further));
    auto loaded = must(world.store.load_order(name_of()));
    REQUIRE(loaded);
    CHECK(loaded->chains == first.chains);
    CHECK(loaded->key_created == at(5));
    REQUIRE(must(world.store.load_order(name_of(), further)));
    CHECK(must(world.store.load_order(name_of(), further))->key_pem == key_text(101));

    must(world.store.add_version(name_of(), version_with_two_keys(1)));
    CHECK_FALSE(must(world.store.load_order(name_of())));
    CHECK_FALSE(must(world.store.load_order(name_of(), further)));
    SECTION("what is left of them goes at the next start") {
        CHECK(world.store.recover().damaged.empty());
    }
    SECTION("or at once") {
        must(world.store.drop_orders(name_of()));
    }
    CHECK(must(world.files.list(root / "lineages/example.com/order")).empty());
}

TEST_CASE("an order that uses the key of the newest version again is not over with that version") {
    World world;
    NewVersion version = version_of(1);
    version.facts.order_urls = {"https://ca.example/order/1"};
    must(world.store.add_version(name_of(), version));
    must(world.store.save_order(name_of(), order_of(1, "https://ca.example/order/2")));
    CHECK(must(world.store.load_order(name_of())));
    must(world.store.save_order(name_of(), order_of(1, "https://ca.example/order/1")));
    CHECK_FALSE(must(world.store.load_order(name_of())));
}

TEST_CASE("a crash at any operation leaves a version with all of its keys, or none") {
    bool torn = GENERATE(false, true);
    for (std::size_t operation = 0;; ++operation) {
        INFO("crash at operation " << operation);
        MemoryFileSystem files;
        make_parents(files);
        must(Store(files, root).open());
        bool acknowledged = false;
        bool crashed = false;
        FaultPlan plan;
        plan.crash_at = operation;
        plan.torn = torn;
        files.plan(plan);
        try {
            Store store(files, root);
            must(store.save_order(name_of(), order_of(1)));
            must(store.save_order(name_of(), order_of(101), further));
            must(store.add_version(name_of(), version_with_two_keys(1)));
            acknowledged = true;
            must(store.drop_orders(name_of()));
        } catch (const SimulatedCrash&) {
            crashed = true;
        }
        files.plan({});
        Store store(files, root);
        must(store.open());
        CHECK(store.recover().damaged.empty());
        std::vector<VersionFacts> versions = must(store.versions(name_of()));
        if (acknowledged) CHECK(versions.size() == 1);
        for (const VersionFacts& facts : versions) {
            CHECK(facts.further.size() == 1);
            CHECK(store.read_version(name_of(), facts.number));
        }
        if (!crashed) {
            CHECK(operation > 20);
            break;
        }
    }
}
