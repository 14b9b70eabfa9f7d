// Which versions of a lineage may go (DESIGN §4). Pure.
#pragma once

#include "libacme/base/ids.hpp"

#include <span>
#include <vector>

namespace certd {

// Of `complete` (ascending), all but the newest `keep` (at least one), `live`, and those in `wanted`.
std::vector<VersionNumber> versions_to_remove(std::span<const VersionNumber> complete, std::uint32_t keep,
                                              VersionNumber live, std::span<const VersionNumber> wanted);

}  // namespace certd
