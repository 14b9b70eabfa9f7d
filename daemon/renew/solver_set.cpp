// SolverSet: from a lineage's `challenge` to solver objects.
#include "daemon/renew/solver_set.hpp"

#include "daemon/lineage/challenge_order.hpp"
#include "daemon/renew/http01_webroot.hpp"

#include <algorithm>

namespace certd {

SolverSet::SolverSet(Workers& workers, Host& host, acme::Solver* listener)
    : workers_(workers), host_(host), listener_(listener) {}

SolverSet::~SolverSet() = default;

std::vector<acme::Solver*> SolverSet::solvers(const config::Challenge& challenge,
                                              const std::vector<std::string>& refused) {
    std::vector<acme::Solver*> result;
    for (const std::string& type : challenge_order(challenge, refused)) {
        acme::Solver* solver = nullptr;
        if (type == "http-01" && challenge.http01) solver = http01(*challenge.http01);
        if (type == "dns-01" && challenge.dns01 && dns_ != nullptr)
            solver = dns_->solver(challenge.dns01->provider, type);
        if (type == "tls-alpn-01" && challenge.tls_alpn01) solver = tls_listener_;
        if (type == "dns-account-01" && challenge.dns_account01 && dns_ != nullptr)
            solver = dns_->solver(challenge.dns_account01->provider, type);
        if (type == "dns-persist-01" && challenge.dns_persist01 && dns_ != nullptr)
            solver = dns_->persistent(*challenge.dns_persist01);
        if (solver != nullptr) result.push_back(solver);
    }
    return result;
}

SolverSet::Persisted SolverSet::persisted(const config::Lineage& spec) {
    Persisted result;
    for (const Identifier& name : spec.names) {
        const config::Challenge& challenge = config::challenge_for(spec, name);
        if (!challenge.dns_persist01 || dns_ == nullptr) continue;
        auto seen = dns_->persistent(*challenge.dns_persist01)->seen(name);
        if (!seen) continue;
        result.seen = true;
        if (*seen && (!result.until || **seen < *result.until)) result.until = *seen;
    }
    return result;
}

acme::Solver* SolverSet::http01(const config::Challenge::Http01& settings) {
    if (settings.exec) return http01_exec(*settings.exec);
    if (!settings.webroot) return listener_;
    std::unique_ptr<acme::Solver>& webroot = webroots_[*settings.webroot];
    if (!webroot) webroot = std::make_unique<Http01Webroot>(workers_, *settings.webroot);
    return webroot.get();
}

acme::Solver* SolverSet::http01_exec(const config::ChallengeCommands& commands) {
    auto known = std::ranges::find_if(execs_, [&](const auto& exec) { return exec->commands() == commands; });
    if (known != execs_.end()) return known->get();
    execs_.push_back(std::make_unique<Http01Exec>(host_, commands));
    return execs_.back().get();
}

}  // namespace certd
