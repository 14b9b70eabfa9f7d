#include "libacme/async/launch.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>

#include <fcntl.h>
#include <grp.h>
#include <poll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <linux/close_range.h>

namespace certd {

namespace {

using Stage = StartFailure::Stage;

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

}  // namespace

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

// By number: glibc 2.36 declares pidfd_open without extern "C".
int open_pidfd(pid_t pid) {
    return static_cast<int>(::syscall(SYS_pidfd_open, pid, 0));
}

}  // namespace certd
