#include "daemon/deploy/rollout_order.hpp"

#include "libacme/crypto/digest.hpp"

#include <algorithm>

#include <fmt/format.h>

namespace certd {

namespace {

enum class Turn { first, ordinary, last };

Turn turn_of(const Place& place, VersionNumber version, const std::vector<TargetState>& known) {
    const auto state = std::ranges::find(known, place, &TargetState::place);
    if (state == known.end() || (state->state != HostState::failed && state->state != HostState::rolled_back))
        return Turn::ordinary;
    // It was well, and went back because of others.
    if (state->problem && state->problem->code == "deploy.rolledBack") return Turn::ordinary;
    return state->wanted == version ? Turn::first : Turn::last;
}

}  // namespace

std::vector<Place> in_rollout_order(std::vector<Place> places, config::Rollout::Order order, const std::string& lineage,
                                    VersionNumber version, const std::vector<TargetState>& known) {
    using enum config::Rollout::Order;
    if (order == reversed) std::ranges::reverse(places);
    if (order == shuffled) {
        // By a digest of each host, so that a host that is added or taken away moves no other.
        std::ranges::sort(places, {}, [&](const Place& place) {
            return sha256_hex(fmt::format("{}\n{}\n{}", lineage, version.value, place.host));
        });
    }
    std::ranges::stable_sort(places, {}, [&](const Place& place) { return turn_of(place, version, known); });
    return places;
}

}  // namespace certd
