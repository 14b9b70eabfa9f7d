// A state directory that others could change or read is refused, not repaired (faults F39, S14).
#include "tests/support/catch.hpp"
#include "tests/unit/store/store_builders.hpp"

#include <unistd.h>

using namespace certd;
using namespace certd::test;

namespace {

// With directories that others may enter, so that the modes inside matter.
struct OpenWorld : World {
    OpenWorld() {
        issue(1);
        must(store.save_account_key({"local"}, "https://ca.example/directory", key_text(1)));
        for (const char* path : {".", "live", "lineages", "lineages/example.com"})
            files.set_mode(root / path, 0755);
    }
};

Problem refusal(World& world) {
    Result<void> opened = Store(world.files, root).open();
    REQUIRE_FALSE(opened);
    return opened.error();
}

}  // namespace

TEST_CASE("a directory that others may write is refused") {
    OpenWorld world;
    Path path = root / GENERATE("", "accounts", "accounts/local", "lineages", "lineages/example.com", "live");
    if (path.filename().empty()) path = root;
    mode_t mode = GENERATE(0770, 0702, 0777, 01777);
    world.files.set_mode(path, mode);
    Problem problem = refusal(world);
    CHECK(problem.code == "storage.permissions");
    CHECK(problem.what.find(path.string()) != std::string::npos);
    CHECK(world.files.inspect(path).value().mode == mode);
}

TEST_CASE("a directory that others may look into is accepted") {
    OpenWorld world;
    CHECK(Store(world.files, root).open());
}

TEST_CASE("a key that others may read is refused") {
    OpenWorld world;
    Path path = GENERATE(as<Path>(), "accounts/local/key.pem", "lineages/example.com/versions/0001/privkey.pem");
    world.files.set_mode(root / path, GENERATE(0640, 0604, 0644));
    Problem problem = refusal(world);
    CHECK(problem.code == "storage.permissions");
    CHECK(problem.what.find("may be read by others") != std::string::npos);
}

TEST_CASE("a directory or key of somebody else is refused") {
    OpenWorld world;
    Path path =
        GENERATE(as<Path>(), ".", "lineages", "lineages/example.com", "lineages/example.com/versions/0001/privkey.pem");
    world.files.set_owner(root / path, ::geteuid() + 1);
    CHECK(refusal(world).code == "storage.permissions");
}

TEST_CASE("a symlink in place of a directory is refused") {
    World world;
    world.issue(1);
    Path path = root / GENERATE("live", "lineages", "accounts");
    must(world.files.change(change::Rename{path, "/var/moved"}));
    must(world.files.change(change::Symlink{"/var/moved", path}));
    CHECK(refusal(world).code == "storage.symlink");
}

TEST_CASE("modes inside a directory that nobody else may enter do not matter") {
    OpenWorld world;
    world.files.set_mode(root / "lineages/example.com/versions/0001/privkey.pem", 0644);
    CHECK_FALSE(Store(world.files, root).open());
    world.files.set_mode(root / GENERATE(".", "lineages"), 0700);
    CHECK(Store(world.files, root).open());
}
