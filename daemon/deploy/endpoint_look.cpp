// EndpointLook: asks on the event loop, judges on a worker.
#include "daemon/deploy/endpoint_look.hpp"

#include "libacme/async/gate.hpp"
#include "libacme/async/task_group.hpp"
#include "libacme/crypto/chain_path.hpp"
#include "libacme/net/tls_path.hpp"

#include <algorithm>

namespace certd {

namespace {

constexpr std::size_t addresses_at_a_time = 8;
constexpr Duration probe_limit = seconds(5);
constexpr Duration silence_limit = seconds(10);  // a restart of the service is not its end
constexpr Duration shortest_interval = milliseconds(50);

// Servers with several kinds of keys choose by what a client offers; here any of them will do.
VersionNumber version_of(const std::string& fingerprint, const std::vector<VersionFacts>& versions) {
    const auto has_it = [&](const VersionFacts& facts) {
        const std::vector<CertificateFacts> all = facts.certificates();
        return std::ranges::find(all, fingerprint, &CertificateFacts::fingerprint) != all.end();
    };
    const auto found = std::ranges::find_if(versions, has_it);
    return found == versions.end() ? VersionNumber{} : found->number;
}

}  // namespace

Task<Result<std::vector<std::vector<EndpointSight>>>> EndpointLook::at(std::vector<config::VerifyAddress> addresses) {
    std::vector<std::vector<Shown>> shown(addresses.size());
    std::exception_ptr unexpected;
    TaskGroup group(co_await asio::this_coro::executor,
                    [&unexpected](const std::string&, std::exception_ptr error) { unexpected = std::move(error); });
    Gate gate(addresses_at_a_time);
    const auto look = [this, &gate, &addresses, &shown](std::size_t i) -> Task<> {
        Gate::Pass pass = co_await gate.enter();
        co_await ask(addresses[i], shown[i]);
    };
    for (std::size_t i = 0; i < addresses.size(); ++i)
        group.spawn(text(addresses[i]), look(i));
    co_await group.join();
    if (unexpected) std::rethrow_exception(unexpected);
    co_return co_await offload(shared_.workers, [&] { return value(shown); });
}

// An address that cannot be reached for one name need not be tried for the next.
Task<> EndpointLook::ask(config::VerifyAddress address, std::vector<Shown>& shown) {
    config::Verify only = verify_;
    only.addresses = {std::move(address)};
    const Duration deadline = shared_.clock.monotonic() + std::min<Duration>(verify_.timeout, silence_limit);
    for (const Endpoint& endpoint : endpoints_of(only, live_.names)) {
        Result<Served> served = co_await ask_once(endpoint, probe_limit);
        for (;;) {
            const Duration left = deadline - shared_.clock.monotonic();
            if (served || left <= Duration::zero()) break;
            co_await shared_.clock.sleep(std::min(left, std::max(verify_.interval, shortest_interval)));
            const Duration rest = std::max<Duration>(deadline - shared_.clock.monotonic(), milliseconds(1));
            Result<Served> again = co_await ask_once(endpoint, std::min(rest, probe_limit));
            // One that was cut short says nothing new.
            if (again || again.error().code != "net.timeout") served = std::move(again);
        }
        const bool unreachable = !served && served.error().kind == ProblemKind::network;
        shown.push_back({endpoint, std::move(served)});
        if (unreachable) break;
    }
}

Task<Result<Served>> EndpointLook::ask_once(const Endpoint& endpoint, Duration limit) {
    return shared_.host.probe({endpoint.address, endpoint.server_name, limit, {}, endpoint.start, endpoint.key});
}

// Blocking.
Result<std::vector<std::vector<EndpointSight>>> EndpointLook::value(const std::vector<std::vector<Shown>>& shown) {
    Result<std::vector<VersionFacts>> versions = shared_.store.versions(lineage_);
    if (!versions) return failure(versions.error());
    std::vector<std::vector<EndpointSight>> sights;
    try {
        const TrustedRoots roots(verify_.ca_bundle.value_or(""));
        for (const std::vector<Shown>& of_address : shown) {
            sights.emplace_back();
            for (const Shown& each : of_address)
                sights.back().push_back(sight_of(each, *versions, roots));
        }
    } catch (const Failure& failed) {
        return failure(failed.problem());
    }
    return sights;
}

EndpointSight EndpointLook::sight_of(const Shown& shown, const std::vector<VersionFacts>& versions,
                                     const TrustedRoots& roots) {
    EndpointSight sight;
    sight.server_name = shown.endpoint.server_name;
    if (!shown.served) {
        sight.silence = shown.served.error();
        return sight;
    }
    const Certificate& leaf = shown.served->chain.front();
    sight.fingerprint = shown.served->fingerprint;
    sight.subject = leaf.subject();
    sight.issuer = leaf.issuer();
    sight.not_before = leaf.not_before();
    sight.not_after = leaf.not_after();
    sight.is_for_name = sight.server_name.empty() || is_for_name(leaf.names(), sight.server_name);
    sight.version = version_of(sight.fingerprint, versions);
    sight.chain_fault = chain_fault(shown.served->chain, sight.version, roots);
    return sight;
}

// A chain is whole when it leads to a trusted root, or as far as what the CA delivered with this very certificate: a
// private CA's root need not be known here.
std::string EndpointLook::chain_fault(const Chain& shown, VersionNumber version, const TrustedRoots& roots) {
    const Time now = shared_.clock.now();
    std::string fault = roots.fault_of(shown, now);
    if (fault.empty() || !version) return fault;
    const Result<VersionFiles> files = shared_.store.read_version(lineage_, version);
    if (!files) return fault;
    std::vector<const CertificateFiles*> all{&*files};
    for (const auto& [type, further] : files->further)
        all.push_back(&further);
    for (const CertificateFiles* each : all) {
        const Result<Chain> delivered = parse_chain(each->fullchain);
        const bool is_this = delivered && delivered->front().der() == shown.front().der();
        if (is_this && leads_to(shown, delivered->back(), now)) return {};
    }
    return fault;
}

}  // namespace certd
