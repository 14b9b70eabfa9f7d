// The process seam: run a program without a shell, with an environment from scratch, a deadline and capped output.
// launch.cpp, below it, is the one file of certd that forks.
#pragma once

#include "libacme/async/clock.hpp"
#include "libacme/async/shadow.hpp"
#include "libacme/base/problem.hpp"

#include <optional>
#include <string>
#include <vector>

#include <sys/types.h>

namespace certd {

struct Command {
    std::vector<std::string> argv;         // argv[0] is looked up in the PATH of `environment` when it has no slash
    std::vector<std::string> environment;  // "NAME=value"; nothing is inherited
    std::string input;                     // written to stdin, which is then closed
    std::string directory = "/";
    std::optional<std::string> user;       // run as this user (with its groups); needs root
    Duration timeout = seconds(60);        // then SIGTERM to the process group, SIGKILL 2 s later
    std::size_t output_limit = 64 * 1024;  // stdout and stderr together; the tail is kept
    std::optional<Shadow> shadow = {};     // run within this view of the file system
    mode_t umask = 077;
};

struct ProcessResult {
    int exit_code = -1;  // -1 when it did not exit by itself
    int signal = 0;      // that ended it
    bool timed_out = false;
    bool truncated = false;  // output beyond the limit was dropped
    std::string output;      // raw: untrusted text
    Duration took{};
    bool ok() const { return exit_code == 0 && !timed_out; }
};

class ProcessRunner {
   public:
    virtual ~ProcessRunner() = default;
    // Throws Failure(process.notFound | process.start) when it cannot be started, process.shadow when there can be no
    // such view. Cancelling kills the process group.
    virtual Task<ProcessResult> run(Command command) = 0;
};

// Children run in a session of their own, with only fds 0–2 open, default signals and no core. One with a shadow does
// not outlive certd.
class RealProcessRunner final : public ProcessRunner {
   public:
    explicit RealProcessRunner(Clock& clock) : clock_(clock) {}
    Task<ProcessResult> run(Command command) override;

   private:
    Clock& clock_;
};

// PATH and LANG as every child gets them: "PATH=/usr/local/sbin:…:/bin", "LANG=C.UTF-8".
std::vector<std::string> base_environment();

}  // namespace certd
