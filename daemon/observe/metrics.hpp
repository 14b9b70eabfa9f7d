// The metrics of certd (names of acme-facts §13.3, table in metric_families.hpp). Counters grow with events and
// exchanges; gauges are taken from the lineages when asked for.
#pragma once

#include "daemon/observe/deploy_timing.hpp"
#include "daemon/observe/event.hpp"
#include "daemon/observe/exposition.hpp"
#include "daemon/observe/histogram.hpp"

#include <map>
#include <optional>
#include <string>
#include <tuple>
#include <vector>

namespace certd {

// The gauges of one lineage at the moment of a scrape.
struct LineageGauges {
    std::string lineage;
    std::string state, health;
    std::uint32_t version = 0;
    std::optional<Time> not_before, not_after, next_renewal, last_success;
    std::optional<Time> ari_start, ari_end;  // of the window the CA suggests for the newest version
    std::uint32_t failures = 0;
    std::uint32_t missing_names = 0;
    std::optional<bool> revoked;                 // a certificate of the live version; unset: not known
    std::optional<Time> crl_confirmed;           // when the CRL was last got from its CA
    std::optional<std::uint32_t> attempts_left;  // to renew and deploy before the live certificate ends
    struct Target {
        std::string target, host;
        std::uint32_t version = 0;
        bool in_sync = false;
        std::optional<Time> verified_at, served_not_after;
    };
    std::vector<Target> targets;
    struct Endpoint {  // that is only watched
        std::string target, address;
        bool in_order = false;
        std::optional<Time> not_after;  // of what it was seen to serve
    };
    std::vector<Endpoint> endpoints;
};

// What is left of one rate limit of a CA, for the key of it that has least.
struct RateGauge {
    std::string ca, bucket;
    std::uint32_t tokens = 0;
};

// How one notifier fares at the moment of a scrape.
struct NotifierGauges {
    std::string notifier;
    std::size_t queued = 0;
    std::uint64_t delivered = 0, failed = 0, dropped = 0;
    std::optional<Time> last_delivery;
};

struct Scrape {
    Time now, started;
    std::vector<LineageGauges> lineages;
    std::vector<RateGauge> rates;
    std::size_t jobs = 0;  // at work
    std::vector<NotifierGauges> notifiers = {};
};

class Metrics {
   public:
    void on_event(const Event& event);
    void on_request(const std::string& ca, std::string_view action, int status, Duration took);
    void on_scheduler_lag(Duration lag) { scheduler_lag_ = lag; }

    std::string render(const Scrape& scrape, MetricsFormat format = MetricsFormat::prometheus) const;

    std::uint64_t requests() const;  // over all CAs, for tests and benchmarks

   private:
    void note_renewal(const Event& event);
    void write_counters(Exposition& page) const;

    std::map<std::tuple<std::string, std::string, std::string>, std::uint64_t> requests_;  // ca, action, code
    std::map<std::pair<std::string, std::string>, Histogram> durations_;                   // ca, action
    std::map<std::pair<std::string, std::string>, std::uint64_t> acme_errors_;             // ca, type
    std::map<std::string, std::uint64_t> renewals_;                                        // result
    std::map<std::uint64_t, Time> renewing_;                                               // since when, by job
    Histogram renewal_durations_;
    std::map<std::string, Histogram> hooks_;  // by kind
    DeployTiming deploys_;
    std::uint64_t rollbacks_ = 0, clock_jumps_ = 0, storage_errors_ = 0;
    Duration scheduler_lag_{};
};

}  // namespace certd
