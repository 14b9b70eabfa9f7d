// The accept loop of every server: takes connections as long as it runs, and waits when there are no descriptors.
#pragma once

#include "libacme/async/clock.hpp"
#include "libacme/async/task_group.hpp"
#include "libacme/base/problem.hpp"

#include <functional>

#include <sys/socket.h>

namespace certd {

struct Accepted {
    int fd = -1;  // close-on-exec and non-blocking
    int error = 0;
    sockaddr_storage address{};
};

struct AcceptHooks {
    std::function<void(const Accepted&)> take_on;  // the descriptor is the hook's from then on
    std::function<void()> make_room;               // descriptors are exhausted: close what would be missed least
    std::function<void(const Problem&)> report;    // net.accept, once until an accept succeeds again
};

// Until cancelled; stops `connections`, which take_on fills, before it ends. `listening` stays the caller's.
// Throws Failure(net.accept) when the socket itself is unusable.
Task<> accept_connections(Clock& clock, int listening, AcceptHooks hooks, TaskGroup& connections);

}  // namespace certd
