// The lineages that are deployed to one service at about the same time: they install and test one after another, and
// one reload serves them all (DESIGN §7). Then each verifies for itself, and nobody else comes in until the last is
// through. A member that finds it needs no reload keeps the place to itself until it leaves. Single-threaded (the event
// loop).
#pragma once

#include "libacme/async/clock.hpp"
#include "libacme/base/problem.hpp"

#include <functional>
#include <memory>

namespace certd {

class ReloadRound {
    struct State;

   public:
    ReloadRound();

    // That a lineage is on its way here, perhaps still at its CA: the reload waits for it, within reason.
    class Expected {
       public:
        explicit Expected(std::shared_ptr<State> state);
        Expected(Expected&&) noexcept = default;
        Expected& operator=(Expected&&) = delete;
        ~Expected();

       private:
        std::shared_ptr<State> state_;
    };
    Expected expect() { return Expected(state_); }

    // From enter() on nobody else works here until the reload; nobody new comes in after it.
    class Member {
       public:
        Member() = default;
        Member(Member&&) noexcept;
        Member& operator=(Member&& other) noexcept;
        ~Member() { leave(); }
        void leave();
        explicit operator bool() const { return state_ != nullptr; }

       private:
        friend class ReloadRound;
        explicit Member(std::shared_ptr<State> state);
        std::shared_ptr<State> state_;
        bool working_ = false;  // holds the place to itself
    };
    Task<Member> enter();  // cancellable

    // Waits for the members that are yet to install and test, and for who is expected, but no longer than `patience`;
    // then one of them runs its `run`, and each gets what that ended with.
    using Run = std::function<Task<Result<void>>()>;
    Task<Result<void>> reload(Clock& clock, Member& member, Run run);
    // On the way back: one member's step after the other, in the order of the calls. So all whom a failed reload sends
    // back have put their files back before the first of them reloads.
    Task<Result<void>> alone(Run run);

    static constexpr Duration patience = seconds(20);

   private:
    std::shared_ptr<State> state_;
};

}  // namespace certd
