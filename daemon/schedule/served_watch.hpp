// Looks from time to time whether what was deployed is still served, and has it deployed again where it is not. Agent
// within the scheduler, as AriPolls is.
#pragma once

#include "daemon/deploy/deployer.hpp"
#include "daemon/lineage/served.hpp"
#include "daemon/observe/bus.hpp"
#include "daemon/renew/lineage_records.hpp"
#include "daemon/schedule/timed_tasks.hpp"

#include <functional>
#include <optional>
#include <string>

namespace certd {

class ServedWatch {
   public:
    struct Parts {
        Clock& clock;
        Deployer& deployer;
        LineageRecords& records;
        EventBus& bus;
        std::function<config::ConfigPtr()> config;
        // nullptr for a lineage that is gone or has a job running. What is found stays in its place until the next
        // wait only.
        std::function<LineageRecord*(const std::string& lineage)> find;
        // A look has ended: the lineage is to be planned and placed again, and start_due() may have more to do.
        std::function<void(const std::string& lineage)> ended;
    };
    ServedWatch(asio::any_io_executor executor, Parts parts);

    // Puts a lineage's next look into the timetable, if there is one.
    void place(const LineageRecord& record);
    void remove(const std::string& lineage) { tasks_.remove(lineage); }
    // Begins what is due; to be called again at next().
    void start_due() { tasks_.start_due(); }
    std::optional<Time> next() const { return tasks_.next(); }
    Task<> stop() { return tasks_.stop(); }

   private:
    Task<> look_at_targets(std::string lineage);
    bool take(LineageRecord& record, const Place& place, const Looked& looked);
    void tell(const std::string& lineage, const Place& place, ServedChange change, const Looked& looked);

    Parts parts_;
    Time started_;
    TimedTasks tasks_;
};

}  // namespace certd
