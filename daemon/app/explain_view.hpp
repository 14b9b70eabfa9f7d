// Why a lineage is in its state and what comes next, in sentences for people. Pure.
#pragma once

#include "ctl/api/types.hpp"
#include "daemon/observe/rollout_board.hpp"
#include "daemon/schedule/scheduler.hpp"

#include <string>
#include <vector>

namespace certd {

// `targets`, `rollouts`: as for lineage_view.
api::Explanation explanation_view(const Entry& entry, const Plan& plan, std::vector<HistoryEntry> history, Time now,
                                  const Targets* targets = nullptr, const RolloutBoard* rollouts = nullptr);
// What was decided, as it is on record, for people and programs.
std::vector<api::Decision> decisions_view(std::vector<Decision> decisions);
// The records that dns-persist-01 needs to be published, a sentence each; `account` null: there is none yet.
std::vector<std::string> persist_sentences(const config::Lineage& spec, const CaClients::AccountFacts* account);

}  // namespace certd
