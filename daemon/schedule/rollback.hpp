// Which version a manual rollback goes to. Pure.
#pragma once

#include "daemon/lineage/lineage.hpp"

#include <vector>

namespace certd {

// `to` as asked for, or the newest usable version below the live one when `to` is 0. Problems control.noSuchVersion
// (none, unknown, already live), control.versionRejected (rolled back from, or revoked) and control.versionExpired: an
// expired certificate never takes the place of a valid one.
Result<VersionNumber> choose_rollback(const LineageState& state, const std::vector<VersionFacts>& versions,
                                      VersionNumber to, Time now);

}  // namespace certd
