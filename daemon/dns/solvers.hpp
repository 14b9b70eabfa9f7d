// The solvers of this process for challenges by DNS, one per type and provider as it was configured.
#pragma once

#include "daemon/dns/dns01.hpp"
#include "daemon/dns/dns_persist01.hpp"

#include <vector>

namespace certd {

class DnsSolvers {
   public:
    explicit DnsSolvers(DnsSeams seams) : seams_(seams) {}
    // `type`: "dns-01" or "dns-account-01".
    Dns01* solver(const std::shared_ptr<const config::DnsProvider>& provider, std::string_view type);
    DnsPersist01* persistent(const config::DnsPersist01& options);
    const DnsSeams& seams() const { return seams_; }

   private:
    DnsSeams seams_;
    // An order may still use the solver of a provider that a reload has changed, so none is ever destroyed; they are
    // small, and hold no secrets.
    std::vector<std::unique_ptr<Dns01>> solvers_;
    std::vector<std::unique_ptr<DnsPersist01>> persistent_;
};

}  // namespace certd
