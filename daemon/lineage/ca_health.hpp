// How a CA fares over all lineages: a CA that does not answer rests for all of them, and after repeated failure those
// that have another CA go there until it has been back for a while. Pure.
#pragma once

#include "libacme/base/json.hpp"
#include "libacme/base/problem.hpp"

#include <cstdint>
#include <optional>

namespace certd {

// accounts/<ca>/health.json, so that a restart neither forgets nor repeats.
struct CaHealth {
    std::uint32_t failures = 0;       // attempts in a row that ended without an answer of the CA, of whichever lineage
    std::optional<Time> since, last;  // of the first and the last of them
    std::optional<Problem> problem;   // of the last
    std::uint32_t falls = 0;          // how often it went down lately
    std::optional<Time> recovered;    // when it last answered again after having been down …
    std::optional<Time> paced_until;  // … and until when what piled up meanwhile is spread by its limit on orders
    bool operator==(const CaHealth&) const = default;
};
Json to_json(const CaHealth& health);
Result<CaHealth> ca_health_from_json(const Json& json);  // problem storage.corrupt

// An attempt ended without an answer of the CA.
void note_silence(CaHealth& health, const Problem& problem, Time now);
// The CA answered an attempt.
void note_answer(CaHealth& health, Time now);

// After repeated failure: lineages with another CA use that one.
bool is_down(const CaHealth& health);
// Nobody asks before: 1, 2, 4 … 60 minutes after the last attempt, or as long as the CA asked for, up to a day. Then
// one lineage does, for all. Here and below an attempt of the future, made by a wrong clock, holds nothing up.
Time rests_until(const CaHealth& health, Time now);
// When lineages with another CA come back to one that is down: after a day, longer when it went down again soon.
Time comes_back(const CaHealth& health, Time now);
bool is_paced(const CaHealth& health, Time now);

}  // namespace certd
