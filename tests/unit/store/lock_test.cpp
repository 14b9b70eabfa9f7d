// One daemon per state directory (faults F40).
#include "tests/support/catch.hpp"
#include "tests/support/temp_directory.hpp"

#include "daemon/store/store.hpp"

#include <fstream>
#include <optional>

#include <sys/wait.h>
#include <unistd.h>

using namespace certd;
using namespace certd::test;

TEST_CASE("a second daemon is refused and told who holds the state directory") {
    TempDirectory directory;
    Result<StateLock> first = StateLock::acquire(directory.path());
    REQUIRE(first);
    Result<StateLock> second = StateLock::acquire(directory.path());
    REQUIRE_FALSE(second);
    CHECK(second.error().code == "storage.locked");
    CHECK(second.error().what.find("(process " + std::to_string(::getpid()) + ")") != std::string::npos);
}

TEST_CASE("the lock ends with its holder, also when it is moved") {
    TempDirectory directory;
    std::optional<StateLock> kept;
    {
        StateLock first = StateLock::acquire(directory.path()).value();
        kept = std::move(first);
    }
    CHECK_FALSE(StateLock::acquire(directory.path()));
    kept.reset();
    CHECK(StateLock::acquire(directory.path()));
}

TEST_CASE("the lock ends with the process that holds it, whatever it left in the file") {
    TempDirectory directory;
    pid_t child = ::fork();
    REQUIRE(child >= 0);
    if (child == 0) {
        bool held = StateLock::acquire(directory.path()).has_value();
        ::_exit(held ? 0 : 1);
    }
    int status = 0;
    ::waitpid(child, &status, 0);
    REQUIRE(status == 0);
    std::ofstream(directory.path() / "lock") << "99999999999999999999 stale\n";
    CHECK(StateLock::acquire(directory.path()));
}

TEST_CASE("deleting or replacing the lock file lets no second daemon in") {
    TempDirectory directory;
    StateLock first = StateLock::acquire(directory.path()).value();
    std::filesystem::remove(directory.path() / "lock");
    CHECK_FALSE(StateLock::acquire(directory.path()));
    std::ofstream(directory.path() / "lock") << "1\n";
    CHECK(StateLock::acquire(directory.path()).error().code == "storage.locked");
}

TEST_CASE("the lock creates the state directory, but not what is above it") {
    TempDirectory directory;
    CHECK(StateLock::acquire(directory.path() / "state"));
    CHECK(StateLock::acquire(directory.path() / "no" / "state").error().code == "storage.missing");
}

TEST_CASE("a symlink in place of the lock file is not followed") {
    TempDirectory directory;
    std::filesystem::create_symlink(directory.path() / "elsewhere", directory.path() / "lock");
    CHECK(StateLock::acquire(directory.path()).error().code == "storage.symlink");
    CHECK_FALSE(std::filesystem::exists(directory.path() / "elsewhere"));
}
