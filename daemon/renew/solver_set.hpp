// The solvers of this process: certd's own http-01 responder, one webroot solver per configured directory, and the
// dns-01 solvers.
#pragma once

#include "config/model.hpp"
#include "daemon/dns/solvers.hpp"
#include "libacme/async/offload.hpp"
#include "libacme/protocol/solver.hpp"

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

namespace certd {

class SolverSet {
   public:
    // `listener` answers `http-01: {}`; null when no http_challenge.listen is configured. Not owned.
    SolverSet(Workers& workers, acme::Solver* listener);
    ~SolverSet();

    void set_listener(acme::Solver* listener) { listener_ = listener; }
    void set_dns(DnsSolvers* dns) { dns_ = dns; }  // answers `dns-01`; not owned
    // In order of preference.
    std::vector<acme::Solver*> solvers(const config::Challenge& challenge);

   private:
    Workers& workers_;
    acme::Solver* listener_;
    DnsSolvers* dns_ = nullptr;
    std::map<std::string, std::unique_ptr<acme::Solver>> webroots_;
};

}  // namespace certd
