// The bounded event bus: keeps the latest events, hands each to the sinks at once and to subscribers through queues
// that record what they dropped. Lives on the event loop.
#pragma once

#include "daemon/observe/event.hpp"
#include "libacme/async/clock.hpp"
#include "libacme/async/signal.hpp"

#include <deque>
#include <memory>
#include <vector>

namespace certd {

class EventBus {
   public:
    explicit EventBus(Clock& clock, std::size_t kept = 1000);

    void publish(Event event);
    EventSink sink() {
        return [this](Event event) { publish(std::move(event)); };
    }
    void add_sink(EventSink sink);                      // called within publish; must not block
    std::uint64_t last_id() const { return last_id_; }  // of the latest event; 0: none yet
    std::vector<Event> recent(std::uint64_t after_id = 0, std::size_t limit = 1000) const;

    // A bounded queue of events from the moment of subscription.
    class Subscription {
       public:
        // The next event; waits for one. Cancellable.
        Task<Event> next();
        std::uint64_t dropped() const;

       private:
        friend class EventBus;
        struct State;
        std::shared_ptr<State> state_;
    };
    Subscription subscribe(std::size_t queue = 256);

   private:
    Clock& clock_;
    std::size_t kept_;
    std::uint64_t last_id_ = 0;
    std::deque<Event> events_;
    std::vector<EventSink> sinks_;
    std::vector<std::weak_ptr<Subscription::State>> subscriptions_;
};

}  // namespace certd
