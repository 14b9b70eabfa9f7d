// A look at addresses in somebody else's hands: connections from this machine, and what the certificates they show are
// worth. Changes nothing.
#pragma once

#include "daemon/deploy/deploy_shared.hpp"
#include "daemon/deploy/verify.hpp"

#include <vector>

namespace certd {

class EndpointLook {
   public:
    // `shared` and `verify` outlive it.
    EndpointLook(DeployShared& shared, const config::Verify& verify, LineageName lineage, VersionFacts live)
        : shared_(shared), verify_(verify), lineage_(std::move(lineage)), live_(std::move(live)) {}

    // See Deployer::watch.
    Task<Result<std::vector<std::vector<EndpointSight>>>> at(std::vector<config::VerifyAddress> addresses);

   private:
    // What one name was shown at an address.
    struct Shown {
        Endpoint endpoint;
        Result<Served> served;
    };
    Task<> ask(config::VerifyAddress address, std::vector<Shown>& shown);
    Task<Result<Served>> ask_once(const Endpoint& endpoint, Duration limit);
    Result<std::vector<std::vector<EndpointSight>>> value(const std::vector<std::vector<Shown>>& shown);
    EndpointSight sight_of(const Shown& shown, const std::vector<VersionFacts>& versions,
                           const class TrustedRoots& roots);
    std::string chain_fault(const Chain& shown, VersionNumber version, const TrustedRoots& roots);

    DeployShared& shared_;
    const config::Verify& verify_;
    LineageName lineage_;
    VersionFacts live_;
};

}  // namespace certd
