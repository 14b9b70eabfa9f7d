// EventBus: a ring of recent events, synchronous sinks and queued subscriptions.
#include "daemon/observe/bus.hpp"

#include <algorithm>

namespace certd {

struct EventBus::Subscription::State {
    std::deque<Event> queue;
    std::size_t limit = 0;
    std::uint64_t dropped = 0;
    Signal arrived;
};

EventBus::EventBus(Clock& clock, std::size_t kept) : clock_(clock), kept_(kept) {}

void EventBus::publish(Event event) {
    event.id = ++last_id_;
    event.at = clock_.now();
    for (const EventSink& sink : sinks_)
        sink(event);
    std::erase_if(subscriptions_, [](const auto& subscription) { return subscription.expired(); });
    for (const auto& weak : subscriptions_) {
        auto subscription = weak.lock();
        if (subscription->queue.size() >= subscription->limit) {
            subscription->queue.pop_front();
            ++subscription->dropped;
        }
        subscription->queue.push_back(event);
        subscription->arrived.notify();
    }
    events_.push_back(std::move(event));
    if (events_.size() > kept_) events_.pop_front();
}

void EventBus::add_sink(EventSink sink) {
    sinks_.push_back(std::move(sink));
}

std::vector<Event> EventBus::recent(std::uint64_t after_id, std::size_t limit) const {
    std::vector<Event> result;
    for (const Event& event : events_) {
        if (event.id > after_id) result.push_back(event);
    }
    if (result.size() > limit) result.erase(result.begin(), result.end() - static_cast<std::ptrdiff_t>(limit));
    return result;
}

EventBus::Subscription EventBus::subscribe(std::size_t queue) {
    Subscription subscription;
    subscription.state_ = std::make_shared<Subscription::State>();
    subscription.state_->limit = queue;
    subscriptions_.push_back(subscription.state_);
    return subscription;
}

Task<Event> EventBus::Subscription::next() {
    std::shared_ptr<State> state = state_;
    while (state->queue.empty())
        co_await state->arrived.wait();
    Event event = std::move(state->queue.front());
    state->queue.pop_front();
    co_return event;
}

std::uint64_t EventBus::Subscription::dropped() const {
    return state_->dropped;
}

}  // namespace certd
