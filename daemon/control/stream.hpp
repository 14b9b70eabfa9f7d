// Event streams: a place in the event history that can be read from and waited at, and the wait that has a heartbeat.
#pragma once

#include "daemon/control/answer.hpp"
#include "daemon/control/calls.hpp"

namespace certd::control {

// A line is sent at least this often, so that either side notices when the other one has gone.
constexpr Duration heartbeat_interval = seconds(15);

// Reads the bus's history from `after` on. Slow readers lose events, and are told how many.
class EventCursor {
   public:
    EventCursor(EventBus& bus, std::uint64_t after);
    std::vector<Event> take();  // what has happened since the last take
    std::uint64_t dropped();    // events lost before the last take, told once
    Task<> wait();              // until there is something to take

   private:
    EventBus& bus_;
    EventBus::Subscription subscription_;
    std::uint64_t after_;
    std::uint64_t dropped_ = 0;
};

// Waits for the first of both, at most `limit`. False when the time is over.
Task<bool> wait_for(Clock& clock, Duration limit, Task<> one, Task<> other);

// The same for the next events: false when there were none.
Task<bool> wait_for_events(Clock& clock, Duration limit, EventCursor& cursor);

// {"heartbeat": now}
Json heartbeat(const Clock& clock);

// Sends the events of `call`'s job until it has ended, then {"result": …} or {"problem": …}.
Task<> stream_call(Answer& answer, std::shared_ptr<Call> call, EventCursor& cursor, Clock& clock, std::string lineage);

// Waits until `call` has started or ended, at most a heartbeat.
Task<> await_start(std::shared_ptr<Call> call, Clock& clock);

// Sends the events that `wanted` names, and goes on for ever when `follow` is set.
Task<> stream_events(Answer& answer, EventCursor& cursor, Clock& clock, std::function<bool(const Event&)> wanted,
                     bool follow);

}  // namespace certd::control
