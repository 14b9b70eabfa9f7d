// RealProcessRunner against real programs: what a child gets, what comes back, and that nothing outlives its deadline.
#include "libacme/async/process.hpp"
#include "libacme/async/program.hpp"

#include "tests/support/catch.hpp"
#include "tests/support/temp_directory.hpp"

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/system/system_error.hpp>

#include <fmt/format.h>

#include <cerrno>
#include <csignal>
#include <fstream>
#include <iterator>
#include <sstream>

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

using namespace certd;

namespace {

Command shell(std::string script, Duration timeout = seconds(20)) {
    Command command;
    command.argv = {"/bin/sh", "-c", std::move(script)};
    command.environment = base_environment();
    command.timeout = timeout;
    return command;
}

struct Ran {
    std::optional<ProcessResult> result;
    std::optional<Problem> problem;
};

Task<> run_into(RealProcessRunner& runner, Command command, Ran& ran) {
    try {
        ran.result = co_await runner.run(std::move(command));
    } catch (const Failure& failure) {
        ran.problem = failure.problem();
    }
}

Ran run(Command command) {
    SystemClock clock;
    RealProcessRunner runner(clock);
    asio::io_context loop{1};
    Ran ran;
    asio::co_spawn(loop, run_into(runner, std::move(command), ran), [](std::exception_ptr error) {
        if (error) std::rethrow_exception(error);
    });
    loop.run();
    return ran;
}

ProcessResult finished(Command command) {
    auto ran = run(std::move(command));
    if (ran.problem) FAIL(describe(*ran.problem));
    return *ran.result;
}

std::string code_of(Command command) {
    auto ran = run(std::move(command));
    REQUIRE(ran.problem);
    return ran.problem->code;
}

bool no_child_left() {
    siginfo_t info{};
    return ::waitid(P_ALL, 0, &info, WEXITED | WNOHANG | WNOWAIT) != 0 && errno == ECHILD;
}

// A process that is no child of ours ends a moment after its kill; init, or a subreaper, reaps it in its own time.
bool gone_soon(pid_t pid) {
    for (int i = 0; i < 500; ++i) {
        std::ifstream file(fmt::format("/proc/{}/stat", pid));
        const std::string stat{std::istreambuf_iterator<char>(file), {}};
        if (stat.empty() || stat.find(") Z ") != std::string::npos) return true;
        ::usleep(10'000);
    }
    return false;
}

void write_file(const std::string& path, const std::string& content, mode_t mode) {
    std::ofstream(path) << content;
    ::chmod(path.c_str(), mode);
}

}  // namespace

TEST_CASE("a program's exit status and output come back, stdout and stderr together") {
    const auto result = finished(shell("echo out; echo err >&2; exit 7"));
    CHECK(result.exit_code == 7);
    CHECK(result.signal == 0);
    CHECK_FALSE(result.ok());
    CHECK(result.output == "out\nerr\n");
    CHECK(finished(shell("exit 0")).ok());
    CHECK(no_child_left());
}

TEST_CASE("a program ended by a signal says by which") {
    const auto result = finished(shell("kill -SEGV $$"));
    CHECK(result.exit_code == -1);
    CHECK(result.signal == SIGSEGV);
    CHECK_FALSE(result.timed_out);
}

TEST_CASE("the input is all that a program reads from stdin") {
    auto command = shell("cat; echo end");
    command.input = std::string(300'000, 'x');
    command.output_limit = 1 << 20;
    CHECK(finished(command).output == command.input + "end\n");
    CHECK(finished(shell("cat /dev/stdin; echo end")).output == "end\n");
}

TEST_CASE("a program that does not read its input is no failure") {
    auto command = shell("exec <&-; exit 0");
    command.input = std::string(1'000'000, 'x');
    CHECK(finished(command).ok());
}

TEST_CASE("the environment is made from scratch") {
    ::setenv("NOTIFY_SOCKET", "/run/leak", 1);
    ::setenv("LD_LEAK", "1", 1);
    auto command = shell("");
    command.argv = {"env"};
    command.environment.push_back("RENEWED_DOMAINS=a b");
    CHECK(finished(command).output ==
          "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin\nLANG=C.UTF-8\nRENEWED_DOMAINS=a b\n");
    ::unsetenv("NOTIFY_SOCKET");
    ::unsetenv("LD_LEAK");
}

TEST_CASE("a program gets descriptors 0 to 2 only, even of those that are not close-on-exec") {
    const int leak = ::open("/dev/null", O_RDONLY);
    const auto result = finished(shell("ls /proc/self/fd; readlink /proc/$$/fd/* | grep -c null"));
    ::close(leak);
    // ls itself opens the directory as 3.
    CHECK(result.output == "0\n1\n2\n3\n0\n");
}

TEST_CASE("a program starts with default signals, umask 077, no core and a session of its own") {
    struct sigaction ignore {
    }, before{};
    ignore.sa_handler = SIG_IGN;
    ::sigaction(SIGHUP, &ignore, &before);
    const auto result =
        finished(shell("umask; ulimit -c; grep -E '^Sig(Ign|Blk)' /proc/self/status; "
                       "cut -d' ' -f5,6 /proc/$$/stat; echo $$ $$; pwd"));
    ::sigaction(SIGHUP, &before, nullptr);
    const auto lines = [&] {
        std::vector<std::string> all;
        std::string line;
        for (char c : result.output) {
            if (c != '\n')
                line += c;
            else
                all.push_back(std::exchange(line, {}));
        }
        return all;
    }();
    REQUIRE(lines.size() == 7);
    CHECK(lines[0] == "0077");
    CHECK(lines[1] == "0");
    CHECK(lines[2] == "SigBlk:\t0000000000000000");
    CHECK(lines[3] == "SigIgn:\t0000000000000000");
    CHECK(lines[4] == lines[5]);
    CHECK(lines[6] == "/");
}

TEST_CASE("output beyond the limit is dropped from the front, a gigabyte in bounded time and memory") {
    auto command = shell("head -c 1000000000 /dev/zero; echo the end", seconds(50));
    command.output_limit = 4096;
    const auto result = finished(command);
    CHECK(result.ok());
    CHECK(result.truncated);
    CHECK(result.output.size() == 4096);
    CHECK(result.output.ends_with("the end\n"));
}

TEST_CASE("a program that hangs is ended at its deadline with what it said so far") {
    const auto result = finished(shell("echo waiting; sleep 600", milliseconds(200)));
    CHECK(result.timed_out);
    CHECK(result.signal == SIGTERM);
    CHECK(result.output == "waiting\n");
    CHECK(result.took < seconds(10));
    CHECK(no_child_left());
}

TEST_CASE("a program that ignores SIGTERM is killed with its whole group") {
    const auto result = finished(shell("trap '' TERM; sleep 600 & echo $!; wait; sleep 600", milliseconds(200)));
    CHECK(result.timed_out);
    CHECK(result.signal == SIGKILL);
    CHECK(result.took < seconds(10));
    CHECK(gone_soon(std::stoi(result.output)));
}

TEST_CASE("what a program leaves behind on its output is killed at the deadline") {
    const auto result = finished(shell("sleep 600 & echo $!; exit 0", milliseconds(300)));
    CHECK(result.timed_out);
    CHECK(result.exit_code == 0);
    CHECK_FALSE(result.ok());
    CHECK(gone_soon(std::stoi(result.output)));
}

TEST_CASE("a daemon in a session of its own cannot hold a run beyond its deadline") {
    const auto result = finished(shell("setsid sh -c 'echo $$; exec sleep 600' & sleep 0.1", milliseconds(500)));
    CHECK(result.timed_out);
    CHECK(result.took < seconds(10));
    REQUIRE_FALSE(result.output.empty());
    ::kill(std::stoi(result.output), SIGKILL);
}

TEST_CASE("a program that leaves something in the background with its output closed ends at once") {
    const auto result = finished(shell("sleep 600 >/dev/null 2>&1 </dev/null & echo $!"));
    CHECK(result.ok());
    ::kill(std::stoi(result.output), SIGKILL);
}

TEST_CASE("a program that closes its output is still waited for") {
    const auto result = finished(shell("exec >&- 2>&-; sleep 0.2; exit 3"));
    CHECK(result.exit_code == 3);
    CHECK(result.took >= milliseconds(150));
}

TEST_CASE("a program may delete its working directory, and the next one there is told why it cannot start") {
    test::TempDirectory directory;
    auto command = shell("rm -r \"$PWD\"; echo gone");
    command.directory = (directory.path() / "work").string();
    REQUIRE(::mkdir(command.directory.c_str(), 0700) == 0);
    const auto result = finished(command);
    CHECK(result.ok());
    CHECK(result.output == "gone\n");
    auto ran = run(command);
    REQUIRE(ran.problem);
    CHECK(ran.problem->code == "process.start");
    CHECK(ran.problem->what == "Cannot run /bin/sh in directory " + command.directory);
    CHECK(ran.problem->remote == "No such file or directory");
}

TEST_CASE("a program that stops itself is ended at its deadline all the same") {
    const auto result = finished(shell("kill -STOP $$; echo never", milliseconds(200)));
    CHECK(result.timed_out);
    CHECK(result.signal == SIGKILL);
    CHECK(result.output.empty());
    CHECK(no_child_left());
}

TEST_CASE("a program that forks without end is killed with all it made") {
    // Each generation is in the group; as many as there are at the deadline must be gone after it.
    const auto result =
        finished(shell("spawn() { while :; do sleep 600 & echo $!; sleep 0.02; done; }; spawn & spawn & "
                       "wait",
                       milliseconds(400)));
    CHECK(result.timed_out);
    CHECK_FALSE(result.output.empty());
    std::istringstream pids(result.output);
    for (pid_t pid = 0; pids >> pid;)
        CHECK(gone_soon(pid));
}

TEST_CASE("a program may be given another umask") {
    auto command = shell("umask");
    command.umask = 022;
    CHECK(finished(command).output == "0022\n");
}

TEST_CASE("a program that is not there is process.notFound") {
    auto command = shell("");
    command.argv = {"certd-no-such-program"};
    auto ran = run(command);
    REQUIRE(ran.problem);
    CHECK(ran.problem->code == "process.notFound");
    CHECK(ran.problem->what.starts_with("There is no program certd-no-such-program in PATH (/usr/local/sbin:"));
    command.argv = {"/nonexistent/program"};
    CHECK(code_of(command) == "process.notFound");
    command.argv = {};
    CHECK(code_of(command) == "process.notFound");
}

TEST_CASE("a program that cannot be executed is process.start with the system's reason") {
    test::TempDirectory directory;
    const auto path = (directory.path() / "tool").string();
    auto command = shell("");
    command.argv = {path};
    write_file(path, "#!/bin/sh\n", 0600);
    CHECK(code_of(command) == "process.start");
    write_file(path, "no program at all", 0700);
    auto ran = run(command);
    REQUIRE(ran.problem);
    CHECK(ran.problem->code == "process.start");
    CHECK(ran.problem->remote == "Exec format error");
    write_file(path, "#!/nonexistent/interpreter\n", 0700);
    ran = run(command);
    REQUIRE(ran.problem);
    CHECK(ran.problem->code == "process.notFound");
    CHECK(ran.problem->what == path + " or its interpreter is not there");
    command = shell("exit 0");
    command.directory = "/nonexistent";
    CHECK(code_of(command) == "process.start");
    CHECK(no_child_left());
}

TEST_CASE("a program that others may change is refused") {
    test::TempDirectory directory;
    const auto path = (directory.path() / "hook").string();
    auto command = shell("");
    command.argv = {path};
    write_file(path, "#!/bin/sh\nexit 0\n", 0755);
    CHECK(finished(command).ok());
    ::chmod(path.c_str(), 0777);
    CHECK(code_of(command) == "process.unsafe");
    ::chmod(path.c_str(), 0755);
    ::chmod(directory.path().c_str(), 0777);
    CHECK(code_of(command) == "process.unsafe");
    ::chmod(directory.path().c_str(), 01777);
    CHECK(finished(command).ok());
    ::chmod(directory.path().c_str(), 0755);
    if (::geteuid() != 0) return;
    // A group may not write either, but root's own.
    REQUIRE(::chown(path.c_str(), 0, 33) == 0);
    ::chmod(path.c_str(), 0775);
    CHECK(code_of(command) == "process.unsafe");
    REQUIRE(::chown(path.c_str(), 0, 0) == 0);
    ::chmod(path.c_str(), 0775);
    CHECK(finished(command).ok());
    REQUIRE(::chown(directory.path().c_str(), 0, 33) == 0);
    ::chmod(directory.path().c_str(), 0775);
    CHECK(code_of(command) == "process.unsafe");
    ::chmod(directory.path().c_str(), 0755);
    ::chmod(path.c_str(), 0755);
    REQUIRE(::chown(path.c_str(), 65534, 65534) == 0);
    CHECK(code_of(command) == "process.unsafe");
    CHECK(check_trusted(path, 65534).has_value());
}

TEST_CASE("a symlink to a program is judged by both its own place and the program's") {
    test::TempDirectory directory;
    const auto open = directory.path() / "open";
    REQUIRE(::mkdir(open.c_str(), 0700) == 0);
    ::chmod(open.c_str(), 0777);
    REQUIRE(::symlink("/bin/true", (open / "link").c_str()) == 0);
    CHECK_FALSE(check_trusted((open / "link").string()).has_value());
    REQUIRE(::symlink((open / "link").c_str(), (directory.path() / "link").c_str()) == 0);
    CHECK(check_trusted((directory.path() / "link").string()).has_value());
    write_file((open / "tool").string(), "#!/bin/sh\n", 0700);
    REQUIRE(::symlink((open / "tool").c_str(), (directory.path() / "tool").c_str()) == 0);
    CHECK_FALSE(check_trusted((directory.path() / "tool").string()).has_value());
}

TEST_CASE("root runs a program as another user, with that user's groups only") {
    if (::geteuid() != 0) return;
    auto command = shell("id -u; id -G");
    command.user = "nobody";
    CHECK(finished(command).output == "65534\n65534\n");
    command.user = "certd-no-such-user";
    CHECK(code_of(command) == "process.start");
}

TEST_CASE("a cancelled run kills its group and reaps before it ends") {
    SystemClock clock;
    RealProcessRunner runner(clock);
    asio::io_context loop{1};
    test::TempDirectory directory;
    const auto fifo = (directory.path() / "ready").string();
    REQUIRE(::mkfifo(fifo.c_str(), 0600) == 0);
    asio::posix::stream_descriptor ready(loop, ::open(fifo.c_str(), O_RDWR | O_NONBLOCK | O_CLOEXEC));
    asio::cancellation_signal cancel;
    std::exception_ptr error;
    Ran ran;
    asio::co_spawn(loop,
                   run_into(runner, shell(fmt::format("sleep 600 & echo $! $$ > {}; wait", fifo), seconds(600)), ran),
                   asio::bind_cancellation_slot(cancel.slot(), [&](std::exception_ptr e) { error = e; }));
    std::array<char, 64> pids{};
    ready.async_read_some(asio::buffer(pids), [&](auto, auto) { cancel.emit(asio::cancellation_type::all); });
    loop.run();
    REQUIRE(error);
    CHECK(problem_of(error).kind == ProblemKind::cancelled);
    CHECK(no_child_left());
    CHECK(gone_soon(std::atoi(pids.data())));
}

TEST_CASE("destroying the event loop kills what runs on it") {
    SystemClock clock;
    RealProcessRunner runner(clock);
    test::TempDirectory directory;
    const auto fifo = (directory.path() / "ready").string();
    REQUIRE(::mkfifo(fifo.c_str(), 0600) == 0);
    Ran ran;
    std::array<char, 64> pid{};
    {
        asio::io_context loop{1};
        asio::posix::stream_descriptor ready(loop, ::open(fifo.c_str(), O_RDWR | O_NONBLOCK | O_CLOEXEC));
        asio::co_spawn(loop,
                       run_into(runner, shell(fmt::format("echo $$ > {}; exec sleep 600", fifo), seconds(600)), ran),
                       [](std::exception_ptr) {});
        ready.async_read_some(asio::buffer(pid), [&](auto, auto) { loop.stop(); });
        loop.run();
    }
    CHECK(no_child_left());
    CHECK(gone_soon(std::atoi(pid.data())));
}

TEST_CASE("two hundred programs run at the same time and leave no zombie and no descriptor") {
    SystemClock clock;
    RealProcessRunner runner(clock);
    std::vector<Ran> all(200);
    const auto count_open = [] {
        return std::distance(std::filesystem::directory_iterator("/proc/self/fd"),
                             std::filesystem::directory_iterator());
    };
    const auto before = count_open();
    {
        asio::io_context loop{1};
        for (std::size_t i = 0; i < all.size(); ++i) {
            auto command = shell(fmt::format("read line; echo $line; exit {}", i % 3));
            command.input = fmt::format("run {}\n", i);
            asio::co_spawn(loop, run_into(runner, command, all[i]), [](std::exception_ptr error) {
                if (error) std::rethrow_exception(error);
            });
        }
        loop.run();
    }
    for (std::size_t i = 0; i < all.size(); ++i) {
        REQUIRE(all[i].result);
        CHECK(all[i].result->exit_code == static_cast<int>(i % 3));
        CHECK(all[i].result->output == fmt::format("run {}\n", i));
    }
    CHECK(no_child_left());
    CHECK(count_open() == before);
}

TEST_CASE("a process that may open no more files is told so, and runs again later") {
    // UBSan looks at each dynamic type once, through a pipe: let it see the exception's while there are files left.
    Command missing = shell("");
    missing.argv = {"/nonexistent"};
    REQUIRE(run(std::move(missing)).problem);
    std::vector<int> taken;
    for (int fd = ::dup(0); fd >= 0; fd = ::dup(0))
        taken.push_back(fd);
    // Room for the event loop itself (epoll, eventfd, timerfd) and two more.
    for (int i = 0; i < 5; ++i) {
        ::close(taken.back());
        taken.pop_back();
    }
    auto ran = run(shell("exit 0"));
    for (int fd : taken)
        ::close(fd);
    REQUIRE(ran.problem);
    CHECK(ran.problem->code == "process.start");
    CHECK(ran.problem->remote == "Too many open files");
    CHECK(finished(shell("exit 0")).ok());
}
