// SolverSet: from a lineage's `challenge` to solver objects.
#include "daemon/renew/solver_set.hpp"

#include "daemon/renew/http01_webroot.hpp"

namespace certd {

SolverSet::SolverSet(Workers& workers, acme::Solver* listener) : workers_(workers), listener_(listener) {}

SolverSet::~SolverSet() = default;

std::vector<acme::Solver*> SolverSet::solvers(const config::Challenge& challenge) {
    std::vector<acme::Solver*> result;
    if (challenge.dns01 && dns_ != nullptr) result.push_back(dns_->solver(challenge.dns01->provider));
    if (!challenge.http01) return result;
    if (!challenge.http01->webroot) {
        if (listener_ != nullptr) result.push_back(listener_);
        return result;
    }
    std::unique_ptr<acme::Solver>& webroot = webroots_[*challenge.http01->webroot];
    if (!webroot) webroot = std::make_unique<Http01Webroot>(workers_, *challenge.http01->webroot);
    result.push_back(webroot.get());
    return result;
}

}  // namespace certd
