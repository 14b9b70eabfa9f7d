// From fork to exec: the child's own way into its session, its user and, where it has one, its shadow. Between the two
// only async-signal-safe calls are made, because other threads may have held any lock at that moment: whoever launches
// prepares everything before.
#pragma once

#include "libacme/async/shadow.hpp"

#include <vector>

#include <sys/types.h>

namespace certd {

struct Identity {
    uid_t uid = 0;
    gid_t gid = 0;
    std::vector<gid_t> groups;
};

struct StartFailure {  // what the child tells before it gives up
    enum class Stage : int { descriptors, shadow, user, directory, execute };
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

// The child's number, or -1 with the reason in errno. The child writes a StartFailure to `status`, or closes it with
// exec; it has a session of its own, only descriptors 0 to 2 open, default signals and no core.
pid_t fork_into(const Launch& launch);

int open_pidfd(pid_t pid);

}  // namespace certd
