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
    Time earliest = now;
    for (const auto& [ca, waiting] : cas_) {
        std::optional<Time> next = next_of(waiting);
        if (!next || *next > earliest) continue;
        best = &ca;
        earliest = *next;
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

void PollQueue::rest(const CaName& ca, Time until) {
    cas_[ca].resting_until = until;
}

std::optional<Time> PollQueue::next() const {
    std::optional<Time> earliest;
    for (const auto& [ca, waiting] : cas_) {
        if (std::optional<Time> next = next_of(waiting)) earliest = std::min(earliest.value_or(Time::max()), *next);
    }
    return earliest;
}

std::optional<Time> PollQueue::next_of(const Waiting& waiting) const {
    if (waiting.due.empty() || waiting.asking >= limit_) return std::nullopt;
    return std::max(waiting.due.begin()->first, waiting.resting_until);
}

}  // namespace certd
