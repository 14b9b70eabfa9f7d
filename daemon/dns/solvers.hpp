// The dns-01 solvers of this process, one per provider as it was configured.
#pragma once

#include "daemon/dns/dns01.hpp"

#include <vector>

namespace certd {

class DnsSolvers {
   public:
    explicit DnsSolvers(DnsSeams seams) : seams_(seams) {}
    Dns01* solver(const std::shared_ptr<const config::DnsProvider>& provider);
    const DnsSeams& seams() const { return seams_; }

   private:
    DnsSeams seams_;
    // An order may still use the solver of a provider that a reload has changed, so none is ever destroyed; they are
    // small, and hold no secrets.
    std::vector<std::unique_ptr<Dns01>> solvers_;
};

}  // namespace certd
