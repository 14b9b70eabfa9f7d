// The judgements of `certctl doctor` about the daemon as a whole and about how a lineage is set up: from facts to one
// line with its remedy. Blocked is what will go wrong; what may be meant so is a warning. Pure.
#pragma once

#include "config/model.hpp"
#include "ctl/api/types.hpp"
#include "daemon/app/findings.hpp"
#include "daemon/lineage/slack.hpp"

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace certd {

// How this process is run.
struct ServiceFacts {
    bool systemd = false;           // is what runs this machine
    std::string unit;               // "certd.service"; empty: the process is in none
    std::int64_t pid = 0;           // of this process
    std::int64_t main_pid = 0;      // of the unit
    std::string enabled;            // UnitFileState: "enabled", "disabled", "static" …
    std::string restart;            // Restart=: "on-failure", "no" …
    std::optional<Problem> silent;  // systemd could not be asked
};
// "certd.service" of the text of /proc/self/cgroup; empty when the process is in no unit of its own.
std::string unit_of(std::string_view cgroup);
// Takes over what `systemctl show` printed, "Key=value" by line.
void read_unit(ServiceFacts& facts, std::string_view properties);
std::vector<api::CheckFinding> service_findings(const ServiceFacts& facts);

// `loaded`: why the files could not be loaded now.
api::CheckFinding config_finding(const std::string& file, const std::optional<Problem>& loaded);

// Of the commands of one thing ("target web"), of which there are so many.
std::vector<api::CheckFinding> program_findings(const std::string& owner, std::size_t programs,
                                                const std::vector<Problem>& found);

// What is wrong with the permissions in the state directory: "/s/x/privkey.pem can be read by others (mode 0644)".
struct StateEntry {
    std::string path;
    bool directory = false;
    mode_t mode = 0;
    uid_t owner = 0;
};
std::optional<std::string> fault_of(const StateEntry& entry, uid_t self);
struct StateSurvey {
    std::size_t files = 0, keys = 0;
    std::vector<std::string> faults;  // the first of them
    std::size_t faulty = 0;
    std::optional<Problem> broken_off;  // the rest could not be looked at
};
bool is_key_file(std::string_view path);
api::CheckFinding state_finding(const std::string& directory, const StateSurvey& survey);

// nullopt: certd counts nothing at this CA.
std::optional<api::CheckFinding> budget_left_finding(const config::Ca& ca, const std::vector<BucketUse>& uses,
                                                     Time now);

// `written`: when the textfile was; nullopt: there is none.
std::vector<api::CheckFinding> monitoring_findings(const config::MetricsListener& metrics,
                                                   const std::optional<Time>& written, Time now);
std::vector<api::CheckFinding> notification_findings(const std::vector<api::Notifier>& notifiers, Time now);

std::string window_text(const config::MaintenanceWindow& window);  // "Sat 02:00-05:00", as parse_window reads it

// How the lineage stands now, by its view.
api::CheckFinding standing_finding(const api::Lineage& view);
// nullopt: its CRL is in order, or there is none.
std::optional<api::CheckFinding> revocation_finding(const std::optional<api::Revocation>& revocation);
// `slack` of the live certificate, which lives for `lifetime`; nullopt: there is none.
api::CheckFinding slack_finding(const config::Lineage& spec, const config::Config& config,
                                const std::optional<RenewalSlack>& slack, Duration lifetime);
// What could not be looked at, and why.
api::CheckFinding unseen_finding(const std::string& lineage, const Problem& why);
struct RollbackFacts {
    std::uint32_t live = 0, to = 0;  // 0: none
    std::size_t versions = 0;
    std::optional<Problem> problem;  // why there is none to go back to
};
api::CheckFinding rollback_finding(const config::Lineage& spec, const RollbackFacts& facts);

}  // namespace certd
