// The record of who asked for what: control.call events for every mutating call, refused ones included.
#pragma once

#include "daemon/control/access.hpp"
#include "daemon/observe/bus.hpp"

#include <map>
#include <string>

namespace certd::control {

struct CallRecord {
    Peer peer;
    std::string verb;     // "renew"
    std::string lineage;  // as asked for, unchecked; empty: the daemon
    Json arguments;
};

class Audit {
   public:
    Audit(EventBus& events, Clock& clock) : events_(events), clock_(clock) {}

    void accepted(const CallRecord& call);
    // A flood of refused calls must not wash everything else out of the event history: beyond 20 per uid and minute
    // they are counted, and the number is told with the first refusal of the next minute.
    void refused(const CallRecord& call, const Problem& problem);

   private:
    struct Refusals {
        Duration window_end{};
        std::uint64_t count = 0;
    };
    std::uint64_t suppressed_before(const Peer& peer, bool& silent);

    EventBus& events_;
    Clock& clock_;
    std::map<std::optional<uid_t>, Refusals> refusals_;
};

}  // namespace certd::control
