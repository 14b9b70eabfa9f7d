// The test file systems themselves: what they let fail, forget and survive.
#include "tests/support/memory_file_system.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/faulty_file_system.hpp"
#include "tests/support/temp_directory.hpp"

#include <set>

using namespace certd;
using namespace certd::test;

namespace {

void must(const Result<void>& done) {
    REQUIRE(done);
}

using Names = std::vector<std::string>;

std::set<Names> after_power_loss(const MemoryFileSystem& files, const Path& directory, std::size_t limit = 256) {
    std::set<Names> states;
    files.each_power_loss(
        limit, [&](MemoryFileSystem& state) { states.insert(state.list(directory).value_or(Names{"(gone)"})); });
    return states;
}

}  // namespace

TEST_CASE("memory and real file system answer the same way") {
    TempDirectory directory;
    RealFileSystem real;
    MemoryFileSystem memory;
    must(make_directories(memory, directory.path()));
    FileSystem& files = GENERATE(true, false) ? static_cast<FileSystem&>(real) : memory;
    Path base = directory.path();
    auto code = [](const auto& result) { return result ? std::string("ok") : result.error().code; };

    CHECK(code(files.create(base / "a", "content", {})) == "ok");
    CHECK(code(files.create(base / "a", "other", {})) == "storage.exists");
    CHECK(code(files.create(base / "no/a", "other", {})) == "storage.missing");
    CHECK(files.read(base / "a", 100).value() == "content");
    CHECK(code(files.read(base / "a", 3)) == "storage.tooLarge");
    CHECK(code(files.read(base / "b", 3)) == "storage.missing");
    CHECK(code(files.read(base, 3)) == "storage.io");
    CHECK(code(files.change(change::MakeDirectory{base / "d"})) == "ok");
    CHECK(code(files.change(change::MakeDirectory{base / "d"})) == "storage.exists");
    CHECK(code(files.create(base / "d/x", "x", {0640, {}, {}})) == "ok");
    CHECK(code(files.change(change::Remove{base / "d"})) == "storage.exists");
    CHECK(code(files.change(change::Rename{base / "no", base / "e"})) == "storage.missing");
    CHECK(code(files.change(change::Symlink{"d", base / "link"})) == "ok");
    CHECK(code(files.change(change::Symlink{"d", base / "link"})) == "storage.exists");
    CHECK(files.read(base / "link/x", 100).value() == "x");
    CHECK(files.list(base / "link").value() == Names{"x"});
    CHECK(files.list(base).value() == Names{"a", "d", "link"});
    CHECK(code(files.list(base / "no")) == "storage.missing");
    CHECK(files.inspect(base / "link").value().link_target == "d");
    CHECK(files.inspect(base / "link/.").value().kind == FileStatus::Kind::directory);
    CHECK(files.inspect(base / "d/x").value().mode == 0640);
    CHECK(files.inspect(base / "a/x").value().kind == FileStatus::Kind::missing);
    CHECK(code(files.change(change::MakeDirectory{base / "full"})) == "ok");
    CHECK(code(files.create(base / "full/y", "y", {})) == "ok");
    CHECK(code(files.change(change::Rename{base / "d", base / "full"})) == "storage.exists");
    CHECK(code(files.change(change::Rename{base / "a", base / "d/x"})) == "ok");
    CHECK(files.read(base / "d/x", 100).value() == "content");
    CHECK(code(files.change(change::SyncDirectory{base / "d"})) == "ok");
    CHECK(code(files.change(change::SyncDirectory{base / "no"})) == "storage.missing");
    CHECK(code(files.change(change::Symlink{"loop", base / "loop"})) == "ok");
    CHECK(code(files.read(base / "loop", 100)) == "storage.symlink");
}

TEST_CASE("names that were not synced may each be there after a power loss or not") {
    MemoryFileSystem files;
    must(files.create("/a", "1", {}));
    must(files.create("/b", "2", {}));
    CHECK(after_power_loss(files, "/") == std::set<Names>{{}, {"a"}, {"b"}, {"a", "b"}});
    must(files.change(change::SyncDirectory{"/"}));
    CHECK(after_power_loss(files, "/") == std::set<Names>{{"a", "b"}});
}

TEST_CASE("an unsynced rename leaves the old name or the new one, never both or none") {
    MemoryFileSystem files;
    must(files.create("/a", "1", {}));
    must(files.change(change::SyncDirectory{"/"}));
    must(files.change(change::Rename{"/a", "/b"}));
    CHECK(after_power_loss(files, "/") == std::set<Names>{{"a"}, {"b"}});
}

TEST_CASE("a synced directory whose own name was not synced may be gone") {
    MemoryFileSystem files;
    must(files.change(change::MakeDirectory{"/d"}));
    must(files.create("/d/x", "1", {}));
    must(files.change(change::SyncDirectory{"/d"}));
    CHECK(after_power_loss(files, "/d") == std::set<Names>{{"x"}, {"(gone)"}});
}

TEST_CASE("a removed name may come back until its directory is synced") {
    MemoryFileSystem files;
    must(files.create("/a", "1", {}));
    must(files.change(change::SyncDirectory{"/"}));
    must(files.change(change::Remove{"/a"}));
    CHECK(after_power_loss(files, "/") == std::set<Names>{{"a"}, {}});
}

TEST_CASE("many unsynced changes give a bounded selection of states with the extremes among them") {
    MemoryFileSystem files;
    for (int number = 0; number < 40; ++number)
        must(files.create("/" + std::to_string(number), "", {}));
    std::size_t count = 0;
    files.each_power_loss(500, [&](MemoryFileSystem&) { ++count; });
    CHECK(count == 500);
    std::set<Names> states = after_power_loss(files, "/", 500);
    CHECK(states.contains(Names{}));
    CHECK(states.contains(files.list("/").value()));
    CHECK(states.size() > 400);
}

TEST_CASE("a state after power loss is a disk of its own") {
    MemoryFileSystem files;
    must(files.create("/a", "1", {}));
    files.each_power_loss(16, [&](MemoryFileSystem& state) {
        must(state.create("/other", "2", {}));
        state.each_power_loss(16, [&](MemoryFileSystem& again) { CHECK(again.list("/").value().size() <= 2); });
    });
    CHECK(files.list("/").value() == Names{"a"});
}

TEMPLATE_TEST_CASE("an operation can be made to fail, to fail from then on, or to be the last", "", MemoryFileSystem,
                   FaultyFileSystem) {
    MemoryFileSystem memory;
    FaultyFileSystem faulty(memory);
    auto& files = [&]() -> TestType& {
        if constexpr (std::is_same_v<TestType, MemoryFileSystem>) {
            return memory;
        } else {
            return faulty;
        }
    }();
    files.plan({1, "storage.full"});
    CHECK(files.create("/a", "1", {}));
    CHECK(files.create("/b", "1", {}).error().code == "storage.full");
    CHECK(files.fired());
    CHECK(files.create("/b", "1", {}));

    files.plan({0, "storage.readOnly", true});
    CHECK(files.create("/c", "1", {}).error().code == "storage.readOnly");
    CHECK(files.read("/a", 10));
    CHECK(files.change(change::Remove{"/a"}).error().code == "storage.readOnly");

    FaultPlan crash;
    crash.crash_at = 1;
    crash.torn = true;
    files.plan(crash);
    CHECK(files.inspect("/c"));
    CHECK_THROWS_AS(files.create("/c", "1234", {}), SimulatedCrash);
    CHECK_THROWS_AS(files.read("/c", 10), SimulatedCrash);
    files.plan({});
    CHECK(files.read("/c", 10).value() == "12");
    CHECK_FALSE(files.fired());
}
