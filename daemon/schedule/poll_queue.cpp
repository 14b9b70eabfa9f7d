// PollQueue: one ordered set per CA.
#include "daemon/schedule/poll_queue.hpp"

#include <algorithm>

namespace certd {

void PollQueue::place(const CaName& ca, Time at, const std::string& lineage) {
    remove(lineage);
    if (asking_.contains(lineage)) return;
    cas_[ca].due.emplace(at, lineage);
    places_.emplace(lineage, std::pair(ca, at));
}

void PollQueue::remove(const std::string& lineage) {
    auto found = places_.find(lineage);
    if (found == places_.end()) return;
    const auto& [ca, at] = found->second;
    cas_[ca].due.erase({at, lineage});
    places_.erase(found);
}

std::optional<PollQueue::Admitted> PollQueue::admit(Time now) {
    const CaName* best = nullptr;
    Time earliest = Time::max();
    for (const auto& [ca, waiting] : cas_) {
        if (!can_ask(waiting) || waiting.due.begin()->first > std::min(now, earliest)) continue;
        best = &ca;
        earliest = waiting.due.begin()->first;
    }
    if (best == nullptr) return std::nullopt;
    Waiting& waiting = cas_.at(*best);
    Admitted admitted{waiting.due.begin()->second, *best};
    ++waiting.asking;
    asking_.insert(admitted.lineage);
    remove(admitted.lineage);
    return admitted;
}

void PollQueue::done(const Admitted& admitted) {
    --cas_.at(admitted.ca).asking;
    asking_.erase(admitted.lineage);
}

std::optional<Time> PollQueue::next() const {
    std::optional<Time> earliest;
    for (const auto& [ca, waiting] : cas_) {
        if (can_ask(waiting)) earliest = std::min(earliest.value_or(Time::max()), waiting.due.begin()->first);
    }
    return earliest;
}

}  // namespace certd
