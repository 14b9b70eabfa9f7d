// PollQueue: one ordered set per lane.
#include "daemon/schedule/poll_queue.hpp"

#include <algorithm>

namespace certd {

void PollQueue::place(const std::string& lane, Time at, const std::string& lineage) {
    remove(lineage);
    if (asking_.contains(lineage)) return;
    lanes_[lane].due.emplace(at, lineage);
    places_.emplace(lineage, std::pair(lane, at));
}

void PollQueue::remove(const std::string& lineage) {
    auto found = places_.find(lineage);
    if (found == places_.end()) return;
    const auto& [lane, at] = found->second;
    lanes_[lane].due.erase({at, lineage});
    places_.erase(found);
}

std::optional<PollQueue::Admitted> PollQueue::admit(Time now) {
    const std::string* best = nullptr;
    Time earliest = now;
    for (const auto& [lane, waiting] : lanes_) {
        std::optional<Time> next = next_of(waiting);
        if (!next || *next > earliest) continue;
        best = &lane;
        earliest = *next;
    }
    if (best == nullptr) return std::nullopt;
    Waiting& waiting = lanes_.at(*best);
    Admitted admitted{waiting.due.begin()->second, *best};
    ++waiting.asking;
    asking_.insert(admitted.lineage);
    remove(admitted.lineage);
    return admitted;
}

void PollQueue::done(const Admitted& admitted) {
    --lanes_.at(admitted.lane).asking;
    asking_.erase(admitted.lineage);
}

void PollQueue::rest(const std::string& lane, Time until) {
    lanes_[lane].resting_until = until;
}

std::optional<Time> PollQueue::next() const {
    std::optional<Time> earliest;
    for (const auto& [lane, waiting] : lanes_) {
        if (std::optional<Time> next = next_of(waiting)) earliest = std::min(earliest.value_or(Time::max()), *next);
    }
    return earliest;
}

std::optional<Time> PollQueue::next_of(const Waiting& waiting) const {
    if (waiting.due.empty() || waiting.asking >= limit_) return std::nullopt;
    return std::max(waiting.due.begin()->first, waiting.resting_until);
}

}  // namespace certd
