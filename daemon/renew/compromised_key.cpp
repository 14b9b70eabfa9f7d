// Burning of keys.
#include "daemon/renew/compromised_key.hpp"

#include "libacme/crypto/digest.hpp"

#include <algorithm>

namespace certd {

namespace {

std::vector<VersionNumber> versions_with_keys(Store& store, const LineageName& name, VersionNumber version,
                                              const std::vector<Certificate>& leaves) {
    auto shares_key = [&](const Certificate& leaf) {
        return std::ranges::any_of(
            leaves, [&](const Certificate& each) { return each.public_key_der() == leaf.public_key_der(); });
    };
    std::vector<VersionNumber> found;
    for (const VersionFacts& facts : value_or_fail(store.versions(name))) {
        if (facts.number == version) continue;
        Result<VersionFiles> files = store.read_version(name, facts.number);
        if (files && std::ranges::any_of(leaves_of(*files), shares_key)) found.push_back(facts.number);
    }
    return found;
}

}  // namespace

std::vector<Certificate> leaves_of(const VersionFiles& files) {
    std::vector<Certificate> leaves{value_or_fail(parse_chain(files.cert)).front()};
    for (const auto& [key, further] : files.further)
        leaves.push_back(value_or_fail(parse_chain(further.cert)).front());
    return leaves;
}

Result<std::vector<VersionNumber>> burn_keys(Store& store, const LineageName& name, VersionNumber version) {
    try {
        std::vector<Certificate> leaves = leaves_of(value_or_fail(store.read_version(name, version)));
        for (const Certificate& leaf : leaves)
            value_or_fail(store.burn_key(sha256_hex(leaf.public_key_der())));
        return versions_with_keys(store, name, version, leaves);
    } catch (const Failure& failed) {
        return failure(failed.problem());
    }
}

}  // namespace certd
