#include "tests/support/child.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <fstream>
#include <sstream>
#include <stdexcept>
#include <thread>

#include <arpa/inet.h>
#include <fcntl.h>
#include <grp.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

namespace certd::test {

namespace {

// What happens between fork and exec. Only the child of a single-threaded test comes here.
[[noreturn]] void become(const std::vector<std::string>& argv, const ChildOptions& options, int out, int err) {
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    ::setpgid(0, 0);
    const int null = ::open("/dev/null", O_RDWR);
    ::dup2(null, 0);
    ::dup2(out < 0 ? null : out, 1);
    ::dup2(err < 0 ? null : err, 2);
    for (const std::string& pair : options.environment) {
        const std::size_t equals = pair.find('=');
        ::setenv(pair.substr(0, equals).c_str(), pair.substr(equals + 1).c_str(), 1);
    }
    if (!options.listen_fds.empty()) {
        std::vector<int> moved;  // out of the way first: the targets may be occupied by the others
        for (const int fd : options.listen_fds)
            moved.push_back(::fcntl(fd, F_DUPFD, 100));
        for (std::size_t i = 0; i < moved.size(); ++i)
            ::dup2(moved[i], static_cast<int>(3 + i));
        for (const int fd : moved)
            ::close(fd);
        ::setenv("LISTEN_PID", std::to_string(::getpid()).c_str(), 1);
        ::setenv("LISTEN_FDS", std::to_string(moved.size()).c_str(), 1);
        ::setenv("LISTEN_FDNAMES", options.listen_names.c_str(), 1);
    }
    if (options.user &&
        (::setgroups(0, nullptr) != 0 || ::setgid(*options.user) != 0 || ::setuid(*options.user) != 0)) {
        ::_exit(126);
    }
    std::vector<char*> pointers;
    for (const std::string& argument : argv)
        pointers.push_back(const_cast<char*>(argument.c_str()));
    pointers.push_back(nullptr);
    ::execvp(pointers[0], pointers.data());
    ::_exit(127);
}

pid_t spawn(const std::vector<std::string>& argv, const ChildOptions& options, int out, int err) {
    const pid_t pid = ::fork();
    if (pid < 0) throw std::runtime_error("fork failed");
    if (pid == 0) become(argv, options, out, err);
    ::setpgid(pid, pid);
    return pid;
}

Child::Ended ended_from(int status) {
    if (WIFSIGNALED(status)) return {-1, WTERMSIG(status)};
    return {WEXITSTATUS(status), 0};
}

}  // namespace

Child::Child(std::vector<std::string> argv, ChildOptions options) {
    int out = -1;
    if (!options.output.empty()) {
        out = ::open(options.output.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    }
    pid_ = spawn(argv, options, out, out);
    if (out >= 0) ::close(out);
}

Child::~Child() {
    stop();
}

bool Child::alive() {
    return !wait(0ms);
}

void Child::signal(int number) const {
    if (!ended_) ::kill(pid_, number);
}

std::optional<Child::Ended> Child::wait(Limit limit) {
    eventually(limit, [&] {
        int status = 0;
        if (!ended_ && ::waitpid(pid_, &status, WNOHANG) == pid_) ended_ = ended_from(status);
        return ended_.has_value();
    });
    return ended_;
}

void Child::stop(int number, Limit grace) {
    signal(number);
    if (!wait(grace)) {
        ::kill(pid_, SIGKILL);
        wait(5s);
    }
    ::kill(-pid_, SIGKILL);  // whatever it left behind in its group
}

namespace {

// Reads both pipes until they close, the child's group is killed at the deadline.
void collect(pid_t pid, std::array<int, 2> pipes, Output& output, std::chrono::steady_clock::time_point deadline) {
    std::array<std::string*, 2> sinks{&output.out, &output.err};
    std::array<pollfd, 2> polls{pollfd{pipes[0], POLLIN, 0}, pollfd{pipes[1], POLLIN, 0}};
    bool killed = false;
    while (polls[0].fd >= 0 || polls[1].fd >= 0) {
        const auto left =
            std::chrono::duration_cast<std::chrono::milliseconds>(deadline - std::chrono::steady_clock::now());
        if (left <= 0ms && !killed) {
            ::kill(-pid, SIGKILL);
            killed = true;
        }
        if (left <= -2s) return;  // somebody outside the group still holds the pipe
        ::poll(polls.data(), polls.size(), static_cast<int>(std::clamp<std::int64_t>(left.count(), 10, 1000)));
        for (std::size_t i = 0; i < polls.size(); ++i) {
            if (polls[i].fd < 0 || polls[i].revents == 0) continue;
            std::array<char, 16384> buffer;
            const ssize_t got = ::read(polls[i].fd, buffer.data(), buffer.size());
            if (got > 0) {
                sinks[i]->append(buffer.data(), static_cast<std::size_t>(got));
            } else if (got == 0 || errno != EINTR) {
                polls[i].fd = -1;
            }
        }
    }
}

}  // namespace

Output run(std::vector<std::string> argv, RunOptions options) {
    std::array<int, 2> out{}, err{};
    if (::pipe2(out.data(), O_CLOEXEC) != 0 || ::pipe2(err.data(), O_CLOEXEC) != 0)
        throw std::runtime_error("pipe failed");
    const auto deadline = std::chrono::steady_clock::now() + options.limit;
    ChildOptions child;
    child.environment = options.environment;
    child.user = options.user;
    const pid_t pid = spawn(argv, child, out[1], err[1]);
    ::close(out[1]);
    ::close(err[1]);
    Output output;
    collect(pid, {out[0], err[0]}, output, deadline);
    ::close(out[0]);
    ::close(err[0]);
    int status = 0;
    ::waitpid(pid, &status, 0);
    output.exit_code = ended_from(status).exit_code;
    return output;
}

bool eventually(Limit limit, const std::function<bool()>& so) {
    const auto deadline = std::chrono::steady_clock::now() + limit;
    while (!so()) {
        if (std::chrono::steady_clock::now() >= deadline) return false;
        std::this_thread::sleep_for(20ms);
    }
    return true;
}

namespace {

// Held until the process ends: an abstract Unix socket leaves no file and no reservation behind.
bool reserve(std::uint16_t port) {
    const int fd = ::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    const std::string name = "certd-test-port-" + std::to_string(port);
    std::copy(name.begin(), name.end(), address.sun_path + 1);
    const auto length = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + 1 + name.size());
    if (::bind(fd, reinterpret_cast<sockaddr*>(&address), length) == 0) return true;
    ::close(fd);
    return false;
}

bool bindable(std::uint16_t port, int type) {
    const int fd = ::socket(AF_INET, type | SOCK_CLOEXEC, 0);
    const int yes = 1;
    ::setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    const bool free = ::bind(fd, reinterpret_cast<sockaddr*>(&address), sizeof address) == 0;
    ::close(fd);
    return free;
}

}  // namespace

std::uint16_t free_port() {
    // Below the ephemeral range: no outgoing connection of another test lands here.
    static std::uint16_t next = static_cast<std::uint16_t>(10000 + (::getpid() * 37) % 20000);
    for (int tries = 0; tries < 20000; ++tries) {
        next = next >= 30000 ? 10000 : static_cast<std::uint16_t>(next + 1);
        if (reserve(next) && bindable(next, SOCK_STREAM) && bindable(next, SOCK_DGRAM)) return next;
    }
    throw std::runtime_error("no free port");
}

std::string read_file(const std::filesystem::path& path) {
    std::ifstream file(path, std::ios::binary);
    std::ostringstream text;
    text << file.rdbuf();
    return text.str();
}

void write_file(const std::filesystem::path& path, const std::string& content) {
    std::ofstream(path, std::ios::binary | std::ios::trunc) << content;
}

std::string program(const std::string& name) {
    for (const char* directory : {"/usr/sbin/", "/usr/bin/", "/sbin/", "/bin/"}) {
        if (::access((directory + name).c_str(), X_OK) == 0) return directory + name;
    }
    throw std::runtime_error(name + " is not installed");
}

}  // namespace certd::test
