// RealProcessRunner: what is prepared before a child is forked, and how it is followed to its end.
#include "libacme/async/process.hpp"

#include "libacme/async/launch.hpp"
#include "libacme/async/program.hpp"
#include "libacme/async/timeout.hpp"
#include "libacme/base/descriptor.hpp"

#include <boost/asio/buffer.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/write.hpp>
#include <boost/system/system_error.hpp>

#include <fmt/format.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <utility>

#include <fcntl.h>
#include <grp.h>
#include <poll.h>
#include <pwd.h>
#include <sys/wait.h>
#include <unistd.h>

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
        case StartFailure::Stage::shadow:
            break;  // shadow_problem
        case StartFailure::Stage::descriptors:
            return problem("process.start", "Cannot connect the output of " + program, reason);
        case StartFailure::Stage::user:
            return problem("process.start", fmt::format("Cannot run {} as {}", program, *command.user), reason);
        case StartFailure::Stage::directory:
            return problem("process.start", fmt::format("Cannot run {} in directory {}", program, command.directory),
                           reason);
        case StartFailure::Stage::execute:
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
        fail(failure.stage == StartFailure::Stage::shadow ? shadow_problem(failure, shadow_)
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
