// For how long a lineage's keys are used again for new versions. Pure.
#pragma once

#include "config/model.hpp"
#include "daemon/lineage/lineage.hpp"

#include <optional>

namespace certd {

// Until when a key made at `created` is used again; nullopt: the next version has a new one in any case, because that
// is the lineage's rule or the age of the key is not known.
std::optional<Time> key_used_until(const config::Lineage& spec, std::optional<Time> created);

// Whether it may be in a certificate that is ordered now. A key from the future, which a clock that was set back leaves
// behind, may not: its age is not known.
bool may_use_key_again(const config::Lineage& spec, std::optional<Time> created, Time now);

}  // namespace certd
