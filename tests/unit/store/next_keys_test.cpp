// Keys made ahead, on disk: whole or not at all, whatever happens, and open to nobody.
#include "tests/support/catch.hpp"
#include "tests/unit/store/store_builders.hpp"

using namespace certd;
using namespace certd::test;

namespace {

constexpr std::size_t power_loss_limit = 24;

std::vector<NextKey> keys_of(int serial) {
    return {{KeyType::ecdsa_p256, key_text(serial), at(serial)}, {KeyType::rsa_2048, key_text(-serial), at(serial)}};
}

Path file() {
    return root / "lineages/example.com/next-keys.json";
}

}  // namespace

TEST_CASE("keys made ahead come back as they were stored, in a file for nobody else, and are replaced as a whole") {
    World world;
    CHECK(world.store.load_next_keys(name_of()).value().empty());
    must(world.store.save_next_keys(name_of(), keys_of(1)));
    CHECK(world.store.load_next_keys(name_of()).value() == keys_of(1));
    CHECK((world.files.inspect(file()).value().mode & 0777) == 0600);
    must(world.store.save_next_keys(name_of(), {keys_of(2).front()}));
    CHECK(world.store.load_next_keys(name_of()).value() == std::vector<NextKey>{keys_of(2).front()});
}

TEST_CASE("damaged keys, and those of another lineage, are not taken, and can be set aside") {
    World world;
    must(world.store.save_next_keys(name_of(), keys_of(1)));
    SECTION("damaged") {
        world.files.overwrite(file(), "damage");
    }
    SECTION("of another lineage") {
        must(world.store.save_next_keys(name_of("other"), keys_of(2)));
        world.files.overwrite(file(), must(world.files.read(root / "lineages/other/next-keys.json", 10000)));
    }
    const auto loaded = world.store.load_next_keys(name_of());
    REQUIRE_FALSE(loaded);
    CHECK(loaded.error().code == "storage.corrupt");
    must(world.store.set_next_keys_aside(name_of()));
    CHECK(world.store.load_next_keys(name_of()).value().empty());
    CHECK(world.files.inspect(root / "lineages/example.com/next-keys.json.damaged").value().kind ==
          FileStatus::Kind::file);
}

TEST_CASE("a key is known to be in a version for as long as that is kept") {
    World world;
    world.issue(1);
    CHECK(must(world.store.is_in_a_version(name_of(), key_text(1))));
    CHECK_FALSE(must(world.store.is_in_a_version(name_of(), key_text(2))));
    CHECK_FALSE(must(world.store.is_in_a_version(name_of("other"), key_text(1))));
    NewVersion two = version_of(2);
    CertificateFacts rsa;
    rsa.key_type = KeyType::rsa_2048;
    rsa.not_before = at(2);
    rsa.not_after = at(2) + days(90);
    two.facts.further = {rsa};
    two.files.further[KeyType::rsa_2048].privkey = key_text(-2);
    must(world.store.add_version(name_of(), two));
    CHECK(must(world.store.is_in_a_version(name_of(), key_text(-2))));
}

TEST_CASE("a file with keys made ahead that others may read is refused at the start") {
    World world;
    must(world.store.save_next_keys(name_of(), keys_of(1)));
    for (const char* path : {".", "live", "lineages", "lineages/example.com"})
        world.files.set_mode(root / path, 0755);
    REQUIRE(world.store.open());
    world.files.set_mode(file(), 0640);
    const auto opened = world.store.open();
    REQUIRE_FALSE(opened);
    CHECK(opened.error().code == "storage.permissions");
}

TEST_CASE("a crash or power loss at any operation leaves the old keys or the new, and those acknowledged") {
    const bool torn = GENERATE(false, true);
    for (std::size_t operation = 0;; ++operation) {
        INFO("crash at operation " << operation);
        MemoryFileSystem files;
        make_parents(files);
        int done = 0;
        bool finished = false;
        FaultPlan plan;
        plan.crash_at = operation;
        plan.torn = torn;
        files.plan(plan);
        try {
            Store store(files, root);
            must(store.open());
            for (int serial = 1; serial <= 2; ++serial) {
                must(store.save_next_keys(name_of(), keys_of(serial)));
                done = serial;
            }
            finished = true;
        } catch (const SimulatedCrash&) {}
        files.plan({});
        const auto look = [&](MemoryFileSystem& left) {
            if (left.inspect(root).value().kind == FileStatus::Kind::missing) {
                CHECK(done == 0);
                return;
            }
            Store store(left, root);
            REQUIRE(store.open());
            CHECK(store.recover().damaged.empty());
            const std::vector<NextKey> keys = store.load_next_keys(name_of()).value();
            const bool old_ones = keys == (done == 0 ? std::vector<NextKey>() : keys_of(done));
            CHECK((old_ones || keys == keys_of(done + 1)));
            must(store.save_next_keys(name_of(), keys_of(9)));
            CHECK(store.load_next_keys(name_of()).value() == keys_of(9));
        };
        files.each_power_loss(power_loss_limit, look);
        look(files);
        if (finished) {
            CHECK(operation > 10);
            return;
        }
        REQUIRE(operation < 200);
    }
}
