// What rollouts are doing right now, put together from their events: for those who ask in the middle of one. Pure. How
// far a version has come in the end is read from the state of each host, not from here.
#pragma once

#include "daemon/observe/event.hpp"

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace certd {

struct RolloutProgress {
    std::uint64_t job = 0;
    std::uint32_t version = 0;
    std::vector<std::string> hosts;  // in the order of the rollout
    std::string phase = "canary";    // "canary", "batch", "pausing", "going-back"; of one that has ended its outcome
    bool ended = false;
    std::size_t batch = 0, batches = 0;
    Time started{};
    std::optional<Time> paused_until;
    std::map<std::string, std::string> steps;  // by host: "install", "verify" …; only where something is done
};

class RolloutBoard {
   public:
    void take(const Event& event);
    // The one that runs, or ran last since the start; null: none.
    const RolloutProgress* find(const std::string& lineage, const std::string& target) const;

   private:
    using Key = std::pair<std::string, std::string>;  // lineage, target
    void take_step(RolloutProgress& progress, const Event& event);
    std::map<Key, RolloutProgress> rollouts_;
};

}  // namespace certd
