#include "daemon/deploy/verify.hpp"

#include "libacme/base/diagnosis.hpp"
#include "libacme/base/text.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <set>

namespace certd {

namespace {

constexpr Duration probe_timeout = seconds(5);
constexpr Duration shortest_interval = milliseconds(10);

// A wildcard matches one label (RFC 6125 §6.4.3); any will do.
std::string server_name_for(const Identifier& name) {
    return name.is_wildcard() ? "certd-check" + name.value.substr(1) : name.value;
}

std::string describe_endpoint(const Endpoint& endpoint) {
    std::string text = endpoint.address;
    if (endpoint.start != StartTls::none) text += fmt::format(" ({})", start_tls_name(endpoint.start));
    if (!endpoint.server_name.empty()) text += " for " + endpoint.server_name;
    if (endpoint.key != ServerKey::any) text += fmt::format(" to {} clients", to_string(endpoint.key));
    return text;
}

bool installs(const config::Target& target, KeyType key, KeyType first) {
    return target.install.empty() || std::ranges::any_of(target.install, [&](const config::InstallStep& step) {
               return step.key.value_or(first) == key;
           });
}

ProbeRequest probe_of(const Endpoint& endpoint, Duration timeout) {
    return {endpoint.address, endpoint.server_name, timeout, {}, endpoint.start, endpoint.key};
}

// An address that cannot be reached for one name need not be tried for the next.
bool is_of_address(const Problem& problem) {
    return problem.kind == ProblemKind::network;
}

struct Probe {
    Expected expected;
    std::optional<Result<Served>> last;
    bool matches() const { return last && *last && (*last)->fingerprint == expected.fingerprint; }
};

Problem not_served(const Probe& probe, const VerifyRequest& request) {
    const auto subject = fmt::format("{} does not serve {} after {}", describe_endpoint(probe.expected.endpoint),
                                     request.object, format_duration(request.timeout));
    if (!probe.last) return problem("tls.notServed", subject);
    if (!*probe.last) {
        Problem result = diagnosed(problem("tls.notServed", fmt::format("{}: {}", subject, probe.last->error().what),
                                           probe.last->error().remote));
        result.parts.push_back(probe.last->error());
        return result;
    }
    const Served& served = **probe.last;
    const auto until =
        served.chain.empty() ? std::string("at an unknown time") : format_rfc3339(served.chain.front().not_after());
    return diagnosed(
        problem("tls.notServed", fmt::format("{}: it serves the certificate with SHA-256 {} that expires {}", subject,
                                             served.fingerprint, until)));
}

}  // namespace

std::vector<Endpoint> endpoints_of(const config::Verify& verify, const std::vector<Identifier>& names) {
    std::vector<std::string> server_names = verify.server_names;
    if (server_names.empty()) {
        for (const auto& name : names) {
            if (name.type == Identifier::Type::dns) server_names.push_back(server_name_for(name));
        }
    }
    if (server_names.empty()) server_names.emplace_back();
    std::vector<Endpoint> endpoints;
    for (const auto& address : verify.addresses) {
        for (const auto& name : server_names)
            endpoints.push_back({address.address, name, address.start});
    }
    return endpoints;
}

std::vector<Expected> expected_of(const config::Target& target, const VersionFacts& facts) {
    std::vector<Expected> all;
    for (const auto& endpoint : endpoints_of(target.verify, facts.names)) {
        for (const auto& certificate : facts.certificates()) {
            if (!installs(target, certificate.key_type, facts.key_type)) continue;
            Endpoint asked = endpoint;
            if (!facts.further.empty())
                asked.key = config::is_rsa(certificate.key_type) ? ServerKey::rsa : ServerKey::ecdsa;
            all.push_back({std::move(asked), certificate.fingerprint});
        }
    }
    return all;
}

Task<Verification> verify_served(Clock& clock, Host& host, VerifyRequest request) {
    std::vector<Probe> pending;
    for (auto& expected : request.expected)
        pending.push_back({expected, std::nullopt});
    const Duration deadline = clock.monotonic() + request.timeout;
    for (;;) {
        for (auto& probe : pending) {
            const Duration left = std::max<Duration>(deadline - clock.monotonic(), milliseconds(1));
            auto seen = co_await host.probe(probe_of(probe.expected.endpoint, std::min<Duration>(left, probe_timeout)));
            // One that was cut short by the deadline says nothing against what the one before saw.
            const bool cut_short = !seen && seen.error().code == "net.timeout" && left < probe_timeout;
            if (!cut_short || !probe.last) probe.last = std::move(seen);
            if (clock.monotonic() >= deadline) break;
        }
        std::erase_if(pending, [](const Probe& probe) { return probe.matches(); });
        if (pending.empty()) break;
        const Duration left = deadline - clock.monotonic();
        if (left <= Duration::zero()) break;
        co_await clock.sleep(std::min(left, std::max(request.interval, shortest_interval)));
    }
    Verification result;
    if (pending.empty()) {
        if (!request.expected.empty()) result.served = request.expected.front().fingerprint;
        co_return result;
    }
    result.problem = not_served(pending.front(), request);
    if (const auto& last = pending.front().last; last && *last) result.served = (*last)->fingerprint;
    co_return result;
}

Task<std::vector<Expected>> look_at(Clock& clock, Host& host, std::vector<Endpoint> endpoints, Duration limit) {
    const Duration deadline = clock.monotonic() + limit;
    std::vector<Expected> seen;
    std::set<std::string> unreachable;
    for (const auto& endpoint : endpoints) {
        const Duration left = deadline - clock.monotonic();
        if (left <= Duration::zero()) break;
        if (unreachable.contains(endpoint.address)) continue;
        auto served = co_await host.probe(probe_of(endpoint, std::min<Duration>(left, probe_timeout)));
        if (served) {
            seen.push_back({endpoint, served->fingerprint});
        } else if (is_of_address(served.error())) {
            unreachable.insert(endpoint.address);
        }
    }
    co_return seen;
}

}  // namespace certd
