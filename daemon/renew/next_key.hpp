// Keys made ahead (`next_key`), so that their pins can be published before they are in use. Each is for one version:
// an order takes the stored key along and leaves it in its place, and the version that has it uses it up.
#pragma once

#include "config/model.hpp"
#include "daemon/store/store.hpp"
#include "libacme/protocol/issue.hpp"

#include <optional>
#include <vector>

namespace certd {

struct NextKeys {
    std::vector<NextKey> keys;        // one for each of the lineage's keys, in their order
    std::vector<KeyType> made;        // of these just now
    std::optional<Problem> damage{};  // of what was stored, which is set aside: its pins are worth nothing any more
    acme::KnownKey of(KeyType type) const;
};

// Makes and stores what is missing, was used up or compromised. To be called for one lineage at a time. Blocking, for
// seconds where RSA keys are made.
Result<NextKeys> ensure_next_keys(Store& store, const config::Lineage& spec, Time now);

}  // namespace certd
