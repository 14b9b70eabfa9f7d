// Long operations in progress. They run in a task group of the control handler, so that no connection can end them.
#pragma once

#include "daemon/control/operations.hpp"
#include "libacme/async/signal.hpp"
#include "libacme/async/task_group.hpp"

#include <functional>
#include <memory>
#include <optional>
#include <string>

namespace certd::control {

// One operation as those who wait for it see it.
struct Call {
    std::optional<std::uint64_t> job;  // known once it has started
    bool joined = false;
    std::optional<Result<Json>> outcome;  // known once it has ended
    Signal changed;                       // notified when either becomes known

    bool started() const { return job || outcome; }
    bool ended() const { return outcome.has_value(); }
};

class Calls {
   public:
    using Work = std::function<Task<Result<Json>>(Operations::Started started)>;

    explicit Calls(asio::any_io_executor executor);
    // Refused with control.stopping after stop() and with control.busy when 10,000 are running.
    Result<std::shared_ptr<Call>> start(std::string name, Work work);
    std::size_t size() const { return group_.size(); }
    Task<> stop();

   private:
    TaskGroup group_;
    bool stopping_ = false;
};

}  // namespace certd::control
