// The store's ordinary work.
#include "tests/support/catch.hpp"
#include "tests/support/temp_directory.hpp"
#include "tests/unit/store/store_builders.hpp"

#include <fstream>

#include <sys/stat.h>

using namespace certd;
using namespace certd::test;

TEST_CASE("a new state directory is empty") {
    World world;
    CHECK(world.store.lineages().value().empty());
    CHECK_FALSE(world.store.load_state(name_of()).value());
    CHECK_FALSE(world.store.load_order(name_of()).value());
    CHECK(world.store.versions(name_of()).value().empty());
    CHECK(world.store.live(name_of()).value() == VersionNumber{});
    CHECK(world.store.deploy_journals(name_of()).value().empty());
    CHECK(world.store.version(name_of(), {1}).error().code == "storage.missing");
    CHECK(world.store.set_live(name_of(), {1}).error().code == "storage.missing");
    CHECK(world.store.drop_order(name_of()));
    CHECK(world.store.drop_deploy_journal(name_of(), {{"web"}}));
    CHECK(world.store.prune(name_of(), 5, {}));
    CHECK(world.store.probe());
    CHECK(world.store.recover().notes.empty());
}

TEST_CASE("a state directory is opened again and again without a change") {
    World world;
    world.issue(1);
    world.files.record(true);
    REQUIRE(Store(world.files, root).open());
    for (const std::string& line : world.files.log()) {
        CHECK((line.starts_with("inspect") || line.starts_with("list") || line.starts_with("read")));
    }
}

TEST_CASE("versions are numbered from one and read back as they were given") {
    World world;
    NewVersion second = version_of(2);
    second.alternates = {"alternate chain\n"};
    CHECK(world.add(1) == VersionNumber{1});
    VersionFacts facts = world.store.add_version(name_of(), second).value();
    CHECK(facts.number == VersionNumber{2});
    second.facts.number = {2};
    CHECK(facts == second.facts);
    CHECK(world.store.version(name_of(), {2}).value() == second.facts);
    CHECK(same(world.store.read_version(name_of(), {2}).value(), second.files));
    CHECK(world.store.versions(name_of()).value().size() == 2);
    CHECK(world.files.read(world.version_path(2) / "alternate-1.pem", 100).value() == "alternate chain\n");
    CHECK(world.store.lineages().value() == std::vector<LineageName>{name_of()});
}

TEST_CASE("live names one version and is switched by one rename") {
    World world;
    world.issue(1);
    world.add(2);
    CHECK(world.store.live(name_of()).value() == VersionNumber{1});
    world.files.record(true);
    REQUIRE(world.store.set_live(name_of(), {2}));
    CHECK(std::ranges::count_if(world.files.log(), [](const std::string& line) {
              return line.ends_with("-> /var/lib/certd/live/example.com");
          }) == 1);
    CHECK(world.store.live(name_of()).value() == VersionNumber{2});
    CHECK(world.files.inspect(root / "live/example.com").value().link_target ==
          "../lineages/example.com/versions/0002");
    CHECK(world.files.read(root / "live/example.com/cert.pem", 100).value() == "cert 2\n");
}

TEST_CASE("every file of the state directory is for its owner only") {
    World world;
    world.issue(1);
    must(world.store.save_order(name_of(), order_of(2)));
    must(world.store.save_account_key({"local"}, "https://ca.example/directory", key_text(0)));
    for (const Path& path : all_paths(world.files, root)) {
        FileStatus status = world.files.inspect(path).value();
        INFO(path.string());
        if (status.kind == FileStatus::Kind::directory) CHECK(status.mode == 0700);
        if (status.kind == FileStatus::Kind::file) CHECK(status.mode == 0600);
    }
}

TEST_CASE("numbers above 9999 go on and stay in order") {
    World world;
    world.add(1);
    must(world.files.change(change::Rename{world.version_path(1), world.version_path(9999)}));
    CHECK(world.add(2) == VersionNumber{10'000});
    CHECK(world.add(3) == VersionNumber{10'001});
    must(world.store.set_live(name_of(), {10'001}));
    CHECK(world.store.live(name_of()).value() == VersionNumber{10'001});
}

TEST_CASE("a lineage's state is read back as it was saved") {
    World world;
    must(world.store.save_state(name_of(), state_of(1)));
    CHECK(world.store.load_state(name_of()).value() == state_of(1));
    must(world.store.save_state(name_of(), state_of(2)));
    CHECK(world.store.load_state(name_of()).value() == state_of(2));
    CHECK(world.store.lineages().value().size() == 1);
}

TEST_CASE("an order is read back as it was saved until it is dropped") {
    World world;
    must(world.store.save_order(name_of(), order_of(1)));
    CHECK(same(*world.store.load_order(name_of()).value(), order_of(1)));
    must(world.store.save_order(name_of(), order_of(1, "https://ca.example/order/7")));
    CHECK(same(*world.store.load_order(name_of()).value(), order_of(1, "https://ca.example/order/7")));
    must(world.store.drop_order(name_of()));
    CHECK_FALSE(world.store.load_order(name_of()).value());
}

TEST_CASE("an order that led to the newest version is finished even if it was not dropped") {
    World world;
    must(world.store.save_order(name_of(), order_of(1)));
    world.add(1);
    CHECK_FALSE(world.store.load_order(name_of()).value());
    must(world.store.save_order(name_of(), order_of(2)));
    CHECK(world.store.load_order(name_of()).value());
}

TEST_CASE("pruning keeps the newest, the live and the wanted versions, and never reuses a number") {
    World world;
    for (int serial = 1; serial <= 7; ++serial)
        world.add(serial);
    must(world.store.set_live(name_of(), {2}));
    must(world.store.prune(name_of(), 2, {{4}}));
    std::vector<std::uint32_t> left;
    for (const VersionFacts& facts : must(world.store.versions(name_of())))
        left.push_back(facts.number.value);
    CHECK(left == std::vector<std::uint32_t>{2, 4, 6, 7});
    CHECK(count_temps(world.files) == 0);
    CHECK(world.add(8) == VersionNumber{8});
}

TEST_CASE("pruning is refused while live cannot be read") {
    World world;
    for (int serial = 1; serial <= 3; ++serial)
        world.add(serial);
    must(world.files.change(change::Symlink{"/etc", root / "live/example.com"}));
    CHECK_FALSE(world.store.prune(name_of(), 1, {}));
    CHECK(world.store.versions(name_of()).value().size() == 3);
}

TEST_CASE("a probe writes, syncs and leaves nothing behind") {
    World world;
    world.files.record(true);
    REQUIRE(world.store.probe());
    CHECK(world.files.log().size() == 2);
    CHECK(count_temps(world.files) == 0);
}

TEST_CASE("an issuance of a known lineage costs 14 syncs, and one more when an old version goes") {
    World world;
    for (int serial = 1; serial <= 5; ++serial)
        world.issue(serial);
    world.files.record(true);
    must(world.store.save_order(name_of(), order_of(6)));
    must(world.store.save_order(name_of(), order_of(6, "https://ca.example/order/6")));
    VersionNumber number = world.add(6);
    must(world.store.drop_order(name_of()));
    must(world.store.set_live(name_of(), number));
    must(world.store.save_state(name_of(), state_of(6)));
    auto syncs = [&] {
        return std::ranges::count_if(world.files.log(), [](const std::string& line) {
            return line.starts_with("create") || line.starts_with("sync");
        });
    };
    CHECK(syncs() == 14);
    must(world.store.prune(name_of(), 5, {}));
    CHECK(syncs() == 15);
}

TEST_CASE("the real file system holds what was stored, under modes that no umask can widen or narrow") {
    TempDirectory directory;
    mode_t before = ::umask(GENERATE(0000, 0077));
    RealFileSystem files;
    Store store(files, directory.path() / "state");
    REQUIRE(store.open());
    REQUIRE(store.save_order(name_of(), order_of(1)));
    VersionNumber number = store.add_version(name_of(), version_of(1)).value().number;
    REQUIRE(store.set_live(name_of(), number));
    REQUIRE(store.save_state(name_of(), state_of(1)));
    ::umask(before);
    struct stat status {};
    REQUIRE(::stat((directory.path() / "state/live/example.com/privkey.pem").c_str(), &status) == 0);
    CHECK((status.st_mode & 07777) == 0600);
    REQUIRE(::stat((directory.path() / "state/lineages/example.com").c_str(), &status) == 0);
    CHECK((status.st_mode & 07777) == 0700);
    Recovery recovery = store.recover();
    CHECK(recovery.damaged.empty());
    CHECK(same(store.read_version(name_of(), number).value(), version_of(1).files));
}
