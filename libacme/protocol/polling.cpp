// The pace of polling.
#include "libacme/protocol/polling.hpp"

#include <algorithm>

namespace certd::acme {

PollPace::PollPace(Duration round_trip, Duration waited)
    : wait_(std::clamp(4 * std::clamp<Duration>(round_trip, Duration(0), longest), shortest, longest)),
      waited_(waited) {}

Duration PollPace::next(std::optional<Time> asked, Time now) {
    Duration wait = wait_;
    wait_ = std::min(std::max(2 * wait_, waited_), longest);
    if (!asked) return wait;
    // Compared as instants: the difference to a date far away would overflow.
    if (*asked <= now + shortest_asked) return shortest_asked;
    if (*asked >= now + longest_asked) return longest_asked;
    return *asked - now;
}

Duration AttemptWatch::limit(Duration round_trip) const {
    if (unseen_) return Duration(0);
    return std::clamp(30 * std::clamp<Duration>(round_trip, Duration(0), longest), shortest, longest);
}

void AttemptWatch::observed(bool seen, bool final_at_once) {
    unseen_ = !seen && final_at_once;
}

}  // namespace certd::acme
