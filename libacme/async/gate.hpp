// A gate lets at most `limit` holders through, first come first served. Single-threaded (the event loop).
#pragma once

#include "libacme/async/task.hpp"

#include <cstddef>
#include <memory>

namespace certd {

class Gate {
    struct State;

   public:
    explicit Gate(std::size_t limit);

    // Gives its place back when destroyed; may outlive the Gate.
    class Pass {
       public:
        Pass() = default;
        Pass(Pass&&) noexcept = default;
        Pass& operator=(Pass&& other) noexcept;
        ~Pass() { release(); }
        explicit operator bool() const { return state_ != nullptr; }

       private:
        friend class Gate;
        explicit Pass(std::shared_ptr<State> state) : state_(std::move(state)) {}
        void release();
        std::shared_ptr<State> state_;
    };

    Task<Pass> enter();  // cancellable
    std::size_t inside() const;
    std::size_t waiting() const;
    void set_limit(std::size_t limit);  // more places are given out at once; fewer only as holders leave

   private:
    std::shared_ptr<State> state_;
};

}  // namespace certd
