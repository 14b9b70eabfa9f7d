#include "daemon/dns/solvers.hpp"

namespace certd {

Dns01* DnsSolvers::solver(const std::shared_ptr<const config::DnsProvider>& provider) {
    for (const auto& solver : solvers_) {
        if (solver->provider() == *provider) return solver.get();
    }
    solvers_.push_back(std::make_unique<Dns01>(seams_, provider, make_editor(seams_, provider)));
    return solvers_.back().get();
}

}  // namespace certd
