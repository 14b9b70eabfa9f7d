// The daemon without its sockets: store, bus, CAs, deployer, pipeline and scheduler put together over the seams.
// The real daemon and the flow tests build the same engine over different seams.
#pragma once

#include "daemon/observe/bus.hpp"
#include "daemon/observe/metrics.hpp"
#include "daemon/observe/rollout_board.hpp"
#include "daemon/schedule/scheduler.hpp"

#include <functional>
#include <string>
#include <vector>

namespace certd {

struct Seams {
    Clock& clock;
    Workers& workers;
    FileSystem& files;
    Host& host;
    TransportFactory transports;
    Hosts* hosts = nullptr;                // of targets that have any
    acme::Solver* listener = nullptr;      // answers `http-01: {}`
    Duration longest_sleep = minutes(1);   // of the scheduler; virtual time leaps further
    acme::Solver* tls_listener = nullptr;  // answers `tls-alpn-01: {}`
    // Where a CA asks (RFC 8555 §8.3, RFC 8737 §3), and a preflight with it.
    std::uint16_t http_port = 80, tls_port = 443;
    CrlTransports crl_transports = {};  // empty: no CRL is looked at
};

class Engine {
   public:
    Engine(asio::any_io_executor executor, Seams seams, Path state_directory);

    Seams seams;
    Time started;
    EventBus bus;
    RolloutBoard rollouts;
    Metrics metrics;
    Store store;
    Deployer deployer;
    DnsSolvers dns_solvers;
    SolverSet solvers;
    CaClients clients;
    Renewal renewal;
    HookRounds hook_rounds;
    LineageRecords records;
    CrlChecks crls;
    Pipeline pipeline;
    Scheduler scheduler;

    // Set by whoever tells people: how the notifiers fare, and that a job of a lineage has ended. Empty: nobody does.
    std::function<std::vector<NotifierGauges>()> notifiers;
    std::function<void(const std::string& lineage)> job_ended;

    // Opens and recovers the store, tells of what was found. Blocking. Throws Failure.
    void open_store();
    // The gauges of all lineages, and the page.
    std::string metrics_page(MetricsFormat format = MetricsFormat::prometheus) const;

   private:
    std::vector<RateGauge> rate_gauges() const;
};

}  // namespace certd
