// A gate lets at most `limit` holders through, first come first served. Single-threaded (the event loop).
#pragma once

#include "libacme/async/task.hpp"

#include <cstddef>
#include <deque>
#include <memory>

namespace certd {

class Gate {
   public:
    explicit Gate(std::size_t limit);

    // Gives the place back when destroyed. Must not outlive the gate's state, which it shares.
    class Pass {
       public:
        Pass() = default;
        Pass(Pass&&) noexcept = default;
        Pass& operator=(Pass&&) noexcept;
        ~Pass();

       private:
        friend class Gate;
        struct State;
        explicit Pass(std::shared_ptr<void> state) : state_(std::move(state)) {}
        void release();
        std::shared_ptr<void> state_;
    };

    Task<Pass> enter();  // cancellable
    void set_limit(std::size_t limit);
    std::size_t inside() const;
    std::size_t waiting() const;

   private:
    struct State;
    std::shared_ptr<State> state_;
};

}  // namespace certd
