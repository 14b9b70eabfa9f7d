// Small work for lineages beside their jobs, each at its time: a few at once, and one for each lineage. What ends
// unexpectedly is told, and its lineage left alone for a while. Part of the agent whose work it is.
#pragma once

#include "daemon/observe/bus.hpp"
#include "daemon/schedule/poll_queue.hpp"
#include "libacme/async/clock.hpp"
#include "libacme/async/task_group.hpp"

#include <functional>
#include <map>
#include <optional>
#include <string>

namespace certd {

class TimedTasks {
   public:
    struct Parts {
        Clock& clock;
        EventBus& bus;
        std::size_t at_a_time;
        std::string unexpected;  // the message when work has thrown
        std::function<Task<>(std::string lineage)> work;
        // Work has ended: the lineage is to be placed again, and start_due() may have more to do.
        std::function<void(const std::string& lineage)> ended;
    };
    TimedTasks(asio::any_io_executor executor, Parts parts);

    // In place of an earlier time. One that is at work is not placed.
    void place(const std::string& lineage, Time at);
    void remove(const std::string& lineage) { queue_.remove(lineage); }
    // Begins what is due; to be called again at next().
    void start_due();
    std::optional<Time> next() const { return queue_.next(); }
    Task<> stop() { return tasks_.stop(); }

    // Of certd itself, not of what the work is about.
    void tell_fault(const std::string& lineage, std::string message, Problem problem);

   private:
    Task<> run(PollQueue::Admitted admitted);

    Parts parts_;
    PollQueue queue_;
    std::map<std::string, Time> broken_off_;  // lineages whose last work ended unexpectedly, and when
    TaskGroup tasks_;
};

}  // namespace certd
