// The solvers of this process: certd's own responders, one webroot solver per configured directory, one per commands,
// and the dns-01 solvers.
#pragma once

#include "config/model.hpp"
#include "daemon/deploy/host.hpp"
#include "daemon/dns/solvers.hpp"
#include "daemon/renew/http01_exec.hpp"
#include "libacme/async/offload.hpp"
#include "libacme/protocol/solver.hpp"

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace certd {

class SolverSet {
   public:
    // `host` runs commands. `listener` answers `http-01: {}`; null when no http_challenge.listen is configured. Not
    // owned.
    SolverSet(Workers& workers, Host& host, acme::Solver* listener);
    ~SolverSet();

    void set_listener(acme::Solver* listener) { listener_ = listener; }
    void set_dns(DnsSolvers* dns) { dns_ = dns; }  // answers `dns-01`; not owned
    // Answers `tls-alpn-01: {}`; null when no tls_challenge.listen is configured. Not owned.
    void set_tls_listener(acme::Solver* listener) { tls_listener_ = listener; }
    // In order of preference, those `refused` last.
    std::vector<acme::Solver*> solvers(const config::Challenge& challenge,
                                       const std::vector<std::string>& refused = {});

    // When the first of the records that prove names of `spec` by dns-persist-01 runs out, as seen by this process.
    struct Persisted {
        bool seen = false;  // any of them
        std::optional<Time> until;
    };
    Persisted persisted(const config::Lineage& spec);

   private:
    acme::Solver* http01(const config::Challenge::Http01& settings);
    acme::Solver* http01_exec(const config::ChallengeCommands& commands);

    Workers& workers_;
    Host& host_;
    acme::Solver* listener_;
    DnsSolvers* dns_ = nullptr;
    acme::Solver* tls_listener_ = nullptr;
    std::map<std::string, std::unique_ptr<acme::Solver>> webroots_;
    // An order may still use commands that a reload has changed, so none is ever destroyed; they are small.
    std::vector<std::unique_ptr<Http01Exec>> execs_;
};

}  // namespace certd
