// From what certd knows of a lineage to what the control API shows of it. Pure.
#pragma once

#include "ctl/api/types.hpp"
#include "daemon/observe/rollout_board.hpp"
#include "daemon/schedule/scheduler.hpp"

namespace certd {

// Of the plan, or of the job that runs.
State state_of(const Entry& entry, const Plan& plan);
// `targets`: those of the configuration; null: all on this machine. `rollouts`: those that run; null: none does.
api::Lineage lineage_view(const Entry& entry, const Plan& plan, bool table_only, const Targets* targets = nullptr,
                          const RolloutBoard* rollouts = nullptr);
// With all versions, as the store has them.
void add_versions(api::Lineage& view, const LineageState& state, const std::vector<VersionFacts>& versions);
void add_hooks(api::Lineage& view, std::vector<HookRun> hooks);

}  // namespace certd
