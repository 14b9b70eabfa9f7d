// Looks from time to time at endpoints in somebody else's hands, and tells what is wrong with what they serve. It
// changes nothing there and holds up nobody. Agent within the scheduler, as ServedWatch is.
#pragma once

#include "daemon/deploy/deployer.hpp"
#include "daemon/lineage/endpoint.hpp"
#include "daemon/observe/bus.hpp"
#include "daemon/renew/lineage_records.hpp"
#include "daemon/schedule/timed_tasks.hpp"

#include <functional>
#include <optional>
#include <string>
#include <vector>

namespace certd {

class EndpointWatch {
   public:
    struct Parts {
        Clock& clock;
        Deployer& deployer;
        LineageRecords& records;
        EventBus& bus;
        std::function<config::ConfigPtr()> config;
        // nullptr for a lineage that is gone; a job may be running. What is found stays in its place until the next
        // wait only.
        std::function<LineageRecord*(const std::string& lineage)> find;
        // A look has ended: the lineage is to be planned and placed again, and start_due() may have more to do.
        std::function<void(const std::string& lineage)> ended;
    };
    EndpointWatch(asio::any_io_executor executor, Parts parts);

    // Puts a lineage's next look into the timetable, if there is one.
    void place(const LineageRecord& record);
    void remove(const std::string& lineage) { tasks_.remove(lineage); }
    // Begins what is due; to be called again at next().
    void start_due() { tasks_.start_due(); }
    std::optional<Time> next() const { return tasks_.next(); }
    Task<> stop() { return tasks_.stop(); }

   private:
    Task<> look_at_targets(std::string lineage);
    // Whether there is something to be stored; a problem when nothing could be judged.
    Task<Result<bool>> look_at(std::string lineage, config::ConfigPtr config, VersionFacts live, TargetName target,
                               std::vector<config::VerifyAddress> addresses);
    bool take(LineageRecord& record, const config::Target& target, const config::VerifyAddress& address,
              const std::vector<EndpointSight>& sights);
    void tell(const std::string& lineage, const EndpointState& endpoint, EndpointChange change);

    Parts parts_;
    Time started_;
    TimedTasks tasks_;
};

}  // namespace certd
