// Builders for the lineage tests: a 90-day certificate from a fixed day on, a configured lineage, and the state after
// events.
#pragma once

#include "daemon/lineage/backoff.hpp"
#include "daemon/lineage/plan.hpp"

namespace certd::test {

inline Time day(std::int64_t count) {
    return Time(std::chrono::sys_days(std::chrono::year(2026) / 1 / 1)) + days(count);
}

inline VersionFacts facts_of(std::uint32_t number, Time not_before = day(0), Duration lifetime = days(90)) {
    VersionFacts facts;
    facts.number = {number};
    facts.names = {{Identifier::Type::dns, "example.com"}};
    facts.ca = {"first"};
    facts.directory_url = "https://ca.example/directory";
    facts.serial = "0a" + std::to_string(number);
    facts.fingerprint = "f" + std::to_string(number);
    facts.issuer = "CN=Test";
    facts.not_before = not_before;
    facts.not_after = not_before + lifetime;
    facts.issued_at = not_before;
    return facts;
}

inline config::Lineage spec_of(std::vector<std::string> targets = {}, std::vector<std::string> cas = {"first"}) {
    config::Lineage spec;
    spec.name = "example.com";
    spec.names = {{Identifier::Type::dns, "example.com"}};
    for (std::string& ca : cas)
        spec.cas.push_back({std::move(ca)});
    for (std::string& target : targets)
        spec.targets.push_back({std::move(target)});
    return spec;
}

inline TargetState deployed(const std::string& target, std::uint32_t version) {
    TargetState state;
    state.target = {target};
    state.state = HostState::deployed;
    state.version = state.wanted = {version};
    return state;
}

// `served` is the version in force, `wanted` the one whose deployment failed.
inline TargetState failed(const std::string& target, std::uint32_t served, std::uint32_t wanted,
                          std::optional<Time> next = {}, HostState how = HostState::failed) {
    TargetState state;
    state.target = {target};
    state.state = how;
    state.version = {served};
    state.wanted = {wanted};
    state.failures = 1;
    state.next_attempt = next;
    state.problem = problem("deploy.test", "The test command of web failed", "nginx: [emerg] unknown directive");
    return state;
}

// A lineage with everything that plan() looks at.
struct Scene {
    config::Lineage spec = spec_of();
    LineageState state;
    std::optional<VersionFacts> live, newest;
    Duration jitter = Duration::zero();
    const Targets* targets = nullptr;

    Scene() = default;
    // One version, issued on day 0, live and deployed everywhere.
    explicit Scene(config::Lineage of) : spec(std::move(of)) {
        live = newest = facts_of(1);
        state.live = state.newest = {1};
        for (const TargetName& target : spec.targets)
            state.targets.push_back(deployed(target.text, 1));
    }
    Plan at(Time now) const { return plan({spec, state, live, newest, jitter, now, nullptr, nullptr, targets}); }

    void fail_issue(Time now, const std::string& ca = "first",
                    const Problem& cause = problem("net.timeout", "No answer")) {
        record_issue_failure(state, {ca}, cause, now, live ? live->lifetime() : Duration::zero(), spec.name);
        state.config_digest = policy_digest(spec);
    }
    // A newer version that is not deployed yet.
    void issue(VersionFacts facts) {
        state.newest = facts.number;
        newest = std::move(facts);
    }
};

inline bool mentions(const std::vector<std::string>& reasons, const std::string& words) {
    for (const std::string& reason : reasons) {
        if (reason.find(words) != std::string::npos) return true;
    }
    return false;
}

}  // namespace certd::test
