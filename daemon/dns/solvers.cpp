#include "daemon/dns/solvers.hpp"

namespace certd {

Dns01* DnsSolvers::solver(const std::shared_ptr<const config::DnsProvider>& provider, std::string_view type) {
    for (const auto& solver : solvers_) {
        if (solver->type() == type && solver->provider() == *provider) return solver.get();
    }
    solvers_.push_back(std::make_unique<Dns01>(seams_, provider, make_editor(seams_, provider), std::string(type)));
    return solvers_.back().get();
}

DnsPersist01* DnsSolvers::persistent(const config::DnsPersist01& options) {
    for (const auto& solver : persistent_) {
        if (solver->options() == options) return solver.get();
    }
    persistent_.push_back(std::make_unique<DnsPersist01>(seams_, options));
    return persistent_.back().get();
}

}  // namespace certd
