// Sees to it that lineages with `next_key` have the keys of their next version: after an issuance that was cut short,
// and when the configuration asks for them only now. One lineage after the other. Agent within the scheduler, as
// ServedWatch is.
#pragma once

#include "daemon/observe/bus.hpp"
#include "daemon/renew/pipeline.hpp"
#include "daemon/schedule/poll_queue.hpp"
#include "libacme/async/task_group.hpp"

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace certd {

class NextKeyKeeper {
   public:
    struct Parts {
        Clock& clock;
        Pipeline& pipeline;
        EventBus& bus;
        std::function<LineageRecord*(const std::string& lineage)> find;  // nullptr for a lineage that is gone
        std::function<void(const std::string& lineage)> ended;           // the lineage is to be placed again
    };
    NextKeyKeeper(asio::any_io_executor executor, Parts parts);

    // Puts a lineage into the timetable whose keys were not seen to yet.
    void place(const LineageRecord& record);
    void remove(const std::string& lineage) { queue_.remove(lineage); }
    void start_due();
    std::optional<Time> next() const { return queue_.next(); }
    Task<> stop() { return tasks_.stop(); }

   private:
    // After which version, and for which types of keys.
    struct Need {
        VersionNumber after;
        std::vector<KeyType> types;
        bool operator==(const Need&) const = default;
    };
    Task<> keep(PollQueue::Admitted admitted);
    Task<> make(std::string lineage);
    void tell_fault(const std::string& lineage, Problem problem);

    Parts parts_;
    PollQueue queue_;
    std::map<std::string, Need> met_;
    std::map<std::string, Time> failed_;
    TaskGroup tasks_;
};

}  // namespace certd
