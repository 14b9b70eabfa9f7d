// Decisions about CRLs.
#include "daemon/lineage/revocation.hpp"

#include "daemon/lineage/codec.hpp"
#include "daemon/lineage/plan.hpp"

#include <algorithm>

#include <fmt/format.h>

namespace certd {

namespace codec {

template <class Visit>
static void fields(Is<CrlState> auto& state, Visit& visit) {
    visit("url", state.url);
    visit.optional("attempted_at", state.attempted_at);
    visit.optional("checked_at", state.checked_at);
    visit.optional("this_update", state.this_update);
    visit.optional("next_update", state.next_update);
    visit.optional("etag", state.etag);
    visit.optional("last_modified", state.last_modified);
    visit.optional("failures", state.failures);
    visit.optional("failing_since", state.failing_since);
    visit.optional("problem", state.problem);
}

}  // namespace codec

namespace {

constexpr Duration shortest = hours(1);       // between two questions
constexpr Duration longest_wish = days(1);    // of a server that asks to be left alone
constexpr Duration publication = minutes(5);  // in which an announced CRL is looked for

// 1 h, 2 h, 4 h …
Duration pause_after(std::uint32_t failures, Duration interval) {
    Duration pause = shortest;
    for (std::uint32_t i = 1; i < failures && pause < interval; ++i)
        pause *= 2;
    return std::clamp(pause, shortest, std::max(shortest, interval));
}

}  // namespace

bool is_current(const CrlState& state, Time now) {
    return state.checked_at && now < state.next_update;
}

bool is_worrying(const CrlState& state, Time now) {
    return state.failing_since && saturating_add(*state.failing_since, crl_patience) <= now;
}

void record_crl(CrlState& state, Time this_update, Time next_update, Time now) {
    state.attempted_at = state.checked_at = now;
    state.this_update = this_update;
    state.next_update = next_update;
    state.failures = 0;
    state.failing_since.reset();
    state.problem.reset();
}

bool record_crl_failure(CrlState& state, Problem problem, Time now) {
    bool worried = state.attempted_at && is_worrying(state, *state.attempted_at);
    state.attempted_at = now;
    ++state.failures;
    if (!state.failing_since) state.failing_since = now;
    state.problem = std::move(problem);
    return !worried && is_worrying(state, now);
}

Time next_crl_check(const CrlState& state, Duration interval) {
    if (!state.attempted_at) return Time::min();
    const Time asked = *state.attempted_at;
    if (state.failures > 0) {
        Time due = saturating_add(asked, pause_after(state.failures, interval));
        if (!state.problem || !state.problem->not_before) return due;
        return std::max(due, std::min(*state.problem->not_before, saturating_add(asked, longest_wish)));
    }
    Time regular = saturating_add(asked, interval - jitter_for(state.url, {}, interval / 10));
    Time announced = saturating_add(state.next_update, jitter_for(state.url, {}, publication));
    return std::max(std::min(regular, announced), saturating_add(asked, shortest));
}

Json to_json(const CrlState& state) {
    return codec::Coder<CrlState>::encode(state);
}

Result<CrlState> crl_state_from_json(const Json& json) {
    return codec::decode_document<CrlState>(json, "what is known of a CRL");
}

bool is_key_compromise(const Revoked& revoked) {
    return revoked.reason == "keyCompromise";
}

std::string text(const Revoked& revoked) {
    return fmt::format("version {} was revoked at {} ({})", revoked.version.value, format_rfc3339(revoked.since),
                       revoked.reason);
}

Problem revoked_problem(const Revoked& revoked) {
    std::string what = text(revoked);
    what[0] = 'V';
    return problem("lineage.revoked", fmt::format("{}, says the CRL of its CA", what), revoked.url);
}

bool wants_replacement(const Revoked& revoked, const LineageState& state) {
    if (revoked.reason == "cessationOfOperation") return false;
    bool newest_rejected = std::ranges::find(state.rejected, state.newest) != state.rejected.end();
    return revoked.version == state.newest || newest_rejected;
}

}  // namespace certd
