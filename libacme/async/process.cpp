// RealProcessRunner: the one place that forks. Everything is prepared before the fork; between fork and exec only
// async-signal-safe calls are made, because other threads may have held any lock at that moment.
#include "libacme/async/process.hpp"

#include "libacme/async/program.hpp"
#include "libacme/async/timeout.hpp"
#include "libacme/base/descriptor.hpp"

#include <boost/asio/buffer.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/write.hpp>
#include <boost/system/system_error.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <utility>

#include <fcntl.h>
#include <grp.h>
#include <poll.h>
#include <pwd.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <linux/close_range.h>

namespace certd {

namespace {

constexpr Duration term_grace = seconds(2);  // between SIGTERM and SIGKILL
constexpr Duration kill_grace =
    seconds(5);  // for the kernel to end a killed process; longer only in uninterruptible sleep

// Each end close-on-exec and above 2, so that the child can put 0–2 in place even when certd was started without them.
Descriptor above_standard(int fd) {
    if (fd > 2) return Descriptor(fd);
    const Descriptor low(fd);
    return Descriptor(::fcntl(fd, F_DUPFD_CLOEXEC, 3));
}

struct Pipe {
    Descriptor read, write;
};

Pipe make_pipe(const std::string& program) {
    std::array<int, 2> ends{};
    if (::pipe2(ends.data(), O_CLOEXEC) != 0)
        fail("process.start", "Cannot make a pipe to " + program, std::strerror(errno));
    Pipe pipe{above_standard(ends[0]), above_standard(ends[1])};
    if (pipe.read.get() < 0 || pipe.write.get() < 0)
        fail("process.start", "Cannot make a pipe to " + program, std::strerror(errno));
    return pipe;
}

// ---- Who to be ------------------------------------------------------------------------------------------------------

struct Identity {
    uid_t uid = 0;
    gid_t gid = 0;
    std::vector<gid_t> groups;
};

Identity identity_of(const std::string& user) {
    std::vector<char> buffer(16384);
    passwd entry{};
    passwd* found = nullptr;
    const int error = ::getpwnam_r(user.c_str(), &entry, buffer.data(), buffer.size(), &found);
    if (found == nullptr) fail("process.start", "There is no user " + user, error != 0 ? std::strerror(error) : "");
    Identity identity{entry.pw_uid, entry.pw_gid, std::vector<gid_t>(64)};
    int count = static_cast<int>(identity.groups.size());
    if (::getgrouplist(user.c_str(), entry.pw_gid, identity.groups.data(), &count) < 0) {
        identity.groups.resize(static_cast<std::size_t>(count));
        ::getgrouplist(user.c_str(), entry.pw_gid, identity.groups.data(), &count);
    }
    identity.groups.resize(static_cast<std::size_t>(count));
    return identity;
}

std::optional<Identity> wanted_identity(const Command& command) {
    if (!command.user || command.user->empty()) return std::nullopt;
    Identity identity = identity_of(*command.user);
    if (::geteuid() != 0 && identity.uid != ::geteuid()) {
        fail("process.start",
             fmt::format("Cannot run {} as {}: only root may change the user", command.argv.front(), *command.user));
    }
    if (::geteuid() != 0) return std::nullopt;
    return identity;
}

// ---- The child's side -----------------------------------------------------------------------------------------------

enum class Stage : int { descriptors, shadow, user, directory, execute };

struct StartFailure {  // what the child tells before it gives up
    Stage stage;
    int error;
    int step;  // of the shadow
};

struct Launch {
    const char* program;
    char* const* argv;
    char* const* environment;
    const char* directory;
    const Identity* identity;
    const std::vector<ShadowStep>* shadow;  // null: none
    mode_t umask;
    int input, output, status;
    int life;  // of a shadow: ends when certd does
};

[[noreturn]] void give_up(const Launch& launch, Stage stage, int step = 0) {
    const StartFailure failure{stage, errno, step};
    [[maybe_unused]] const ssize_t written = ::write(launch.status, &failure, sizeof failure);
    ::_exit(127);
}

void reset_signals() {
    struct sigaction action {};
    action.sa_handler = SIG_DFL;
    for (int signal = 1; signal <= SIGRTMAX; ++signal)
        ::sigaction(signal, &action, nullptr);
    sigset_t none;
    ::sigemptyset(&none);
    ::sigprocmask(SIG_SETMASK, &none, nullptr);
}

// Everything above 2 closes at exec; the status pipe must live until then.
void close_at_exec() {
    if (::close_range(3, ~0U, CLOSE_RANGE_CLOEXEC) == 0) return;
    rlimit limit{};
    ::getrlimit(RLIMIT_NOFILE, &limit);
    const int end = limit.rlim_cur > 65536 ? 65536 : static_cast<int>(limit.rlim_cur);
    for (int fd = 3; fd < end; ++fd)
        ::fcntl(fd, F_SETFD, FD_CLOEXEC);
}

// By number: glibc 2.36 declares pidfd_open without extern "C".
int open_pidfd(pid_t pid) {
    return static_cast<int>(::syscall(SYS_pidfd_open, pid, 0));
}

// ---- The keeper of a shadow, between certd and the program ----------------------------------------------------------

void close_all_but(std::array<int, 3> kept) {
    std::sort(kept.begin(), kept.end());
    int next = 0;
    for (const int fd : kept) {
        if (fd > next) ::close_range(static_cast<unsigned>(next), static_cast<unsigned>(fd - 1), 0);
        next = fd + 1;
    }
    ::close_range(static_cast<unsigned>(next), ~0U, 0);
}

// As the program did.
[[noreturn]] void end_as(pid_t program) {
    siginfo_t info{};
    while (::waitid(P_PID, static_cast<id_t>(program), &info, WEXITED) != 0 && errno == EINTR) {}
    if (info.si_code == CLD_EXITED) ::_exit(info.si_status);
    reset_signals();
    ::kill(::getpid(), info.si_status);
    ::_exit(128 + info.si_status);
}

// Gives the program its ids, and ends its group when certd is gone. All its signals are blocked.
[[noreturn]] void keep(pid_t program, int life, int line) {
    const int ended = open_pidfd(program);
    if (ended < 0) ::kill(0, SIGKILL);
    close_all_but({life, line, ended});
    std::array<pollfd, 3> waits{{{life, POLLIN, 0}, {line, POLLIN, 0}, {ended, POLLIN, 0}}};
    for (;;) {
        if (::poll(waits.data(), waits.size(), -1) < 0) continue;
        if (waits[0].revents != 0) ::kill(0, SIGKILL);
        if (waits[1].revents != 0 && !give_ids(line, program)) waits[1].fd = -1;
        if (waits[2].revents != 0) end_as(program);
    }
}

// Comes back in the process that is to be the program, within the shadow.
void enter(const Launch& launch) {
    std::array<int, 2> line{};
    if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, line.data()) != 0) give_up(launch, Stage::descriptors);
    const pid_t program = ::_Fork();  // fork is not async-signal-safe
    if (program < 0) give_up(launch, Stage::descriptors);
    if (program > 0) keep(program, launch.life, line[0]);
    ::close(line[0]);
    const int entered = enter_shadow(*launch.shadow, line[1]);
    if (entered != shadow_entered) give_up(launch, Stage::shadow, entered);
}

[[noreturn]] void become(const Launch& launch) {
    ::setsid();
    if (::dup2(launch.input, 0) < 0 || ::dup2(launch.output, 1) < 0 || ::dup2(launch.output, 2) < 0) {
        give_up(launch, Stage::descriptors);
    }
    close_at_exec();
    ::umask(launch.umask);
    const rlimit no_core{0, 0};
    ::setrlimit(RLIMIT_CORE, &no_core);
    if (launch.shadow != nullptr) enter(launch);
    if (const Identity* identity = launch.identity; identity != nullptr) {
        if (::setgroups(identity->groups.size(), identity->groups.data()) != 0 || ::setgid(identity->gid) != 0 ||
            ::setuid(identity->uid) != 0) {
            give_up(launch, Stage::user);
        }
    }
    if (::chdir(launch.directory) != 0) give_up(launch, Stage::directory);
    reset_signals();
    ::execve(launch.program, launch.argv, launch.environment);
    give_up(launch, Stage::execute);
}

// Signals are held back across the fork, so that none of our handlers runs in the child.
pid_t fork_into(const Launch& launch) {
    sigset_t all, before;
    ::sigfillset(&all);
    ::pthread_sigmask(SIG_SETMASK, &all, &before);
    const pid_t pid = ::fork();
    if (pid == 0) become(launch);
    const int error = errno;
    ::pthread_sigmask(SIG_SETMASK, &before, nullptr);
    errno = error;
    return pid;
}

std::vector<char*> pointers_to(std::vector<std::string>& texts) {
    std::vector<char*> pointers;
    pointers.reserve(texts.size() + 1);
    for (auto& text : texts)
        pointers.push_back(text.data());
    pointers.push_back(nullptr);
    return pointers;
}

Problem shadow_problem(const StartFailure& failure, const std::vector<ShadowStep>& steps) {
    const std::string what = "Cannot make a private view of the file system";
    if (failure.step == shadow_refused) return problem("process.shadow", what, std::strerror(failure.error));
    const auto& step = steps.at(static_cast<std::size_t>(failure.step));
    return problem("process.shadow", fmt::format("{}: {}", what, doing(step)), std::strerror(failure.error));
}

Problem start_problem(const StartFailure& failure, const Command& command, const std::string& program) {
    const char* reason = std::strerror(failure.error);
    switch (failure.stage) {
        case Stage::shadow:
            break;  // shadow_problem
        case Stage::descriptors:
            return problem("process.start", "Cannot connect the output of " + program, reason);
        case Stage::user:
            return problem("process.start", fmt::format("Cannot run {} as {}", program, *command.user), reason);
        case Stage::directory:
            return problem("process.start", fmt::format("Cannot run {} in directory {}", program, command.directory),
                           reason);
        case Stage::execute:
            break;
    }
    // The file was there a moment ago, so what is missing is most often the interpreter its first line names.
    if (failure.error == ENOENT)
        return problem("process.notFound", fmt::format("{} or its interpreter is not there", program), reason);
    return problem("process.start", "Cannot execute " + program, reason);
}

// A write to a child that closed its stdin must be an error, not our end; and an ignored SIGCHLD, inherited from
// whoever started us, would let the kernel throw exit statuses away.
void settle_signals() {
    struct sigaction now {
    }, wanted{};
    if (::sigaction(SIGPIPE, nullptr, &now) == 0 && now.sa_handler == SIG_DFL) {
        wanted.sa_handler = SIG_IGN;
        ::sigaction(SIGPIPE, &wanted, nullptr);
    }
    if (::sigaction(SIGCHLD, nullptr, &now) == 0 && now.sa_handler == SIG_IGN) {
        wanted.sa_handler = SIG_DFL;
        ::sigaction(SIGCHLD, &wanted, nullptr);
    }
}

// The last `limit` bytes of a stream of any length.
class Tail {
   public:
    explicit Tail(std::size_t limit) : limit_(limit) {}
    void append(std::string_view text) {
        text_.append(text);
        if (text_.size() > 2 * limit_ + 4096) trim();
    }
    std::string take(bool& truncated) {
        trim();
        truncated = truncated_;
        return std::move(text_);
    }

   private:
    void trim() {
        if (text_.size() <= limit_) return;
        text_.erase(0, text_.size() - limit_);
        truncated_ = true;
    }
    std::size_t limit_;
    std::string text_;
    bool truncated_ = false;
};

// ---- The parent's side ----------------------------------------------------------------------------------------------

// One running child with its session. It stays unreaped, so that its number cannot become another process's, until
// nothing will be sent to its group any more. Destroying it kills and reaps.
class Child {
   public:
    Child(const asio::any_io_executor& executor, Command& command)
        : program_(resolve(command)),
          output_(executor),
          status_(executor),
          input_(executor),
          ended_(executor),
          tail_(command.output_limit) {
        start(command);
    }
    Child(const Child&) = delete;
    Child& operator=(const Child&) = delete;
    ~Child() {
        if (reaped_) return;
        signal_group(SIGKILL);
        pollfd wait{ended_.native_handle(), POLLIN, 0};
        ::poll(&wait, 1, 1000);
        siginfo_t ignored{};
        ::waitid(P_PIDFD, static_cast<id_t>(ended_.native_handle()), &ignored, WEXITED | WNOHANG);
    }

    // From exec to the end of both the program and its output. Throws Failure when the program could not be executed.
    Task<> live(const Command& command) {
        co_await await_exec(command);
        auto executor = co_await asio::this_coro::executor;
        auto group =
            asio::experimental::make_parallel_group(asio::co_spawn(executor, feed(command.input), asio::deferred),
                                                    asio::co_spawn(executor, finish(), asio::deferred));
        auto [order, feed_error, error] =
            co_await group.async_wait(asio::experimental::wait_for_all(), asio::use_awaitable);
        if (error) std::rethrow_exception(error);
    }

    // SIGTERM to the group, SIGKILL when something of it is left after the grace.
    Task<> terminate(Clock& clock) {
        signal_group(SIGTERM);
        co_await ends_within(clock, term_grace, finish());
        signal_group(SIGKILL);
        co_await ends_within(clock, kill_grace, exited());
    }

    ProcessResult reap() {
        ProcessResult result;
        siginfo_t info{};
        const int waited = ::waitid(P_PIDFD, static_cast<id_t>(ended_.native_handle()), &info, WEXITED | WNOHANG);
        reaped_ = waited == 0 && info.si_pid != 0;
        if (reaped_ && info.si_code == CLD_EXITED) result.exit_code = info.si_status;
        if (reaped_ && info.si_code != CLD_EXITED) result.signal = info.si_status;
        result.output = tail_.take(result.truncated);
        return result;
    }

    // Whether `operation` ended before the limit; it is cancelled otherwise.
    static Task<bool> ends_within(Clock& clock, Duration limit, Task<> operation) {
        try {
            co_await with_timeout(clock, limit, "process.timeout", "The program did not end", std::move(operation));
        } catch (const Failure& failure) {
            if (failure.problem().code != "process.timeout") throw;
            co_return false;
        }
        co_return true;
    }

   private:
    std::string resolve(const Command& command) {
        const std::string name = command.argv.empty() ? std::string() : command.argv.front();
        identity_ = wanted_identity(command);
        if (command.shadow) shadow_ = steps_of(*command.shadow);
        auto program = value_or_fail(find_program(name, command.environment, command.directory));
        value_or_fail(check_trusted(program, identity_ ? std::optional(identity_->uid) : std::nullopt));
        return program;
    }

    void start(Command& command) {
        Pipe input = make_pipe(program_), output = make_pipe(program_), status = make_pipe(program_), life;
        if (command.shadow) life = make_pipe(program_);
        auto argv = pointers_to(command.argv);
        auto environment = pointers_to(command.environment);
        const Launch launch{program_.c_str(),
                            argv.data(),
                            environment.data(),
                            command.directory.c_str(),
                            identity_ ? &*identity_ : nullptr,
                            command.shadow ? &shadow_ : nullptr,
                            command.umask,
                            input.read.get(),
                            output.write.get(),
                            status.write.get(),
                            life.read.get()};
        pid_ = fork_into(launch);
        if (pid_ < 0) fail("process.start", "Cannot start " + program_, std::strerror(errno));
        Descriptor ended(open_pidfd(pid_));
        if (ended.get() < 0) {
            const int error = errno;
            ::kill(pid_, SIGKILL);
            ::waitpid(pid_, nullptr, 0);
            reaped_ = true;
            fail("process.start", "Cannot watch " + program_, std::strerror(error));
        }
        ended_.assign(ended.release());
        input_.assign(input.write.release());
        output_.assign(output.read.release());
        status_.assign(status.read.release());
        life_ = std::move(life.write);
    }

    // The status pipe closes at exec; before that it can only carry the reason why there will be none.
    Task<> await_exec(const Command& command) {
        StartFailure failure{};
        boost::system::error_code error;
        const std::size_t got = co_await status_.async_read_some(asio::buffer(&failure, sizeof failure),
                                                                 asio::redirect_error(asio::use_awaitable, error));
        if (error == asio::error::operation_aborted) throw boost::system::system_error(error);
        status_.close();
        if (got != sizeof failure) co_return;
        fail(failure.stage == Stage::shadow ? shadow_problem(failure, shadow_)
                                            : start_problem(failure, command, program_));
    }

    // The program need not read its input: errors are its own choice.
    Task<> feed(std::string text) {
        boost::system::error_code ignored;
        co_await asio::async_write(input_, asio::buffer(text), asio::redirect_error(asio::use_awaitable, ignored));
        input_.close(ignored);
    }

    Task<> finish() {
        auto executor = co_await asio::this_coro::executor;
        auto group = asio::experimental::make_parallel_group(asio::co_spawn(executor, drain(), asio::deferred),
                                                             asio::co_spawn(executor, exited(), asio::deferred));
        auto [order, drain_error, exit_error] =
            co_await group.async_wait(asio::experimental::wait_for_all(), asio::use_awaitable);
        if (drain_error) std::rethrow_exception(drain_error);
        if (exit_error) std::rethrow_exception(exit_error);
    }

    Task<> drain() {
        std::vector<char> buffer(std::size_t{64} << 10);
        for (;;) {
            boost::system::error_code error;
            const std::size_t got = co_await output_.async_read_some(asio::buffer(buffer),
                                                                     asio::redirect_error(asio::use_awaitable, error));
            if (error == asio::error::operation_aborted) throw boost::system::system_error(error);
            if (error) co_return;
            tail_.append({buffer.data(), got});
        }
    }

    Task<> exited() {
        co_await ended_.async_wait(asio::posix::stream_descriptor::wait_read, asio::use_awaitable);
        boost::system::error_code ignored;
        input_.close(ignored);  // whoever else holds the other end has had its chance
    }

    void signal_group(int signal) {
        // Before the child's setsid there is no such group.
        if (::kill(-pid_, signal) != 0) ::kill(pid_, signal);
    }

    std::optional<Identity> identity_;
    std::vector<ShadowStep> shadow_;  // holds keys, as the command does
    Descriptor life_;
    std::string program_;
    asio::posix::stream_descriptor output_, status_, input_, ended_;
    Tail tail_;
    pid_t pid_ = -1;
    bool reaped_ = false;
};

}  // namespace

Task<ProcessResult> RealProcessRunner::run(Command command) {
    settle_signals();
    const Duration began = clock_.monotonic();
    auto executor = co_await asio::this_coro::executor;
    Child child(executor, command);
    bool in_time = false;
    std::exception_ptr error;
    try {
        in_time = co_await Child::ends_within(clock_, command.timeout, child.live(command));
    } catch (...) {
        error = std::current_exception();
    }
    if (error) {
        co_await asio::this_coro::reset_cancellation_state(asio::disable_cancellation());
        co_await asio::this_coro::throw_if_cancelled(false);
    }
    if (!in_time) co_await child.terminate(clock_);
    ProcessResult result = child.reap();
    if (error) {
        co_await asio::this_coro::reset_cancellation_state(asio::enable_terminal_cancellation());
        co_await asio::this_coro::throw_if_cancelled(true);
        std::rethrow_exception(error);
    }
    result.timed_out = !in_time;
    result.took = clock_.monotonic() - began;
    co_return result;
}

std::vector<std::string> base_environment() {
    return {"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "LANG=C.UTF-8"};
}

}  // namespace certd
