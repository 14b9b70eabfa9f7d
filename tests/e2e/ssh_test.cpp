// SshHosts with the system's ssh, an sshd on loopback and certd-host on its far side: what works, and each way in which
// another machine fails (faults F54, F55).
#include "daemon/deploy/local_host.hpp"
#include "daemon/deploy/ssh_host.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/run_task.hpp"
#include "tests/support/sshd.hpp"
#include "tests/support/temp_directory.hpp"

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>

#include <fmt/format.h>

#include <sys/stat.h>
#include <unistd.h>

using namespace certd;
using namespace certd::test;

namespace fs = std::filesystem;

namespace {

// certd's side, and one other machine.
struct Fleet {
    TempDirectory directory;
    SystemClock clock;
    Workers workers{1};
    RealFileSystem files;
    RealProcessRunner runner{clock};
    SshKey key{directory.path() / "id"};
    Sshd sshd{directory.path() / "web1", key, "127.0.1.1"};
    fs::path tls = directory.path() / "tls";
    config::Target target = target_of();
    SshHosts hosts{clock, workers, files, runner, directory.path() / "ssh"};

    Fleet() {
        fs::create_directory(tls);
        sshd.allow_path(tls.string() + "/");
        know(sshd.known_host());
    }
    ~Fleet() { run_task(hosts.close()); }
    Fleet(const Fleet&) = delete;
    Fleet& operator=(const Fleet&) = delete;

    config::Target target_of() const {
        config::Target made;
        made.name = {"web"};
        made.hosts = {{sshd.host(), "127.0.1.1", 0, {}}};
        made.hosts[0].port = static_cast<std::uint16_t>(std::stoi(sshd.host().substr(sshd.host().find(':') + 1)));
        made.ssh = {Sshd::user(), key.path(), (directory.path() / "known_hosts").string(), seconds(2)};
        return made;
    }
    void know(const std::string& line) const { write_file(directory.path() / "known_hosts", line); }

    std::shared_ptr<Host> host(std::uint32_t version = 1) {
        return hosts.open(target, target.hosts[0].name, {"example.com", target.name, {version}, false});
    }
    InstalledFile file(const std::string& name, std::string content, mode_t mode = 0640) const {
        return {(tls / name).string(), std::move(content), {mode, std::nullopt, std::nullopt}};
    }
    Result<void> install(std::vector<InstalledFile> all, std::uint32_t version = 1) {
        return run_task(host(version)->install(std::move(all)));
    }
    Problem problem_installing(std::uint32_t version = 1) {
        const auto done = install({file("f", "x")}, version);
        return done ? Problem{} : done.error();
    }
    std::string script(const std::string& name, const std::string& text) {
        const auto path = (directory.path() / name).string();
        write_file(path, "#!/bin/sh\n" + text);
        ::chmod(path.c_str(), 0755);
        sshd.allow_command(path);
        return path;
    }
    Command command(std::vector<std::string> argv, Duration timeout = seconds(10)) const {
        Command made;
        made.argv = std::move(argv);
        made.environment = base_environment();
        made.timeout = timeout;
        return made;
    }
    // Of ssh, and only of this test's.
    std::size_t processes() const {
        std::size_t count = 0;
        for (const auto& entry : fs::directory_iterator("/proc")) {
            const auto line = read_file(entry.path() / "cmdline");
            const bool ours = line.find((directory.path() / "ssh").string()) != std::string::npos;
            if (ours && line.starts_with("ssh")) ++count;
        }
        return count;
    }
};

template <class T>
Task<> keep(Task<Result<T>> task, Result<T>& kept) {
    kept = co_await std::move(task);
}

Task<> cancel_when_there(Clock& clock, fs::path file, asio::cancellation_signal& signal) {
    while (!fs::exists(file))
        co_await clock.sleep(milliseconds(20));
    signal.emit(asio::cancellation_type::all);
}

}  // namespace

TEST_CASE("files are installed on another machine, read back, put back and removed, over one connection") {
    Fleet fleet;
    const std::string content = std::string("key\n\0\x01\xff$(x)\n", 12) + std::string(100000, 'k');
    auto installed = fleet.install({fleet.file("privkey.pem", content, 0600), fleet.file("cert.pem", "c", 0644)});
    INFO((installed ? "" : describe(installed.error())));
    REQUIRE(installed);
    CHECK(read_file(fleet.tls / "privkey.pem") == content);
    const auto file = run_task(fleet.host()->read((fleet.tls / "privkey.pem").string()));
    REQUIRE(file);
    REQUIRE(*file);
    CHECK((*file)->content == content);
    CHECK((*file)->attributes.mode == 0600);
    CHECK((*file)->attributes.owner == ::geteuid());
    CHECK_FALSE(run_task(fleet.host()->read((fleet.tls / "none").string())).value());
    REQUIRE(run_task(fleet.host()->put_back({fleet.file("cert.pem", "old")})));
    CHECK(read_file(fleet.tls / "cert.pem") == "old");
    REQUIRE(run_task(fleet.host()->remove((fleet.tls / "cert.pem").string())));
    CHECK_FALSE(fs::exists(fleet.tls / "cert.pem"));
    CHECK(fleet.processes() == 1);
    run_task(fleet.hosts.close());
    CHECK(eventually(5s, [&] { return fleet.processes() == 0; }));
}

TEST_CASE("a command runs on another machine, and how it ended comes back") {
    Fleet fleet;
    const auto good = fleet.script("good", "cat; echo \"$CERTD_EVENT\"\n"),
               bad = fleet.script("bad", "echo no >&2; exit 3\n");
    auto command = fleet.command({good});
    command.environment.push_back("CERTD_EVENT=deploy");
    command.input = "{}\n";
    auto ran = run_task(fleet.host()->run(command));
    REQUIRE(ran);
    CHECK(ran->ok());
    CHECK(ran->output == "{}\ndeploy\n");
    ran = run_task(fleet.host()->run(fleet.command({bad})));
    REQUIRE(ran);
    CHECK(ran->exit_code == 3);
    CHECK(ran->output == "no\n");
    const auto refused = run_task(fleet.host()->run(fleet.command({"rm", "-rf", "/x"})));
    REQUIRE_FALSE(refused);
    CHECK(refused.error().code == "host.refused");
    CHECK(refused.error().remote.find("does not name the command rm -rf /x") != std::string::npos);
    const auto slow = fleet.script("slow", "exec sleep 30\n");
    ran = run_task(fleet.host()->run(fleet.command({slow}, seconds(1))));
    REQUIRE(ran);
    CHECK(ran->timed_out);
}

TEST_CASE("a host with another key, or one that is not known, is sent nothing") {
    Fleet fleet;
    REQUIRE(fleet.install({fleet.file("f", "old")}));
    run_task(fleet.hosts.close());
    fleet.sshd.take_new_host_key();
    CHECK(fleet.problem_installing().code == "host.key");
    fleet.know("");
    CHECK(fleet.problem_installing().code == "host.key");
    CHECK(read_file(fleet.tls / "f") == "old");
    fleet.know(fleet.sshd.known_host());
    CHECK(fleet.problem_installing().code.empty());
}

TEST_CASE("a host that does not know certd's key says so, and is used again when it does") {
    Fleet fleet;
    fleet.sshd.deny();
    const Problem said = fleet.problem_installing();
    CHECK(said.code == "host.denied");
    CHECK(said.remote.find("Permission denied") != std::string::npos);
    fleet.sshd.force_certd_host();
    CHECK(fleet.problem_installing().code.empty());
}

TEST_CASE("a host that is down, or silent, is unreachable, and is used again when it is back") {
    Fleet fleet;
    fleet.sshd.stop();
    const Problem said = fleet.problem_installing();
    CHECK(said.code == "host.unreachable");
    CHECK(said.remote.find("Connection refused") != std::string::npos);
    fleet.sshd.start();
    fleet.sshd.freeze();
    CHECK(fleet.problem_installing().code == "host.unreachable");
    fleet.sshd.thaw();
    CHECK(fleet.problem_installing().code.empty());
}

TEST_CASE("a host without certd-host, or with a chatty login, is understood or said to be wrong") {
    Fleet fleet;
    fleet.sshd.force("/usr/lib/certd/no-such-program");
    CHECK(fleet.problem_installing().code == "host.protocol");
    run_task(fleet.hosts.close());
    fleet.sshd.force("echo welcome; head -c 100000 /dev/zero");
    CHECK(fleet.problem_installing().code == "host.protocol");
    run_task(fleet.hosts.close());
    fleet.sshd.force(fmt::format("echo welcome; echo oops >&2; /bin/sh {}/contrib/host/certd-host {}/host.conf",
                                 CERTD_SOURCE_DIR, fleet.sshd.directory().string()));
    CHECK(fleet.problem_installing().code.empty());
}

TEST_CASE("a host refuses what its configuration does not name, and a version older than its own") {
    Fleet fleet;
    CHECK(fleet.problem_installing(7).code.empty());
    const Problem stale = fleet.problem_installing(6);
    CHECK(stale.code == "host.stale");
    CHECK(stale.remote == "7");
    fleet.sshd.forbid_all();
    const Problem refused = fleet.problem_installing(8);
    CHECK(refused.code == "host.refused");
    CHECK(refused.remote.find("does not name " + (fleet.tls / "f").string()) != std::string::npos);
}

TEST_CASE("a rehearsal on another machine asks whether files and commands are allowed, and neither writes nor runs") {
    Fleet fleet;
    const auto rehearse = [&](const fs::path& place, std::optional<Command> command = {}) {
        RehearsalView view;
        view.files = {fleet.file("key.pem", "k")};
        view.files[0].path = place.string();
        view.commands = {{"nginx", "-t"}};
        const auto done = run_task(fleet.host()->rehearse(view, std::move(command)));
        return done ? Problem{} : done.error();
    };
    const Problem refused = rehearse(fleet.tls / "key.pem");
    CHECK(refused.code == "host.refused");
    CHECK(refused.remote.find("does not name the command nginx -t") != std::string::npos);
    fleet.sshd.allow_command("nginx -t");
    CHECK(rehearse(fleet.tls / "key.pem").code.empty());
    CHECK(rehearse(fleet.tls / "none/key.pem").remote.find("No such file or directory") != std::string::npos);
    CHECK(rehearse("/etc/key.pem").code == "host.refused");
    CHECK(rehearse(fleet.tls / "key.pem", fleet.command({"nginx", "-t"})).code == "deploy.notRehearsed");
    CHECK(fs::is_empty(fleet.tls));
}

TEST_CASE("a host whose disk is full keeps its old files") {
    Fleet fleet;
    if (::geteuid() != 0) return;
    const auto mounted =
        test::run({program("mount"), "-t", "tmpfs", "-o", "size=64k", "certd-test", fleet.tls.string()});
    if (mounted.exit_code != 0) return;  // not allowed in this container
    CHECK(fleet.install({fleet.file("a", "old"), fleet.file("b", "old")}).has_value());
    const auto done = fleet.install({fleet.file("a", "new"), fleet.file("b", std::string(200000, 'x'))});
    CHECK(read_file(fleet.tls / "a") == "old");
    CHECK(read_file(fleet.tls / "b") == "old");
    CHECK(std::distance(fs::directory_iterator(fleet.tls), {}) == 2);
    test::run({program("umount"), fleet.tls.string()});
    REQUIRE_FALSE(done);
    CHECK(done.error().code == "storage.full");
}

TEST_CASE("a cancelled request leaves no ssh behind") {
    Fleet fleet;
    const auto started = fleet.directory.path() / "started";
    const auto script = fleet.script("slow", fmt::format("touch {}; exec sleep 20\n", started.string()));
    asio::io_context io{1};
    asio::cancellation_signal signal;
    std::exception_ptr error;
    Result<ProcessResult> result;
    const auto host = fleet.host();
    asio::co_spawn(io, keep(host->run(fleet.command({script}, seconds(20))), result),
                   asio::bind_cancellation_slot(signal.slot(), [&](std::exception_ptr e) { error = e; }));
    asio::co_spawn(io, cancel_when_there(fleet.clock, started, signal), [](std::exception_ptr) {});
    io.run();
    REQUIRE(error);
    CHECK(problem_of(error).kind == ProblemKind::cancelled);
    run_task(fleet.hosts.close());
    CHECK(eventually(5s, [&] { return fleet.processes() == 0; }));
}
