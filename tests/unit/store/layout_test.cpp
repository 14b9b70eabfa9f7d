// Names become paths one to one and never leave the state directory (faults S19).
#include "tests/support/catch.hpp"
#include "tests/unit/store/store_builders.hpp"

#include "daemon/store/layout.hpp"

#include <random>
#include <set>

using namespace certd;
using namespace certd::test;

TEST_CASE("whatever becomes a lineage name becomes a path of its own inside the state directory") {
    std::mt19937 engine(5);
    const std::string letters = "abcdefgh0123._-/*~\\A %:\n";
    std::set<std::string> names, paths;
    Store store(*std::make_unique<MemoryFileSystem>(), root);
    for (int round = 0; round < 20'000; ++round) {
        std::string text(engine() % 8, ' ');
        for (char& letter : text)
            letter = letters[engine() % letters.size()];
        Result<LineageName> name = LineageName::parse(text);
        if (!name) continue;
        names.insert(name->text());
        for (const Path& path :
             {layout::lineage(root, *name), store.live_path(*name), layout::order_file(root, *name)}) {
            Path normal = path.lexically_normal();
            CHECK(normal == path);
            CHECK(normal.string().starts_with(root.string() + "/"));
        }
        paths.insert(layout::lineage(root, *name).string());
        CHECK_FALSE(layout::is_temp(name->text()));
    }
    CHECK(names.size() > 500);
    CHECK(paths.size() == names.size());
}

TEST_CASE("names of CAs and targets that are no path components are refused") {
    World world;
    for (const char* name : {"", ".", "..", "../x", "a/b", "A", ".tmp-x"}) {
        CHECK_FALSE(world.store.save_account_key({name}, "https://ca.example", "key"));
        CHECK_FALSE(world.store.load_account({name}));
        CHECK_FALSE(world.store.save_deploy_journal(name_of(), {{name}, {1}, {}, {}}));
        CHECK_FALSE(world.store.drop_deploy_journal(name_of(), {{name}}));
    }
}

TEST_CASE("version names are read back only in the form in which they are written") {
    for (std::uint32_t number : {1U, 9U, 10U, 9999U, 10'000U, 4'000'000'000U}) {
        CHECK(layout::parse_version_name(layout::version_name({number})) == VersionNumber{number});
    }
    CHECK(layout::version_name({7}) == "0007");
    for (const char* text : {"", "0", "0000", "7", "007", "00007", "-001", "+001", "0007x", " 007", "0007.damaged",
                             ".tmp-0007", "99999999999"}) {
        CHECK_FALSE(layout::parse_version_name(text));
    }
    CHECK(layout::number_taken_by("0007.damaged") == VersionNumber{7});
}

TEST_CASE("a live link is read back only when it names a version of its own lineage") {
    CHECK(layout::parse_live_target(name_of(), layout::live_target(name_of(), {7})) == VersionNumber{7});
    for (const char* target :
         {"", "/etc", "../lineages/other/versions/0007", "../lineages/example.com/versions/../0007",
          "../lineages/example.com/versions/0007/", "../lineages/example.com/versions/.tmp-0007"}) {
        CHECK_FALSE(layout::parse_live_target(name_of(), target));
    }
}

TEST_CASE("a state directory of a later release is refused and left alone") {
    World world;
    world.files.overwrite(root / "layout", "2\n");
    Result<void> opened = Store(world.files, root).open();
    REQUIRE_FALSE(opened);
    CHECK(opened.error().code == "storage.newerLayout");
    CHECK(world.files.read(root / "layout", 10).value() == "2\n");
    world.files.overwrite(root / "layout", GENERATE("", "one\n", "1", "0\n", "-1\n", "1\n1\n"));
    CHECK(Store(world.files, root).open().error().code == "storage.corrupt");
}

TEST_CASE("the state directory itself may be reached through a symlink") {
    World world;
    world.issue(1);
    must(world.files.change(change::Symlink{root.string(), "/var/certd"}));
    Store store(world.files, "/var/certd");
    REQUIRE(store.open());
    CHECK(store.recover().damaged.empty());
    CHECK(store.live(name_of()).value() == VersionNumber{1});
}
