// Programs in a view of the file system of their own: what they see, what others do not, and that nothing is left of
// it.
#include "libacme/async/process.hpp"

#include "tests/support/catch.hpp"
#include "tests/support/run_task.hpp"
#include "tests/support/temp_directory.hpp"

#include <fmt/format.h>

#include <csignal>
#include <fstream>
#include <iterator>
#include <set>

#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

using namespace certd;
namespace fs = std::filesystem;

namespace {

std::string text_of(const fs::path& path) {
    std::ifstream in(path);
    return {std::istreambuf_iterator<char>(in), {}};
}

// A directory with an old file, one below it, and a shadow of both.
struct Place {
    test::TempDirectory directory;
    fs::path root = fs::canonical(directory.path());
    fs::path tls = root / "tls", inner = root / "tls" / "inner", place = root / "rehearsal";
    Shadow shadow;

    Place() {
        for (const fs::path& path : {tls, inner, place})
            fs::create_directory(path);
        std::ofstream(tls / "key.pem") << "old";
        std::ofstream(inner / "other.pem") << "other";
        fs::create_directory_symlink("elsewhere", tls / "shop");
        shadow.place = place.string();
        shadow.directories = {directory_at(tls), directory_at(inner)};
        shadow.directories[0].files = {{"key.pem", "new", 0640, ::geteuid(), ::getegid()},
                                       {"fresh.pem", "fresh", 0600, {}, {}}};
        shadow.directories[1].files = {{"deep.pem", "deep", 0644, {}, {}}};
    }
    static Shadow::Directory directory_at(const fs::path& path) {
        struct stat status {};
        REQUIRE(::stat(path.c_str(), &status) == 0);
        return {path.string(), status.st_mode & 07777U, status.st_uid, status.st_gid, {}, {}, {}};
    }
    Command command(const std::string& script, Duration timeout = seconds(20)) const {
        Command made;
        made.argv = {"/bin/sh", "-c", script};
        made.environment = base_environment();
        made.directory = tls.string();
        made.timeout = timeout;
        made.shadow = shadow;
        return made;
    }
    std::set<std::string> names() const {
        std::set<std::string> found;
        for (const auto& entry : fs::recursive_directory_iterator(root))
            found.insert(fs::relative(entry.path(), root).string());
        return found;
    }
};

Result<ProcessResult> run(Command command) {
    SystemClock clock;
    RealProcessRunner runner(clock);
    try {
        return test::run_task(runner.run(std::move(command)));
    } catch (const Failure& failure) {
        return tl::unexpected<Problem>(failure.problem());
    }
}

ProcessResult finished(Command command) {
    auto ran = run(std::move(command));
    if (!ran) FAIL(describe(ran.error()));
    return *ran;
}

bool no_child_left() {
    siginfo_t info{};
    return ::waitid(P_ALL, 0, &info, WEXITED | WNOHANG | WNOWAIT) != 0 && errno == ECHILD;
}

}  // namespace

TEST_CASE("a program with a shadow sees files that nobody else sees, with their modes, and all others as they are") {
    Place place;
    const auto before = place.names();
    const auto result = finished(place.command(
        "cat key.pem fresh.pem inner/deep.pem inner/other.pem; stat -c ' %a %a' key.pem . ; readlink shop"));
    CHECK(result.exit_code == 0);
    CHECK(result.output ==
          fmt::format("newfreshdeepother 640 640\n {0:o} {0:o}\nelsewhere\n", place.shadow.directories[0].mode));
    CHECK(text_of(place.tls / "key.pem") == "old");
    CHECK(place.names() == before);
}

TEST_CASE("what a program writes, removes or renames in its shadow happens nowhere else") {
    Place place;
    const auto before = place.names();
    const auto result = finished(place.command(
        "echo more >>key.pem && mv inner/other.pem moved && rm shop && echo x >../rehearsal/scratch/y && ls"));
    CHECK(result.output == "fresh.pem\ninner\nkey.pem\nmoved\n");
    CHECK(text_of(place.tls / "key.pem") == "old");
    CHECK(place.names() == before);
}

TEST_CASE("a folder takes the place of a symlink in a shadow, as a lineage's does in live") {
    Place place;
    place.shadow.directories[0].folders = {"shop", "shop/rsa-2048"};
    place.shadow.directories[0].files = {{"shop/privkey.pem", "k1", 0600, {}, {}},
                                         {"shop/rsa-2048/privkey.pem", "k2", 0600, {}, {}}};
    CHECK(finished(place.command("cat shop/privkey.pem shop/rsa-2048/privkey.pem key.pem")).output == "k1k2old");
    CHECK(fs::read_symlink(place.tls / "shop") == "elsewhere");
}

TEST_CASE("what is mounted below a directory stays in sight in its shadow") {
    Place place;
    place.shadow.directories.pop_back();
    place.shadow.directories[0].mounts = {"inner"};
    CHECK(finished(place.command("cat key.pem inner/other.pem")).output == "newother");
}

TEST_CASE("a program in a shadow ends as it would without one") {
    Place place;
    CHECK(finished(place.command("exit 7")).exit_code == 7);
    CHECK(finished(place.command("kill -SEGV $$")).signal == SIGSEGV);
    auto missing = place.command("");
    missing.directory = "/nonexistent";
    CHECK(run(missing).error().code == "process.start");
    auto input = place.command("cat");
    input.input = std::string(300'000, 'x');
    input.output_limit = 400'000;
    CHECK(finished(input).output == input.input);
    CHECK(no_child_left());
}

TEST_CASE("a program that hangs in its shadow is killed with all that it started") {
    Place place;
    const auto result = finished(place.command("sleep 1000 & sleep 1000", milliseconds(300)));
    CHECK(result.timed_out);
    CHECK(no_child_left());
    CHECK(place.names().contains("rehearsal"));
    CHECK(fs::is_empty(place.place));
}

TEST_CASE("a shadow that cannot be made says which part of it and runs nothing") {
    Place place;
    place.shadow.place = "/nonexistent";
    auto ran = run(place.command("touch ran"));
    REQUIRE_FALSE(ran);
    CHECK(ran.error().code == "process.shadow");
    CHECK(ran.error().what == "Cannot make a private view of the file system: mounting memory at /nonexistent");
    CHECK(ran.error().remote == "No such file or directory");

    Place full;
    full.shadow.directories[0].files[0].content = std::string(std::size_t{65} << 20U, 'x');
    ran = run(full.command("touch ran"));
    REQUIRE_FALSE(ran);
    CHECK(ran.error().what == "Cannot make a private view of the file system: writing the file 0/new/key.pem");
    CHECK(ran.error().remote == "No space left on device");
    CHECK_FALSE(fs::exists(full.tls / "ran"));
    CHECK(no_child_left());
}

TEST_CASE("a directory that another one of the shadow hides is noticed before the program runs") {
    Place place;
    std::swap(place.shadow.directories[0], place.shadow.directories[1]);
    const auto ran = run(place.command("touch ran"));
    REQUIRE_FALSE(ran);
    CHECK(ran.error().what.find("looking at") != std::string::npos);
}

TEST_CASE("a shadow is made by binding first, then laying over, then looking") {
    Shadow shadow{"/state/rehearsal",
                  {{"/etc/tls", 0750, 0, 4, {"shop"}, {{"shop/key.pem", "k", 0640, 1, 2}}, {"private"}}}};
    using Kind = ShadowStep::Kind;
    CHECK(steps_of(shadow) == std::vector<ShadowStep>{
                                  {Kind::isolate, "", "", 0, {}, {}},
                                  {Kind::memory, "/state/rehearsal", "", 0, {}, {}},
                                  {Kind::folder, "scratch", "", 0700, {}, {}},
                                  {Kind::folder, "0", "", 0700, {}, {}},
                                  {Kind::folder, "0/old", "", 0700, {}, {}},
                                  {Kind::folder, "0/work", "", 0700, {}, {}},
                                  {Kind::bind, "0/old", "/etc/tls", 0, {}, {}},
                                  {Kind::folder, "0/new", "", 0750, 0, 4},
                                  {Kind::folder, "0/new/shop", "", 0700, {}, {}},
                                  {Kind::file, "0/new/shop/key.pem", "k", 0640, 1, 2},
                                  {Kind::overlay, "/etc/tls", "0", 0, {}, {}},
                                  {Kind::bind, "/etc/tls/private", "0/old/private", 0, {}, {}},
                                  {Kind::look, "/etc/tls/shop/key.pem", "k", 0, {}, {}},
                              });
    CHECK(scratch_of(shadow) == "/state/rehearsal/scratch");
}
