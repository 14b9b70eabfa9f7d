// What is wrong at this moment, by what the state of lineages, CAs and certd itself looks like. Pure.
#pragma once

#include "daemon/lineage/plan.hpp"
#include "daemon/notify/incident.hpp"

#include <optional>
#include <set>
#include <string>
#include <vector>

namespace certd {

// A lineage as the scheduler knows it. What it points to stays for the time of the call.
struct LineageSight {
    const config::Lineage& spec;
    const LineageState& state;
    const VersionFacts* live = nullptr;
    const Targets* targets = nullptr;  // those of the configuration
    Plan plan;
    Duration jitter_limit = hours(1);
    struct Running {
        std::string step;  // what it does
        Time since;
    };
    std::optional<Running> running;
};

struct DaemonSight {
    std::map<CaName, CaHealth> ca_health;   // of those with something to tell
    std::optional<Problem> config_problem;  // of a refused reload
    Duration since_last_pass{};             // of the scheduler over its timetable
};

// What is wrong with a CA explains what is wrong with its lineages, which is not told then. `silent`: it did not answer
// the last time, and may be down.
struct Causes {
    std::set<CaName> down, silent, suspended;
};
Causes causes_of(const DaemonSight& daemon);
void add_causes(Causes& causes, const LineageState& state);

constexpr Duration longest_silence = minutes(2);  // of the scheduler, which looks up at least every minute

constexpr std::string_view clock_key = "clock", storage_key = "storage";
std::string lineage_key(const std::string& lineage, std::string_view rest);  // "lineage/example.com/renewal"
std::string delivery_key(const std::string& notifier);

// `watched_since`: when certd started to look; what was late by then is given its time.
std::vector<Condition> lineage_conditions(const LineageSight& sight, const Causes& causes, Time now,
                                          Time watched_since);
std::vector<Condition> daemon_conditions(const DaemonSight& daemon, const Causes& causes, Time now);

}  // namespace certd
