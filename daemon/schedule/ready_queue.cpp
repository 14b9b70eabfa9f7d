// ReadyQueue: one ordered set per CA.
#include "daemon/schedule/ready_queue.hpp"

namespace certd {

void ReadyQueue::add(const CaName& ca, Time urgency, std::string lineage) {
    remove(lineage);
    cas_[ca].due.emplace(urgency, lineage);
    places_.emplace(std::move(lineage), std::pair(ca, urgency));
}

void ReadyQueue::remove(const std::string& lineage) {
    auto found = places_.find(lineage);
    if (found == places_.end()) return;
    const auto& [ca, urgency] = found->second;
    cas_[ca].due.erase({urgency, lineage});
    places_.erase(found);
}

std::optional<ReadyQueue::Admitted> ReadyQueue::admit(const IssueLimits& limits) {
    if (issuing_ >= limits.overall) return std::nullopt;
    const Queue::value_type* best = nullptr;
    CaName best_ca;
    for (const auto& [ca, waiting] : cas_) {
        if (waiting.due.empty() || waiting.issuing >= limits.of_ca(ca)) continue;
        if (best == nullptr || *waiting.due.begin() < *best) {
            best = &*waiting.due.begin();
            best_ca = ca;
        }
    }
    if (best == nullptr) return std::nullopt;
    Admitted admitted{best->second, best_ca};
    remove(admitted.lineage);
    take_place(best_ca);
    return admitted;
}

bool ReadyQueue::is_waited_for(const CaName& ca) const {
    auto found = cas_.find(ca);
    return found != cas_.end() && !found->second.due.empty();
}

void ReadyQueue::take_place(const CaName& ca) {
    ++cas_[ca].issuing;
    ++issuing_;
}

void ReadyQueue::give_place(const CaName& ca) {
    --cas_[ca].issuing;
    --issuing_;
}

}  // namespace certd
