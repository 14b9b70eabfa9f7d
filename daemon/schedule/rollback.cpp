// choose_rollback.
#include "daemon/schedule/rollback.hpp"

#include <algorithm>

#include <fmt/format.h>

namespace certd {

namespace {

const VersionFacts* find_version(const std::vector<VersionFacts>& versions, VersionNumber number) {
    auto found = std::ranges::find(versions, number, &VersionFacts::number);
    return found == versions.end() ? nullptr : &*found;
}

bool is_rejected(const LineageState& state, VersionNumber number) {
    return std::ranges::find(state.rejected, number) != state.rejected.end();
}

// The newest below the live one that was not itself rolled back from and is still valid.
const VersionFacts* previous_version(const LineageState& state, const std::vector<VersionFacts>& versions, Time now) {
    const VersionFacts* best = nullptr;
    for (const VersionFacts& facts : versions) {
        if (facts.number >= state.live || is_rejected(state, facts.number) || facts.valid_until() <= now) continue;
        if (best == nullptr || facts.number > best->number) best = &facts;
    }
    return best;
}

}  // namespace

Result<VersionNumber> choose_rollback(const LineageState& state, const std::vector<VersionFacts>& versions,
                                      VersionNumber to, Time now) {
    if (!to) {
        const VersionFacts* previous = previous_version(state, versions, now);
        if (previous == nullptr) {
            return failure(
                "control.noSuchVersion",
                fmt::format("There is no valid version before version {} to roll back to", state.live.value));
        }
        return previous->number;
    }
    const VersionFacts* wanted = find_version(versions, to);
    if (wanted == nullptr) return failure("control.noSuchVersion", fmt::format("There is no version {}", to.value));
    if (to == state.live) return failure("control.noSuchVersion", fmt::format("Version {} is live already", to.value));
    if (is_rejected(state, to)) {
        return failure("control.versionRejected",
                       fmt::format("Version {} was rolled back from or revoked, and is not deployed again", to.value));
    }
    const VersionFacts* live = find_version(versions, state.live);
    if (wanted->valid_until() <= now && live != nullptr && live->valid_until() > now) {
        return failure("control.versionExpired",
                       fmt::format("Version {} expired at {} while version {} is valid", to.value,
                                   format_rfc3339(wanted->valid_until()), state.live.value));
    }
    return to;
}

}  // namespace certd
