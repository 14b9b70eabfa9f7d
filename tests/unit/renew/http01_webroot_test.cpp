// http-01 through a webroot: the file is where the web server looks, and nothing is ever made anywhere else.
#include "daemon/renew/http01_webroot.hpp"

#include "tests/support/catch.hpp"
#include "tests/support/temp_directory.hpp"
#include "tests/unit/renew/http01_support.hpp"

#include <atomic>
#include <chrono>
#include <fstream>
#include <iterator>
#include <thread>

#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

using namespace certd;
using namespace certd::test;
namespace fs = std::filesystem;

namespace {

struct Bench {
    TempDirectory directory;
    fs::path webroot = directory.path() / "www";
    fs::path outside = directory.path() / "outside";
    fs::path challenges = webroot / ".well-known" / "acme-challenge";
    asio::io_context io{1};
    Workers workers{1};

    Bench() {
        fs::create_directory(webroot);
        fs::create_directory(outside);
    }
    Http01Webroot solver() { return Http01Webroot(workers, webroot.string()); }
    std::string present(Http01Webroot& solver, const acme::ChallengeTask& task) {
        return outcome(solver.present(task));
    }
    std::string check(Http01Webroot& solver, const acme::ChallengeTask& task) {
        return outcome(solver.wait_visible(task));
    }
    std::string clean_up(Http01Webroot& solver, const acme::ChallengeTask& task) {
        return outcome(solver.clean_up(task));
    }

   private:
    std::string outcome(Task<> task) {
        std::string code;
        run(io, [](Task<> inner, std::string& result) -> Task<> {
            result = co_await code_of(std::move(inner));
        }(std::move(task), code));
        return code;
    }
};

std::string content(const fs::path& path) {
    std::ifstream file(path);
    return {std::istreambuf_iterator<char>(file), {}};
}

unsigned mode(const fs::path& path) {
    struct stat status {};
    REQUIRE(::stat(path.c_str(), &status) == 0);
    return status.st_mode & 07777u;
}

// Everything below a directory, links not followed.
std::size_t entries(const fs::path& path) {
    return static_cast<std::size_t>(
        std::distance(fs::recursive_directory_iterator(path), fs::recursive_directory_iterator()));
}

}  // namespace

TEST_CASE(
    "the answer is a file of mode 0644 in directories of mode 0755, whatever the umask, and all of it goes again") {
    Bench bench;
    Http01Webroot solver = bench.solver();
    mode_t before = ::umask(077);
    CHECK(bench.present(solver, http01("token")) == "none");
    ::umask(before);
    CHECK(content(bench.challenges / "token") == "token.thumbprint");
    CHECK(mode(bench.challenges / "token") == 0644);
    CHECK(mode(bench.challenges) == 0755);
    CHECK(mode(bench.webroot / ".well-known") == 0755);
    CHECK(bench.check(solver, http01("token")) == "none");
    CHECK(bench.clean_up(solver, http01("token")) == "none");
    CHECK(entries(bench.webroot) == 0);
    CHECK(bench.clean_up(solver, http01("token")) == "none");
}

TEST_CASE("directories that were there before stay, with their mode and their files") {
    Bench bench;
    fs::create_directories(bench.challenges);
    ::chmod(bench.challenges.c_str(), 0711);
    std::ofstream(bench.webroot / ".well-known" / "security.txt") << "x";
    Http01Webroot solver = bench.solver();
    CHECK(bench.present(solver, http01("token")) == "none");
    CHECK(bench.clean_up(solver, http01("token")) == "none");
    CHECK(entries(bench.webroot) == 3);
    CHECK(mode(bench.challenges) == 0711);
}

TEST_CASE("a directory made here stays while it holds somebody else's file") {
    Bench bench;
    Http01Webroot solver = bench.solver();
    CHECK(bench.present(solver, http01("token")) == "none");
    std::ofstream(bench.challenges / "theirs") << "x";
    CHECK(bench.clean_up(solver, http01("token")) == "none");
    CHECK(content(bench.challenges / "theirs") == "x");
    CHECK_FALSE(fs::exists(bench.challenges / "token"));
}

TEST_CASE("two tokens live side by side, and the same token until it was cleaned up as often as presented") {
    Bench bench;
    Http01Webroot solver = bench.solver();
    for (const char* token : {"one", "two", "two"})
        CHECK(bench.present(solver, http01(token)) == "none");
    CHECK(bench.clean_up(solver, http01("one")) == "none");
    CHECK(bench.clean_up(solver, http01("two")) == "none");
    CHECK(bench.check(solver, http01("two")) == "none");
    CHECK(bench.clean_up(solver, http01("two")) == "none");
    CHECK(entries(bench.webroot) == 0);
}

TEST_CASE("a file left by a crash is replaced, and cleaned up by a solver that never presented it") {
    Bench bench;
    fs::create_directories(bench.challenges);
    std::ofstream(bench.challenges / "token") << "old";
    Http01Webroot solver = bench.solver();
    CHECK(bench.present(solver, http01("token")) == "none");
    CHECK(content(bench.challenges / "token") == "token.thumbprint");
    Http01Webroot next_start = bench.solver();
    CHECK(bench.clean_up(next_start, http01("token")) == "none");
    CHECK(entries(bench.challenges) == 0);
}

TEST_CASE("hostile tokens touch nothing") {
    Bench bench;
    Http01Webroot solver = bench.solver();
    for (const std::string& token : hostile_tokens()) {
        CHECK(bench.present(solver, http01(token)) == "acme.badToken");
        CHECK(bench.check(solver, http01(token)) == "acme.badToken");
        CHECK(bench.clean_up(solver, http01(token)) == "none");
    }
    CHECK(entries(bench.directory.path()) == 2);
}

TEST_CASE("a symbolic link in place of any directory below the webroot is refused, and nothing is made behind it") {
    for (bool inner : {false, true}) {
        Bench bench;
        fs::create_directories(bench.outside / "acme-challenge");
        if (inner) fs::create_directory(bench.webroot / ".well-known");
        fs::create_directory_symlink(bench.outside, inner ? bench.challenges : bench.webroot / ".well-known");
        Http01Webroot solver = bench.solver();
        CHECK(bench.present(solver, http01("token")) == "challenge.webroot");
        CHECK(bench.check(solver, http01("token")) == "challenge.webroot");
        std::ofstream(bench.outside / "token") << "x";
        std::ofstream(bench.outside / "acme-challenge" / "token") << "x";
        CHECK(bench.clean_up(solver, http01("token")) == "none");
        CHECK(entries(bench.outside) == 3);
    }
}

TEST_CASE("a symbolic link in place of the file is replaced, not followed") {
    Bench bench;
    fs::create_directories(bench.challenges);
    std::ofstream(bench.outside / "precious") << "keep";
    fs::create_symlink(bench.outside / "precious", bench.challenges / "token");
    Http01Webroot solver = bench.solver();
    CHECK(bench.check(solver, http01("token")) == "storage.symlink");
    CHECK(bench.present(solver, http01("token")) == "none");
    CHECK(content(bench.outside / "precious") == "keep");
    CHECK(fs::is_regular_file(fs::symlink_status(bench.challenges / "token")));
    CHECK(bench.clean_up(solver, http01("token")) == "none");
    CHECK(content(bench.outside / "precious") == "keep");
}

TEST_CASE("the webroot itself may be a symbolic link") {
    Bench bench;
    fs::path link = bench.directory.path() / "link";
    fs::create_directory_symlink(bench.webroot, link);
    Http01Webroot solver(bench.workers, link.string());
    CHECK(bench.present(solver, http01("token")) == "none");
    CHECK(content(bench.challenges / "token") == "token.thumbprint");
    CHECK(bench.clean_up(solver, http01("token")) == "none");
}

TEST_CASE("a missing webroot, a file in its place and a directory in place of the answer are problems") {
    Bench bench;
    Http01Webroot missing(bench.workers, (bench.directory.path() / "missing").string());
    CHECK(bench.present(missing, http01("token")) == "challenge.webroot");
    CHECK(bench.clean_up(missing, http01("token")) == "none");

    std::ofstream(bench.webroot / ".well-known") << "x";
    Http01Webroot solver = bench.solver();
    CHECK(bench.present(solver, http01("token")) == "challenge.webroot");
    fs::remove(bench.webroot / ".well-known");

    fs::create_directories(bench.challenges / "token");
    CHECK(bench.present(solver, http01("token")) == "storage.io");
    CHECK(entries(bench.challenges) == 1);  // no temporary file is left
    CHECK(bench.clean_up(solver, http01("token")) == "none");
}

TEST_CASE("an answer that somebody changed or removed is not taken for visible") {
    Bench bench;
    Http01Webroot solver = bench.solver();
    CHECK(bench.present(solver, http01("token")) == "none");
    std::ofstream(bench.challenges / "token") << "token.thumbprint and more";
    CHECK(bench.check(solver, http01("token")) == "challenge.notServed");
    fs::remove(bench.challenges / "token");
    CHECK(bench.check(solver, http01("token")) == "storage.missing");
    CHECK(bench.clean_up(solver, http01("token")) == "none");
    CHECK(entries(bench.webroot) == 0);
}

TEST_CASE("what was made before a failure is cleaned up") {
    Bench bench;
    Http01Webroot solver = bench.solver();
    CHECK(bench.present(solver, http01("one")) == "none");
    fs::create_directory(bench.challenges / "two");
    CHECK(bench.present(solver, http01("two")) == "storage.io");
    CHECK(bench.clean_up(solver, http01("two")) == "none");
    fs::remove(bench.challenges / "two");
    CHECK(bench.clean_up(solver, http01("one")) == "none");
    CHECK(entries(bench.webroot) == 0);
}

TEST_CASE("an attacker who swaps directories for links while answers are written gets nothing written outside") {
    Bench bench;
    fs::create_directories(bench.challenges);
    fs::create_directories(bench.outside / "acme-challenge");
    fs::path well_known = bench.webroot / ".well-known", link = bench.webroot / "link";
    fs::create_directory_symlink(bench.outside, link);

    std::atomic<bool> stop = false;
    std::atomic<int> swaps = 0;
    std::thread swapper([&] {
        while (!stop)
            swaps += ::renameat2(AT_FDCWD, well_known.c_str(), AT_FDCWD, link.c_str(), RENAME_EXCHANGE) == 0;
    });
    Http01Webroot solver = bench.solver();
    int presented = 0, refused = 0;
    auto end = std::chrono::steady_clock::now() + std::chrono::seconds(2);
    for (int count = 0; count < 20'000 && std::chrono::steady_clock::now() < end; ++count) {
        std::string code = bench.present(solver, http01("token"));
        code == "none" ? ++presented : ++refused;
        bench.clean_up(solver, http01("token"));
    }
    stop = true;
    swapper.join();
    CHECK(entries(bench.outside) == 1);
    CHECK(presented > 0);
    CHECK(refused > 0);
    CHECK(swaps > 0);
}

TEST_CASE("the webroot solver solves http-01 for names, never for wildcards") {
    Bench bench;
    Http01Webroot solver = bench.solver();
    Identifier name{Identifier::Type::dns, "example.com"};
    CHECK(solver.can_solve("http-01", name, false));
    CHECK_FALSE(solver.can_solve("http-01", name, true));
    CHECK_FALSE(solver.can_solve("dns-01", name, false));
}
