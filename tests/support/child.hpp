// Real programs as children of a test: each in a process group of its own, every wait with a limit, nothing left behind
// — not even when the test is killed.
#pragma once

#include <chrono>
#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include <sys/types.h>

namespace certd::test {

using namespace std::chrono_literals;
using Limit = std::chrono::milliseconds;

struct ChildOptions {
    std::vector<std::string> environment;  // "NAME=value", added to the test's own
    std::filesystem::path output;          // stdout and stderr are appended to this file; empty: /dev/null
    std::optional<uid_t> user;             // run as this user and its group of the same number, without other groups
    std::vector<int> listen_fds;           // passed as systemd does: from 3 on, with LISTEN_PID and LISTEN_FDS
    std::string listen_names;              // LISTEN_FDNAMES
};

class Child {
   public:
    Child(std::vector<std::string> argv, ChildOptions options);
    ~Child();  // SIGTERM, a grace of 2 s, then SIGKILL for the whole group
    Child(const Child&) = delete;
    Child& operator=(const Child&) = delete;

    pid_t pid() const { return pid_; }
    bool alive();
    void signal(int number) const;  // to the process, not to its group
    struct Ended {
        int exit_code = -1;  // -1 when a signal ended it
        int signal = 0;
    };
    std::optional<Ended> wait(Limit limit);  // nullopt: still running
    void stop(int number = 15, Limit grace = 2s);

   private:
    pid_t pid_ = -1;
    std::optional<Ended> ended_;
};

struct Output {
    int exit_code = -1;
    std::string out, err;
    std::string both() const { return out + err; }
};

struct RunOptions {
    std::vector<std::string> environment;
    std::optional<uid_t> user;
    Limit limit = 60s;  // then the group is killed and exit_code is -1
};

Output run(std::vector<std::string> argv, RunOptions options = {});

// Asks every 20 ms until it is so; false when it has not become so within the limit.
bool eventually(Limit limit, const std::function<bool()>& so);

// A TCP and UDP port of 127.0.0.1 that nobody listens on and that no other test takes while this process lives.
std::uint16_t free_port();

std::string read_file(const std::filesystem::path& path);  // empty when there is none
void write_file(const std::filesystem::path& path, const std::string& content);

// The path of an installed program, also outside the PATH of ordinary users (/usr/sbin).
std::string program(const std::string& name);

}  // namespace certd::test
