// Who serves what: the hosts of a target grouped by the certificate that they were last seen to serve.
#pragma once

#include "daemon/lineage/lineage.hpp"

#include <map>
#include <string>
#include <vector>

namespace certd {

// Which version a leaf's SHA-256 belongs to, for the certificates of all its keys.
using VersionsByFingerprint = std::map<std::string, VersionNumber>;
void add_fingerprints(VersionsByFingerprint& known, const VersionFacts& facts);

struct ServedBy {
    VersionNumber version;           // 0: none that is known
    std::string fingerprint;         // empty: nothing was ever seen there; `version` is then what was deployed
    std::vector<std::string> hosts;  // in the order in which they were given
    bool operator==(const ServedBy&) const = default;
};

// The highest version first, then certificates that are not known, then hosts that never showed any. What `known` lacks
// is learned from the hosts that a version was deployed to.
std::vector<ServedBy> group_by_served(const std::vector<TargetState>& hosts, VersionsByFingerprint known);

// "version 5 (3fa9c1d2) on web1, web2; version 4 (9f86d081) on web3 and 16 more"; at most `most` names in each group.
std::string describe(const std::vector<ServedBy>& groups, std::size_t most);
// "web1, web2 and 16 more"
std::string list_hosts(const std::vector<std::string>& hosts, std::size_t most);
// The beginning of a fingerprint that people compare.
std::string short_fingerprint(const std::string& fingerprint);

}  // namespace certd
