// `certctl doctor`: the checklist before production, gone through for the daemon and all of its lineages. One at a
// time; nothing is ordered, deployed or sent.
#pragma once

#include "ctl/api/doctor.hpp"
#include "daemon/app/engine.hpp"
#include "daemon/app/findings.hpp"

#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace certd {

struct DoctorLimits {
    std::size_t at_once = 4;     // lineages
    Duration each = minutes(4);  // longer than a rehearsal of dns-01
    Duration all = minutes(10);  // of all lineages; those that are left then are said to be
    Duration service = seconds(10);
};

class Doctor {
   public:
    struct Parts {
        Engine& engine;
        std::string config_file;
        std::function<Result<config::ConfigPtr>()> load;  // blocking
        std::function<api::Notifications()> notifications;
        DoctorLimits limits = {};
    };
    explicit Doctor(Parts parts) : parts_(std::move(parts)) {}

    // Whoever asks while it is at work gets that report. Throws only on cancellation.
    Task<api::DoctorReport> examine();
    // Since certd started.
    const std::optional<api::DoctorReport>& last() const { return last_; }

   private:
    using Findings = std::vector<api::CheckFinding>;
    Task<api::DoctorReport> look();
    Task<Findings> look_at_service();
    Task<Findings> look_at_programs(config::ConfigPtr config);
    Task<Findings> look_at_state();
    Task<Findings> look_at_cas(config::ConfigPtr config, std::map<CaName, CaSight>& sights);
    Task<Findings> look_at_monitoring(config::ConfigPtr config);
    Task<Findings> look_at_lineage(config::ConfigPtr config, LineageName name, std::vector<CaSight> cas,
                                   Duration limit);
    Task<> look_at_lineages(config::ConfigPtr config, const std::map<CaName, CaSight>& sights,
                            api::DoctorReport& report);

    Parts parts_;
    Gate gate_{1};
    std::uint64_t examined_ = 0;
    std::optional<api::DoctorReport> last_;
};

}  // namespace certd
