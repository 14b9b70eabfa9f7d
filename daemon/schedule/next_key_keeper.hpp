// Sees to it that lineages with `next_key` have the keys of their next version: after an issuance that was cut short,
// and when the configuration asks for them only now. One lineage after the other. Agent within the scheduler, as
// ServedWatch is.
#pragma once

#include "daemon/observe/bus.hpp"
#include "daemon/renew/pipeline.hpp"
#include "daemon/schedule/timed_tasks.hpp"

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
    void remove(const std::string& lineage) { tasks_.remove(lineage); }
    void start_due() { tasks_.start_due(); }
    std::optional<Time> next() const { return tasks_.next(); }
    Task<> stop() { return tasks_.stop(); }

   private:
    // After which version, and for which types of keys.
    struct Need {
        VersionNumber after;
        std::vector<KeyType> types;
        bool operator==(const Need&) const = default;
    };
    Task<> make(std::string lineage);

    Parts parts_;
    std::map<std::string, Need> met_;
    TimedTasks tasks_;
};

}  // namespace certd
