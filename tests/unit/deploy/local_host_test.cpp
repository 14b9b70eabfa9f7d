// LocalHost with real files: modes from the moment of creation, all or nothing, symlinks.
#include "daemon/deploy/local_host.hpp"

#include "daemon/deploy/backup.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/fake_host.hpp"
#include "tests/support/faulty_file_system.hpp"
#include "tests/support/temp_directory.hpp"
#include "tests/support/virtual_clock.hpp"

#include <filesystem>
#include <fstream>

#include <sys/stat.h>
#include <unistd.h>

using namespace certd;
using namespace certd::test;

namespace {

class NoRunner final : public ProcessRunner {
   public:
    Task<ProcessResult> run(Command command) override {
        fail("process.notFound", "There is no program " + command.argv.at(0));
        co_return ProcessResult{};
    }
};

// Looks at every file while it is written.
class WatchingFileSystem final : public FileSystem {
   public:
    Result<std::string> read(const Path& path, std::size_t limit) override { return real_.read(path, limit); }
    Result<void> create(const Path& path, std::string_view content, const FileAttributes& attributes) override {
        auto done = real_.create(path, content, attributes);
        if (const auto status = real_.inspect(path)) modes.push_back(status->mode);
        return done;
    }
    Result<void> change(const Change& change) override { return real_.change(change); }
    Result<std::vector<std::string>> list(const Path& directory) override { return real_.list(directory); }
    Result<FileStatus> inspect(const Path& path) override { return real_.inspect(path); }
    std::vector<mode_t> modes;

   private:
    RealFileSystem real_;
};

struct Local {
    TempDirectory directory;
    RealFileSystem real;
    FaultyFileSystem files{real};
    VirtualClock clock;
    asio::io_context io{1};
    Workers workers{0};
    NoRunner runner;
    LocalHost host{clock, workers, files, runner};

    std::string path(const std::string& name) const { return (directory.path() / name).string(); }
    std::string content(const std::string& name) const {
        std::ifstream file(path(name));
        return {std::istreambuf_iterator<char>(file), {}};
    }
    void write(const std::string& name, const std::string& text) const { std::ofstream(path(name)) << text; }
    InstalledFile file(const std::string& name, std::string text, mode_t mode = 0640) const {
        return {path(name), std::move(text), {mode, std::nullopt, std::nullopt}};
    }
    Result<void> install(std::vector<InstalledFile> all) { return test::run(io, clock, host.install(std::move(all))); }
    Result<std::optional<InstalledFile>> read(const std::string& name) {
        return test::run(io, clock, host.read(path(name)));
    }
    std::size_t entries() const {
        return static_cast<std::size_t>(std::distance(std::filesystem::directory_iterator(directory.path()), {}));
    }
};

}  // namespace

TEST_CASE("installed files have their mode from the moment of creation, whatever the umask") {
    const auto before = ::umask(0);
    {
        Local local;
        WatchingFileSystem files;
        LocalHost host(local.clock, local.workers, files, local.runner);
        REQUIRE(test::run(local.io, local.clock,
                          host.install({local.file("key", "secret", 0600), local.file("cert", "public", 0644)})));
        CHECK(files.modes == std::vector<mode_t>{0600, 0644});
    }
    ::umask(0777);
    {
        Local local;
        REQUIRE(local.install({local.file("cert", "public", 0644)}));
        CHECK(local.read("cert").value()->attributes.mode == 0644);
    }
    ::umask(before);
}

TEST_CASE("a file is read with the attributes it has, and one that is not there is none") {
    Local local;
    REQUIRE(local.install({local.file("key", "secret", 0604)}));
    const auto file = local.read("key").value();
    REQUIRE(file);
    CHECK(file->content == "secret");
    CHECK(file->attributes.mode == 0604);
    CHECK(file->attributes.owner == ::geteuid());
    CHECK_FALSE(local.read("missing").value());
    CHECK_FALSE(local.read("no/such/directory").value());
}

TEST_CASE("root installs for another owner and puts the old owner back") {
    if (::geteuid() != 0) return;
    Local local;
    InstalledFile file = local.file("key", "new", 0640);
    file.attributes.owner = 65534;
    file.attributes.group = 65533;
    REQUIRE(local.install({file}));
    auto backups =
        test::run(local.io, local.clock, read_backups(local.host, {local.path("key"), local.path("other")})).value();
    CHECK(backups[0].owner == 65534);
    CHECK(backups[0].group == 65533);
    CHECK_FALSE(backups[1].existed);
    REQUIRE(local.install({local.file("key", "newer", 0600), local.file("other", "x")}));
    REQUIRE(test::run(local.io, local.clock, put_back(local.host, backups)));
    CHECK(*local.read("key").value() == file);
    CHECK_FALSE(local.read("other").value());
}

TEST_CASE("nothing is renamed when one file cannot be written, and no temp file stays") {
    Local local;
    local.write("cert", "old");
    const auto result = local.install({local.file("cert", "new"), local.file("missing/key", "new")});
    REQUIRE_FALSE(result);
    CHECK(result.error().code == "storage.missing");
    CHECK(local.content("cert") == "old");
    CHECK(local.entries() == 1);
}

TEST_CASE("each operation failing once leaves every file whole and no temp file") {
    for (std::size_t k = 0; k < 20; ++k) {
        CAPTURE(k);
        Local local;
        local.write("cert", "old");
        FaultPlan plan;
        plan.fail_at = k;
        local.files.plan(plan);
        const auto result = local.install({local.file("cert", "new"), local.file("key", "new")});
        const auto cert = local.content("cert"), key = local.content("key");
        CHECK((cert == "old" || cert == "new"));
        CHECK((key.empty() || key == "new"));
        CHECK(local.entries() == (key.empty() ? 1U : 2U));
        if (result) CHECK(cert + key == "newnew");
        if (!local.files.fired()) CHECK(result);
    }
}

TEST_CASE("a temp file left by a crash is cleared away by the next installation") {
    for (std::size_t k = 0; k < 7; ++k) {
        CAPTURE(k);
        Local local;
        local.write("cert", "old");
        FaultPlan plan;
        plan.crash_at = k;
        plan.torn = true;
        local.files.plan(plan);
        CHECK_THROWS_AS(local.install({local.file("cert", "new"), local.file("key", "new")}), SimulatedCrash);
        const auto cert = local.content("cert");
        CHECK((cert == "old" || cert == "new"));
        local.files.plan({});
        REQUIRE(local.install({local.file("cert", "newer"), local.file("key", "newer")}));
        CHECK(local.entries() == 2);
    }
}

TEST_CASE("a symlink at an installed path stays, and the file it leads to is replaced") {
    Local local;
    std::filesystem::create_directory(local.path("real"));
    local.write("real/cert", "old");
    std::filesystem::create_symlink("real/cert", local.path("link"));
    std::filesystem::create_symlink(local.path("link"), local.path("cert"));
    std::filesystem::create_symlink("real/key", local.path("key"));  // leads to nothing yet
    REQUIRE(local.install({local.file("cert", "new"), local.file("key", "new")}));
    CHECK(std::filesystem::is_symlink(local.path("cert")));
    CHECK(std::filesystem::is_symlink(local.path("key")));
    CHECK(local.content("real/cert") == "new");
    CHECK(local.content("real/key") == "new");
    CHECK(local.read("cert").value()->content == "new");
    REQUIRE(test::run(local.io, local.clock, local.host.remove(local.path("key"))));
    CHECK(std::filesystem::is_symlink(local.path("key")));
    CHECK_FALSE(std::filesystem::exists(local.path("real/key")));
    REQUIRE(test::run(local.io, local.clock, local.host.remove(local.path("key"))));
}

TEST_CASE("what is no regular file is left alone") {
    Local local;
    std::filesystem::create_directory(local.path("directory"));
    std::filesystem::create_symlink("loop", local.path("loop"));
    REQUIRE(::mkfifo(local.path("fifo").c_str(), 0600) == 0);
    for (const auto* name : {"directory", "loop", "fifo"}) {
        CHECK(local.install({local.file(name, "new")}).error().code == "deploy.install");
        CHECK(local.read(name).error().code == "deploy.install");
        CHECK_FALSE(test::run(local.io, local.clock, local.host.remove(local.path(name))));
    }
    InstalledFile relative = local.file("x", "new");
    relative.path = "x";
    CHECK(local.install({relative}).error().what == "x is not an absolute path of a file");
}

TEST_CASE("a program that cannot be started and an endpoint that is not there are problems, not exceptions") {
    Local local;
    Command command;
    command.argv = {"nothing"};
    CHECK(test::run(local.io, local.clock, local.host.run(command)).error().code == "process.notFound");
    ProbeRequest request;
    request.address = "127.0.0.1:1";
    CHECK(test::run(local.io, local.clock, local.host.probe(request)).error().kind == ProblemKind::network);
}
