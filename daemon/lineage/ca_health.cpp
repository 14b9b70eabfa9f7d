// The rules by which a CA rests, goes down and comes back.
#include "daemon/lineage/ca_health.hpp"

#include "daemon/lineage/codec.hpp"

#include <algorithm>
#include <limits>

namespace certd {

namespace codec {

template <class Visit>
static void fields(Is<CaHealth> auto& health, Visit& visit) {
    visit.optional("failures", health.failures);
    visit.optional("since", health.since);
    visit.optional("last", health.last);
    visit.optional("problem", health.problem);
    visit.optional("falls", health.falls);
    visit.optional("recovered", health.recovered);
    visit.optional("paced_until", health.paced_until);
}

}  // namespace codec

namespace {

constexpr std::uint32_t failures_before_down = 3;
constexpr Duration longest_rest = hours(1);
constexpr Duration longest_wish = days(1);  // of a CA that says when to come again
constexpr std::uint32_t doublings = 6;      // 1 to 64 minutes
constexpr Duration steady_after = days(7);  // up for so long, earlier falls are forgotten
constexpr std::uint32_t most_falls = 3;     // 1, 2, 4 days away
constexpr Duration pile_after = hours(1);   // a shorter absence piles nothing up
constexpr Duration longest_pacing = days(7);

}  // namespace

Json to_json(const CaHealth& health) {
    return codec::Coder<CaHealth>::encode(health);
}

Result<CaHealth> ca_health_from_json(const Json& json) {
    return codec::decode_document<CaHealth>(json, "health.json");
}

void note_silence(CaHealth& health, const Problem& problem, Time now) {
    if (health.failures < std::numeric_limits<std::uint32_t>::max()) ++health.failures;
    if (!health.since) health.since = now;
    health.last = now;
    health.problem = problem;
    if (health.failures != failures_before_down) return;
    bool again = health.recovered && now < saturating_add(*health.recovered, steady_after);
    health.falls = again ? std::min(health.falls + 1, most_falls) : 1;
}

void note_answer(CaHealth& health, Time now) {
    if (health.failures == 0) return;
    if (is_down(health)) {
        Duration away = now - *health.since;
        health.recovered = now;
        if (away >= pile_after) health.paced_until = saturating_add(now, std::min(away, longest_pacing));
    }
    health.failures = 0;
    health.since.reset();
    health.last.reset();
    health.problem.reset();
}

bool is_down(const CaHealth& health) {
    return health.failures >= failures_before_down;
}

Time rests_until(const CaHealth& health, Time now) {
    if (health.failures == 0 || !health.last || *health.last > now) return Time::min();
    Duration rest = std::min<Duration>(minutes(1 << std::min(health.failures - 1, doublings)), longest_rest);
    Time until = saturating_add(*health.last, rest);
    if (!health.problem || !health.problem->not_before) return until;
    return std::clamp(*health.problem->not_before, until, std::max(until, saturating_add(*health.last, longest_wish)));
}

Time comes_back(const CaHealth& health, Time now) {
    if (!is_down(health) || !health.last || *health.last > now) return Time::min();
    return saturating_add(*health.last, days(1 << (std::max(health.falls, 1U) - 1)));
}

bool is_paced(const CaHealth& health, Time now) {
    // Not by what a clock said that was far ahead.
    return health.paced_until && now < *health.paced_until && *health.paced_until - now <= longest_pacing;
}

}  // namespace certd
