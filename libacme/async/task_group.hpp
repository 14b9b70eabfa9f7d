// Structured concurrency: the only place of the project that calls co_spawn for work that outlives an expression.
// The owner of a TaskGroup awaits join() (or stop()) before the group is destroyed.
#pragma once

#include "libacme/async/task.hpp"

#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace certd {

class TaskGroup {
   public:
    // `on_error` hears of a task that ended with an exception other than cancellation: its name and the exception.
    TaskGroup(asio::any_io_executor executor,
              std::function<void(const std::string& name, std::exception_ptr)> on_error);
    ~TaskGroup();  // cancels what is left, as after an exception of the owner
    TaskGroup(const TaskGroup&) = delete;
    TaskGroup& operator=(const TaskGroup&) = delete;

    void spawn(std::string name, Task<> task);
    std::size_t size() const;
    std::vector<std::string> names() const;

    void cancel();  // asks every task to end
    Task<> join();  // waits until all have ended; a cancelled join cancels the tasks and still waits
    Task<> stop();  // cancel() and join()

   private:
    struct State;
    class Listed;
    std::shared_ptr<State> state_;
};

}  // namespace certd
