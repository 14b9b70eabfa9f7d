#include "daemon/deploy/reload_round.hpp"

#include "libacme/async/gate.hpp"
#include "libacme/async/signal.hpp"

#include <optional>
#include <utility>

namespace certd {

struct ReloadRound::State {
    std::size_t expected = 0;  // on their way
    std::size_t arriving = 0;  // in enter()
    std::size_t members = 0;
    std::size_t asking = 0;  // members in reload()
    bool working = false;    // a member has the place to itself
    bool reloading = false;
    std::optional<Result<void>> reloaded;  // what the reload of this round ended with
    Signal changed;
    Gate way_back{1};

    bool closed() const { return reloading || reloaded; }
    bool waits_for_somebody() const { return expected > 0 || arriving > 0; }
};

ReloadRound::ReloadRound() : state_(std::make_shared<State>()) {}

ReloadRound::Expected::Expected(std::shared_ptr<State> state) : state_(std::move(state)) {
    ++state_->expected;
}

ReloadRound::Expected::~Expected() {
    if (!state_) return;
    --state_->expected;
    state_->changed.notify();
}

ReloadRound::Member::Member(std::shared_ptr<State> state) : state_(std::move(state)), working_(true) {
    state_->working = true;
    ++state_->members;
}

ReloadRound::Member::Member(Member&& other) noexcept
    : state_(std::move(other.state_)), working_(std::exchange(other.working_, false)) {}

ReloadRound::Member& ReloadRound::Member::operator=(Member&& other) noexcept {
    if (this == &other) return *this;
    leave();
    state_ = std::move(other.state_);
    working_ = std::exchange(other.working_, false);
    return *this;
}

void ReloadRound::Member::leave() {
    const std::shared_ptr<State> state = std::move(state_);
    if (!state) return;
    if (std::exchange(working_, false)) state->working = false;
    if (--state->members == 0) state->reloaded.reset();
    state->changed.notify();
}

Task<ReloadRound::Member> ReloadRound::enter() {
    const std::shared_ptr<State> state = state_;
    struct Arriving {
        State& state;
        explicit Arriving(State& of) : state(of) { ++state.arriving; }
        ~Arriving() {
            --state.arriving;
            state.changed.notify();
        }
    } arriving{*state};
    while (state->working || state->closed())
        co_await state->changed.wait();
    co_return Member(state);
}

Task<Result<void>> ReloadRound::reload(Clock& clock, Member& member, Run run) {
    const std::shared_ptr<State> state = state_;
    member.working_ = state->working = false;
    struct Asking {
        State& state;
        explicit Asking(State& of) : state(of) { ++state.asking; }
        ~Asking() {
            --state.asking;
            state.changed.notify();
        }
    } asking{*state};
    state->changed.notify();
    const Duration until = clock.monotonic() + patience;
    while (!state->reloaded) {
        const Duration left = until - clock.monotonic();
        const bool all_here = !state->working && state->asking == state->members;
        if (!state->reloading && all_here && (left <= Duration::zero() || !state->waits_for_somebody())) {
            state->reloading = true;
            struct Ended {  // also by cancellation: then another member takes over
                State& state;
                ~Ended() {
                    state.reloading = false;
                    state.changed.notify();
                }
            } ended{*state};
            Result<void> result = co_await run();
            state->reloaded = result;
            co_return result;
        }
        if (left > Duration::zero()) {
            co_await state->changed.wait_for(clock, left);
        } else {
            co_await state->changed.wait();
        }
    }
    co_return *state->reloaded;
}

Task<Result<void>> ReloadRound::alone(Run run) {
    const Gate::Pass pass = co_await state_->way_back.enter();
    co_return co_await run();
}

}  // namespace certd
