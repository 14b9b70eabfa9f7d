// The keys of a version that others may know: they are never used again. Blocking.
#pragma once

#include "daemon/store/store.hpp"
#include "libacme/crypto/certificate.hpp"

#include <vector>

namespace certd {

// Of all keys of a version, the first key's first. Throws Failure.
std::vector<Certificate> leaves_of(const VersionFiles& files);

// Durable before it returns. The other versions of the lineage with one of these keys; those that cannot be read are
// left to their damage.
Result<std::vector<VersionNumber>> burn_keys(Store& store, const LineageName& name, VersionNumber version);

}  // namespace certd
