// The keys of earlier versions: which of them may be in a new one.
#pragma once

#include "config/model.hpp"
#include "daemon/store/store.hpp"
#include "libacme/protocol/issue.hpp"

#include <optional>

namespace certd {

// The newest version's key of this type, where the lineage wants to go on with it. nullopt, and with it a new key, also
// for one that cannot be read, or of which it is not certain that it was never compromised. Blocking.
std::optional<acme::KnownKey> key_to_use_again(Store& store, const config::Lineage& spec, const VersionFacts* newest,
                                               KeyType type, Time now);

// Whether an order in progress has a key that is in a version already, and should not have it any more.
bool has_outlived_key(const acme::OrderRecord& order, const config::Lineage& spec, const VersionFacts* newest,
                      Time now);

}  // namespace certd
