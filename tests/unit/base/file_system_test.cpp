#include "libacme/base/file_system.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/temp_directory.hpp"

#include <cerrno>

#include <sys/stat.h>

using namespace certd;

TEST_CASE("a durable write replaces the content, keeps the mode and leaves no temp file") {
    test::TempDirectory directory;
    RealFileSystem files;
    Path path = directory.path() / "file";
    mode_t before = ::umask(0);
    REQUIRE(durable_write(files, path, "one"));
    REQUIRE(durable_write(files, path, "two", {0640, {}, {}}));
    ::umask(before);
    CHECK(files.read(path, 100) == std::string("two"));
    CHECK(files.inspect(path)->mode == 0640);
    CHECK(files.list(directory.path()) == std::vector<std::string>{"file"});
}

TEST_CASE("a temp file left by a crash does not stop the next write") {
    test::TempDirectory directory;
    RealFileSystem files;
    REQUIRE(files.create(directory.path() / ".tmp-file", "half", {}));
    REQUIRE(durable_write(files, directory.path() / "file", "whole"));
    CHECK(files.list(directory.path())->size() == 1);
    REQUIRE(durable_symlink(files, "one", directory.path() / "link"));
    REQUIRE(durable_symlink(files, "two", directory.path() / "link"));
    CHECK(files.inspect(directory.path() / "link")->link_target == "two");
}

TEST_CASE("create never follows or replaces what stands at the path") {
    test::TempDirectory directory;
    RealFileSystem files;
    Path link = directory.path() / "link";
    REQUIRE(files.change(change::Symlink{(directory.path() / "elsewhere").string(), link}));
    Result<void> created = files.create(link, "secret", {});
    REQUIRE_FALSE(created);
    CHECK(created.error().code == "storage.exists");
    CHECK_FALSE(std::filesystem::exists(directory.path() / "elsewhere"));
}

TEST_CASE("file problems have codes by their cause") {
    test::TempDirectory directory;
    RealFileSystem files;
    CHECK(files.read(directory.path() / "none", 10).error().code == "storage.missing");
    REQUIRE(files.create(directory.path() / "long", "0123456789", {}));
    CHECK(files.read(directory.path() / "long", 9).error().code == "storage.tooLarge");
    CHECK(files.read(directory.path(), 9).error().code == "storage.io");
    CHECK(files.change(change::MakeDirectory{directory.path()}).error().code == "storage.exists");
    CHECK(files.list(directory.path() / "none").error().code == "storage.missing");
    CHECK(storage_problem(ENOSPC, "x").code == "storage.full");
    CHECK(storage_problem(EDQUOT, "x").code == "storage.full");
    CHECK(storage_problem(EROFS, "x").code == "storage.readOnly");
    CHECK(storage_problem(EACCES, "x").code == "storage.permission");
    CHECK(storage_problem(EIO, "x").remote == "Input/output error");
}

TEST_CASE("trees are made and removed without following symlinks") {
    test::TempDirectory directory;
    RealFileSystem files;
    Path deep = directory.path() / "a" / "b" / "c";
    REQUIRE(make_directories(files, deep));
    REQUIRE(make_directories(files, deep));
    CHECK(files.inspect(deep)->mode == 0700);
    REQUIRE(files.create(directory.path() / "keep", "x", {}));
    REQUIRE(files.change(change::Symlink{directory.path().string(), deep / "up"}));
    REQUIRE(remove_tree(files, directory.path() / "a"));
    CHECK(files.list(directory.path()) == std::vector<std::string>{"keep"});
    CHECK(remove_tree(files, directory.path() / "a"));
    CHECK(make_directories(files, directory.path() / "keep" / "x").error().code == "storage.exists");
}
