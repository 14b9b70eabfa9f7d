// How a version comes to the hosts of a lineage's targets, as the control API shows it. Pure.
#pragma once

#include "ctl/api/types.hpp"
#include "daemon/lineage/places.hpp"
#include "daemon/observe/rollout_board.hpp"
#include "daemon/schedule/scheduler.hpp"

namespace certd {

// Of each target with hosts. `board`: what runs now; null: nothing does.
std::vector<api::Rollout> rollout_views(const Entry& entry, const Targets& targets, const RolloutBoard* board);
// The rollout that the entry's job has made, or makes, of this target; null: none.
const RolloutProgress* running_rollout(const Entry& entry, const std::string& target, const RolloutBoard* board);
// Certificates that hosts serve and that are those of `versions` after all.
void name_versions(std::vector<api::Rollout>& rollouts, const std::vector<VersionFacts>& versions);
// A sentence for each target with hosts that do not all serve the same: who serves what.
std::vector<std::string> served_sentences(const std::vector<api::Rollout>& rollouts);

}  // namespace certd
