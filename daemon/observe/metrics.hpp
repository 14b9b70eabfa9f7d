// The metrics of certd (names of acme-facts §13.3) and their Prometheus text format 0.0.4.
// Counters grow with events and exchanges; gauges are taken from the lineages when asked for.
#pragma once

#include "daemon/observe/event.hpp"

#include <array>
#include <map>
#include <optional>
#include <string>
#include <tuple>
#include <vector>

namespace certd {

// The gauges of one lineage at the moment of a scrape.
struct LineageGauges {
    std::string lineage;
    std::string state;
    std::uint32_t version = 0;
    std::optional<Time> not_before, not_after, next_renewal, last_success;
    std::optional<Time> ari_start, ari_end;  // of the window the CA suggests for the newest version
    std::uint32_t failures = 0;
    std::uint32_t missing_names = 0;
    struct Target {
        std::string target, host;
        std::uint32_t version = 0;
        bool in_sync = false;
    };
    std::vector<Target> targets;
};

class Metrics {
   public:
    void on_event(const Event& event);
    void on_request(const std::string& ca, std::string_view action, int status, Duration took);
    void on_scheduler_lag(Duration lag) { scheduler_lag_ = lag; }

    std::string render(const std::vector<LineageGauges>& lineages, Time now, Time started) const;

    std::uint64_t requests() const;  // over all CAs, for tests and benchmarks

   private:
    struct Histogram {
        std::array<std::uint64_t, 9> buckets{};
        std::uint64_t count = 0;
        double sum = 0;
    };
    std::map<std::tuple<std::string, std::string, std::string>, std::uint64_t> requests_;  // ca, action, code
    std::map<std::string, Histogram> durations_;                                           // by ca
    std::map<std::pair<std::string, std::string>, std::uint64_t> acme_errors_;             // ca, type
    std::map<std::pair<std::string, std::string>, std::uint64_t> deploy_steps_;            // step, result
    std::map<std::string, std::uint64_t> renewals_;                                        // result
    std::uint64_t rollbacks_ = 0, clock_jumps_ = 0, storage_errors_ = 0;
    Duration scheduler_lag_{};
};

}  // namespace certd
