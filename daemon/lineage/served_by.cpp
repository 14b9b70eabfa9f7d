#include "daemon/lineage/served_by.hpp"

#include "libacme/base/text.hpp"

#include <algorithm>
#include <tuple>

#include <fmt/format.h>

namespace certd {

namespace {

std::string subject(const ServedBy& group) {
    const std::string version = fmt::format("version {}", group.version.value);
    if (group.fingerprint.empty()) return group.version ? version + ", not looked at," : "nothing that was ever seen";
    return fmt::format("{} ({})", group.version ? version : "another certificate",
                       short_fingerprint(group.fingerprint));
}

}  // namespace

void add_fingerprints(VersionsByFingerprint& known, const VersionFacts& facts) {
    for (const CertificateFacts& certificate : facts.certificates())
        known.try_emplace(certificate.fingerprint, facts.number);
}

std::vector<ServedBy> group_by_served(const std::vector<TargetState>& hosts, VersionsByFingerprint known) {
    for (const TargetState& host : hosts) {
        const bool untouched = host.state == HostState::deployed || host.state == HostState::pending;
        if (untouched && !host.problem && host.version && !host.served_fingerprint.empty())
            known.try_emplace(host.served_fingerprint, host.version);
    }
    std::vector<ServedBy> groups;
    for (const TargetState& host : hosts) {
        const auto found = known.find(host.served_fingerprint);
        const VersionNumber version = host.served_fingerprint.empty() ? host.version
                                      : found != known.end()          ? found->second
                                                                      : VersionNumber{};
        // The keys of one version have a certificate each, and a host shows one of them.
        const auto fits = [&](const ServedBy& group) {
            const bool same = version && !host.served_fingerprint.empty()
                                  ? !group.fingerprint.empty()
                                  : group.fingerprint == host.served_fingerprint;
            return group.version == version && same;
        };
        auto group = std::ranges::find_if(groups, fits);
        if (group == groups.end()) group = groups.insert(groups.end(), {version, host.served_fingerprint, {}});
        group->hosts.push_back(host.host);
    }
    std::ranges::stable_sort(groups, [](const ServedBy& left, const ServedBy& right) {
        const auto rank = [](const ServedBy& group) {
            return std::tuple(group.fingerprint.empty(), !group.version, -std::int64_t{group.version.value});
        };
        return rank(left) < rank(right);
    });
    return groups;
}

std::string describe(const std::vector<ServedBy>& groups, std::size_t most) {
    std::vector<std::string> parts;
    for (const ServedBy& group : groups)
        parts.push_back(fmt::format("{} on {}", subject(group), list_hosts(group.hosts, most)));
    return join(parts, "; ");
}

std::string list_hosts(const std::vector<std::string>& hosts, std::size_t most) {
    if (hosts.size() <= most) return join(hosts, ", ");
    return fmt::format("{} and {} more", join(std::span(hosts).first(most), ", "), hosts.size() - most);
}

std::string short_fingerprint(const std::string& fingerprint) {
    return fingerprint.substr(0, 8);
}

}  // namespace certd
