// Gate: a counting semaphore for coroutines. A released place passes to the longest waiter directly.
#include "libacme/async/gate.hpp"

#include "libacme/async/signal.hpp"

#include <deque>

namespace certd {

struct Gate::State {
    struct Waiter {
        Signal granted;
        bool has_place = false;
    };

    std::size_t limit = 0;
    std::size_t inside = 0;
    std::deque<std::shared_ptr<Waiter>> waiters;

    void admit() {
        while (inside < limit && !waiters.empty()) {
            ++inside;
            waiters.front()->has_place = true;
            waiters.front()->granted.notify();
            waiters.pop_front();
        }
    }
};

Gate::Gate(std::size_t limit) : state_(std::make_shared<State>()) {
    state_->limit = limit;
}

Gate::Pass& Gate::Pass::operator=(Pass&& other) noexcept {
    if (this != &other) {
        release();
        state_ = std::move(other.state_);
    }
    return *this;
}

void Gate::Pass::release() {
    if (!state_) return;
    --state_->inside;
    state_->admit();
    state_.reset();
}

Task<Gate::Pass> Gate::enter() {
    std::shared_ptr<State> state = state_;
    if (state->inside < state->limit && state->waiters.empty()) {
        ++state->inside;
        co_return Pass(state);
    }
    auto waiter = std::make_shared<State::Waiter>();
    state->waiters.push_back(waiter);
    // Leaves the queue, or gives back a place granted in the same moment as the cancellation.
    struct Leave {
        std::shared_ptr<State> state;
        std::shared_ptr<State::Waiter> waiter;
        ~Leave() {
            if (!state) return;
            std::erase(state->waiters, waiter);
            if (waiter->has_place) Pass{state};
        }
    } leave{state, waiter};
    while (!waiter->has_place)
        co_await waiter->granted.wait();
    leave.state.reset();
    co_return Pass(state);
}

std::size_t Gate::inside() const {
    return state_->inside;
}
std::size_t Gate::waiting() const {
    return state_->waiters.size();
}

void Gate::set_limit(std::size_t limit) {
    state_->limit = limit;
    state_->admit();
}

}  // namespace certd
