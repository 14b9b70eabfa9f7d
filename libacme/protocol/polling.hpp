// How long to wait between polls of an authorization or order. Pure.
#pragma once

#include "libacme/base/time.hpp"

#include <optional>

namespace certd::acme {

// The first poll comes after four round trips (at least 5 ms), each wait is twice the one before, up to 10 s. A
// Retry-After of the last answer takes precedence, held between 1 s and 10 min (acme-facts §1.7).
class PollPace {
   public:
    static constexpr Duration shortest = milliseconds(5);
    static constexpr Duration longest = seconds(10);
    static constexpr Duration shortest_asked = seconds(1);
    static constexpr Duration longest_asked = minutes(10);

    // `waited`: time already spent waiting for the same thing; from the second wait on the pace continues from there.
    explicit PollPace(Duration round_trip, Duration waited = {});
    Duration next(std::optional<Time> asked, Time now);

   private:
    Duration wait_;
    Duration waited_;
};

// How long to wait for a validation request before polling blindly. A CA that validates without asking us (or asks
// somebody else) is remembered, so that not every issuance pays for the wait.
class AttemptWatch {
   public:
    static constexpr Duration shortest = milliseconds(50);
    static constexpr Duration longest = seconds(3);

    Duration limit(Duration round_trip) const;
    // `final_at_once`: the authorization was found final by the first poll though no request had been seen.
    void observed(bool seen, bool final_at_once);

   private:
    bool unseen_ = false;
};

}  // namespace certd::acme
