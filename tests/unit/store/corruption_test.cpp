// Damage on disk (faults F38): noticed, told, and the version before used when the live one cannot be.
#include "tests/support/catch.hpp"
#include "tests/unit/store/store_builders.hpp"

#include "libacme/crypto/certificate.hpp"

using namespace certd;
using namespace certd::test;

namespace {

// With a key and certificate that are real, so that what still serves can be told from what does not.
NewVersion real_version(int serial) {
    static const PrivateKey keys[] = {PrivateKey::generate(KeyType::ecdsa_p256),
                                      PrivateKey::generate(KeyType::ecdsa_p256),
                                      PrivateKey::generate(KeyType::ecdsa_p256)};
    const PrivateKey& key = keys[serial % 3];
    NewVersion version = version_of(serial);
    version.files.privkey = key.pem();
    version.files.cert = make_self_signed(key, version.facts.names, at(serial), at(serial) + days(90)).pem();
    version.files.fullchain = version.files.cert;
    return version;
}

// Versions 1 and 2, the second live.
struct DamagedWorld : World {
    DamagedWorld() {
        for (int serial : {1, 2}) {
            VersionNumber number = store.add_version(name_of(), real_version(serial)).value().number;
            must(store.set_live(name_of(), number));
        }
        must(store.save_state(name_of(), state_of(2)));
    }
    void damage(const Path& file, const std::function<std::string(std::string)>& how) {
        files.overwrite(file, how(files.read(file, 1 << 20).value()));
    }
    VersionNumber live() { return store.live(name_of()).value(); }
};

std::string truncated(const std::string& text) {
    return text.substr(0, text.size() / 2);
}
std::string emptied(const std::string&) {
    return {};
}
std::string zero_filled(const std::string& text) {
    return truncated(text) + std::string(text.size() - text.size() / 2, '\0');
}
std::string doubled(const std::string& text) {
    return text + text.substr(text.size() / 2);
}

bool told_corrupt(const Recovery& recovery) {
    return std::ranges::any_of(recovery.damaged, [](const auto& entry) {
        return entry.first == "example.com" && entry.second.code == "storage.corrupt";
    });
}

}  // namespace

TEST_CASE("every flipped bit of a record or state is noticed") {
    DamagedWorld world;
    must(world.store.save_order(name_of(), order_of(3)));
    struct {
        Path file;
        std::function<bool()> refused;
    } cases[] = {
        {world.version_path(2) / "version.json",
         [&] { return world.store.version(name_of(), {2}).error().code == "storage.corrupt"; }},
        {root / "lineages/example.com/state.json",
         [&] { return world.store.load_state(name_of()).error().code == "storage.corrupt"; }},
        {root / "lineages/example.com/order/order.json",
         [&] { return world.store.load_order(name_of()).error().code == "storage.corrupt"; }},
    };
    for (auto& one : cases) {
        std::string text = world.files.read(one.file, 1 << 20).value();
        for (std::size_t byte = 0; byte < text.size(); ++byte) {
            std::string flipped = text;
            flipped[byte] = static_cast<char>(flipped[byte] ^ (1 << (byte % 8)));
            world.files.overwrite(one.file, flipped);
            INFO(one.file.string() << " byte " << byte);
            REQUIRE(one.refused());
        }
        for (auto how : {truncated, emptied, zero_filled, doubled}) {
            world.files.overwrite(one.file, how(text));
            REQUIRE(one.refused());
        }
        world.files.overwrite(one.file, text);
    }
}

TEST_CASE("every flipped byte of a version's files is noticed when it is read") {
    DamagedWorld world;
    for (const char* file : {"privkey.pem", "cert.pem", "chain.pem", "fullchain.pem"}) {
        Path path = world.version_path(2) / file;
        std::string text = world.files.read(path, 1 << 20).value();
        for (std::size_t byte = 0; byte < text.size(); byte += 7) {
            std::string flipped = text;
            flipped[byte] = static_cast<char>(flipped[byte] ^ 1);
            world.files.overwrite(path, flipped);
            REQUIRE(world.store.read_version(name_of(), {2}).error().code == "storage.corrupt");
        }
        world.files.overwrite(path, text);
    }
    CHECK(world.store.read_version(name_of(), {2}));
}

TEST_CASE("a live version without its key is put aside at the start, and live goes back to the one before") {
    DamagedWorld world;
    must(world.files.change(change::Remove{world.version_path(2) / "privkey.pem"}));
    CHECK(told_corrupt(world.store.recover()));
    CHECK(world.live() == VersionNumber{1});
    CHECK(world.store.read_version(name_of(), world.live()));
    Path aside = root / "lineages/example.com/versions/0002.damaged";
    CHECK(world.files.inspect(aside).value().kind == FileStatus::Kind::directory);
    CHECK(world.store.recover().damaged.empty());
    CHECK(world.store.add_version(name_of(), real_version(3)).value().number == VersionNumber{3});
}

TEST_CASE("a live version that lacks any file is put aside once it is examined") {
    DamagedWorld world;
    const char* file = GENERATE("privkey.pem", "cert.pem", "chain.pem", "fullchain.pem");
    must(world.files.change(change::Remove{world.version_path(2) / file}));
    CHECK(world.store.read_version(name_of(), {2}).error().code == "storage.corrupt");
    CHECK(told_corrupt(world.store.examine(name_of())));
    CHECK(world.live() == VersionNumber{1});
}

TEST_CASE("a live link to nothing goes back to the newest version") {
    DamagedWorld world;
    must(remove_tree(world.files, world.version_path(2)));
    CHECK(told_corrupt(world.store.recover()) == false);
    CHECK(world.live() == VersionNumber{1});
}

TEST_CASE("a key that does not fit its certificate is never served once it is examined") {
    DamagedWorld world;
    auto how = GENERATE(as<std::string (*)(const std::string&)>(), truncated, emptied, zero_filled);
    SECTION("the key is damaged") {
        world.damage(world.version_path(2) / "privkey.pem", how);
    }
    SECTION("the certificate is damaged") {
        world.damage(world.version_path(2) / "cert.pem", how);
    }
    SECTION("the chain is damaged") {
        world.damage(world.version_path(2) / "fullchain.pem", how);
    }
    SECTION("the key is the other version's") {
        world.files.overwrite(world.version_path(2) / "privkey.pem", real_version(1).files.privkey);
    }
    Recovery recovery = world.store.examine(name_of());
    CHECK(told_corrupt(recovery));
    CHECK(world.live() == VersionNumber{1});
    CHECK(world.store.version(name_of(), {2}).error().code == "storage.missing");
}

TEST_CASE("a live version that still serves stays, with its damage told") {
    DamagedWorld world;
    SECTION("the record is cut short") {
        world.damage(world.version_path(2) / "version.json", truncated);
    }
    SECTION("the record is another version's") {
        world.files.overwrite(world.version_path(2) / "version.json",
                              world.files.read(world.version_path(1) / "version.json", 9999).value());
    }
    SECTION("somebody put another pair there") {
        NewVersion other = real_version(3);
        world.files.overwrite(world.version_path(2) / "privkey.pem", other.files.privkey);
        world.files.overwrite(world.version_path(2) / "cert.pem", other.files.cert);
        world.files.overwrite(world.version_path(2) / "fullchain.pem", other.files.fullchain);
    }
    CHECK(told_corrupt(world.store.examine(name_of())));
    CHECK(world.live() == VersionNumber{2});
    CHECK(world.files.inspect(world.version_path(2)).value().kind == FileStatus::Kind::directory);
}

TEST_CASE("a damaged live version without any other stays where it is") {
    World world;
    must(world.store.add_version(name_of(), real_version(1)));
    must(world.store.set_live(name_of(), {1}));
    world.files.overwrite(world.version_path(1) / "privkey.pem", "");
    CHECK(told_corrupt(world.store.examine(name_of())));
    CHECK(world.store.live(name_of()).value() == VersionNumber{1});
    CHECK(world.files.inspect(world.version_path(1)).value().kind == FileStatus::Kind::directory);
}

TEST_CASE("live does not go back to a version that was rolled back from while there is another") {
    World world;
    for (int serial = 1; serial <= 4; ++serial)
        must(world.store.add_version(name_of(), real_version(serial)));
    must(world.store.set_live(name_of(), {4}));
    LineageState state = state_of(4);
    state.rejected = {{3}};
    must(world.store.save_state(name_of(), state));
    world.files.overwrite(world.version_path(4) / "privkey.pem", "");
    world.store.examine(name_of());
    CHECK(world.store.live(name_of()).value() == VersionNumber{2});
}

TEST_CASE("a lineage in which work was interrupted is examined at the start") {
    DamagedWorld world;
    must(world.store.save_order(name_of(), order_of(3)));
    world.files.overwrite(world.version_path(2) / "privkey.pem", "");
    CHECK(told_corrupt(world.store.recover()));
    CHECK(world.live() == VersionNumber{1});
    CHECK(world.store.load_order(name_of()).value());
}

TEST_CASE("a damaged order is put aside at the start and a new one can be saved") {
    DamagedWorld world;
    must(world.store.save_order(name_of(), order_of(3)));
    world.damage(root / "lineages/example.com/order/order.json", truncated);
    CHECK(told_corrupt(world.store.recover()));
    CHECK_FALSE(world.store.load_order(name_of()).value());
    CHECK(world.files.read(root / "lineages/example.com/order/order.json.damaged", 9999));
    CHECK(world.store.save_order(name_of(), order_of(4)));
}

TEST_CASE("a damaged state leaves versions and live alone and can be written anew") {
    DamagedWorld world;
    world.damage(root / "lineages/example.com/state.json", zero_filled);
    CHECK(world.store.recover().damaged.empty());
    CHECK(world.live() == VersionNumber{2});
    CHECK(world.store.load_state(name_of()).error().code == "storage.corrupt");
    CHECK(world.store.save_state(name_of(), state_of(2)));
    CHECK(world.store.load_state(name_of()).value() == state_of(2));
}

TEST_CASE("another lineage's files swapped in are refused") {
    DamagedWorld world;
    LineageName other = name_of("other.example");
    must(world.store.save_state(other, state_of(1)));
    must(world.store.save_order(other, order_of(5)));
    must(world.store.add_version(other, real_version(1)));
    for (const char* file : {"state.json", "order/order.json", "versions/0001/version.json"}) {
        std::string text = world.files.read(root / "lineages/other.example" / file, 1 << 20).value();
        if (std::string(file).starts_with("order")) must(world.store.save_order(name_of(), order_of(3)));
        world.files.overwrite(root / "lineages/example.com" / file, text);
    }
    CHECK(world.store.load_state(name_of()).error().code == "storage.corrupt");
    CHECK(world.store.load_order(name_of()).error().code == "storage.corrupt");
    CHECK(world.store.version(name_of(), {1}).error().code == "storage.corrupt");
    CHECK(world.store.versions(name_of()).value().size() == 1);
}

TEST_CASE("a live entry that is no link of ours is told and replaced by one to the newest sound version") {
    DamagedWorld world;
    must(world.files.change(change::Remove{root / "live/example.com"}));
    must(world.files.change(change::Symlink{"/etc/letsencrypt/live/example.com", root / "live/example.com"}));
    CHECK(world.store.live(name_of()).error().code == "storage.corrupt");
    CHECK(told_corrupt(world.store.recover()));
    CHECK(world.live() == VersionNumber{2});
}

TEST_CASE("a live link whose lineage is gone is told") {
    DamagedWorld world;
    must(remove_tree(world.files, root / "lineages/example.com"));
    CHECK(told_corrupt(world.store.recover()));
}

TEST_CASE("names that certd did not make are left alone") {
    DamagedWorld world;
    must(world.files.create(root / "lineages/NOTES", "by an administrator", {}));
    must(world.files.change(change::MakeDirectory{world.version_path(2).parent_path() / "backup"}));
    CHECK(world.store.recover().damaged.empty());
    CHECK(world.store.lineages().value().size() == 1);
    CHECK(world.files.read(root / "lineages/NOTES", 100));
    CHECK(world.store.versions(name_of()).value().size() == 2);
}
