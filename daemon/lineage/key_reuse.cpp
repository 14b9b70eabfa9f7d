// Ages of keys.
#include "daemon/lineage/key_reuse.hpp"

namespace certd {

std::optional<Time> key_used_until(const config::Lineage& spec, std::optional<Time> created) {
    if (!spec.key_max_age || !created) return std::nullopt;
    return saturating_add(*created, *spec.key_max_age);
}

bool may_use_key_again(const config::Lineage& spec, std::optional<Time> created, Time now) {
    std::optional<Time> until = key_used_until(spec, created);
    return until && *created <= now && now < *until;
}

}  // namespace certd
