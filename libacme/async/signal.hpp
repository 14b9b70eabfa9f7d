// A condition that coroutines of one event loop wait for: notify() wakes every waiter of that moment.
#pragma once

#include "libacme/async/clock.hpp"

#include <memory>

namespace certd {

class Signal {
   public:
    Signal();
    void notify();
    Task<> wait();  // until the next notify(); cancellable
    // The same with a limit: false when it passed first.
    Task<bool> wait_for(Clock& clock, Duration limit);

   private:
    struct State;
    std::shared_ptr<State> state_;
};

}  // namespace certd
