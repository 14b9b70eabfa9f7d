// Windows, draws and the times of questions.
#include "daemon/lineage/ari.hpp"

#include "daemon/lineage/plan.hpp"
#include "libacme/base/text.hpp"

#include <algorithm>
#include <limits>

namespace certd {

namespace {

constexpr std::uint32_t quick_tries = 6;  // 1 to 32 minutes apart
constexpr Duration long_wait = hours(6);
constexpr Duration shortest_wait = minutes(1);
constexpr Duration longest_wait = days(1);

Duration wait_after(std::uint32_t failures, bool temporary) {
    if (!temporary || failures > quick_tries) return long_wait;
    return minutes(1 << (failures - 1));
}

// What is known about the certificates of `newest`; with a null pointer about the first key's.
template <class State, class Visit>
void for_each_known(State& state, const VersionFacts& newest, Visit visit) {
    if (state.ari && state.ari->version == newest.number) visit(*state.ari, nullptr);
    for (const CertificateFacts& facts : newest.further) {
        auto found = state.further_ari.find(facts.key_type);
        if (found != state.further_ari.end() && found->second.version == newest.number) visit(found->second, &facts);
    }
}

Time drawn(const AriSuggestion& window, double draw) {
    auto width = static_cast<double>((window.end - window.start).count());
    auto offset = static_cast<std::int64_t>(std::clamp(draw, 0.0, 1.0) * width);
    // Rounding at the end of a wide window must not leave it.
    return std::min(window.start + Duration(offset), window.end - Duration(1));
}

}  // namespace

AriState first_ari(VersionNumber version, Time now) {
    AriState state;
    state.version = version;
    state.next_poll = now;
    return state;
}

void begin_ari(LineageState& state, const VersionFacts& newest, Time now) {
    forget_ari(state);
    // Without the identifier of its issuer's key a certificate takes no part (RFC 9773 §4.1).
    if (!newest.authority_key_id.empty()) state.ari = first_ari(newest.number, now);
    for (const CertificateFacts& facts : newest.further) {
        if (!facts.authority_key_id.empty()) state.further_ari[facts.key_type] = first_ari(newest.number, now);
    }
}

void forget_ari(LineageState& state) {
    state.ari.reset();
    state.further_ari.clear();
}

AriState* ari_of(LineageState& state, const VersionFacts& newest, const std::string& fingerprint) {
    AriState* found = nullptr;
    for_each_known(state, newest, [&](AriState& ari, const CertificateFacts* further) {
        if ((further ? further->fingerprint : newest.fingerprint) == fingerprint) found = &ari;
    });
    return found;
}

AriChange record_ari_suggestion(AriState& state, const AriSuggestion& suggestion, Time now, double draw) {
    state.failures = 0;
    state.problem.clear();
    state.next_poll = saturating_add(now, std::clamp(suggestion.poll_again, shortest_wait, longest_wait));
    AriWindow window{suggestion.start, suggestion.end, {}, escape_untrusted(suggestion.explanation_url), false};
    bool same = state.window && state.window->start == window.start && state.window->end == window.end;
    if (same) {
        state.window->explanation_url = std::move(window.explanation_url);
        return AriChange::none;
    }
    AriChange change = AriChange::first;
    if (state.window) {
        window.moved_earlier = window.start < state.window->start;
        change = window.moved_earlier ? AriChange::moved_earlier : AriChange::moved_later;
    }
    window.selected = drawn(suggestion, draw);
    state.window = std::move(window);
    return change;
}

void record_ari_failure(AriState& state, const Problem& problem, bool temporary, Time now) {
    if (state.failures < std::numeric_limits<std::uint32_t>::max()) ++state.failures;
    state.problem = problem.code;
    Time next = saturating_add(now, wait_after(state.failures, temporary));
    if (problem.not_before) next = std::clamp(*problem.not_before, next, saturating_add(now, longest_wait));
    state.next_poll = next;
}

double ari_draw(const std::string& lineage, VersionNumber version) {
    constexpr Duration fine = days(1);
    Duration part = jitter_for("ari/" + lineage, version, fine);
    return static_cast<double>(part.count()) / static_cast<double>(fine.count());
}

namespace {

struct Poll {
    Time at;
    const CertificateFacts* further;  // null: about the first key's
};

std::optional<Poll> next_poll(const LineageState& state, const VersionFacts& newest, Time now) {
    std::optional<Poll> first;
    if (state.paused) return first;
    for_each_known(state, newest, [&](const AriState& ari, const CertificateFacts* further) {
        // A clock that was set back must not keep the CA's news away for as long.
        Time next = std::min(ari.next_poll, saturating_add(now, longest_wait));
        if (std::max(next, now) >= (further ? further->not_after : newest.not_after)) return;
        if (!first || next < first->at) first = Poll{next, further};
    });
    return first;
}

}  // namespace

std::optional<Time> next_ari_poll(const LineageState& state, const VersionFacts& newest, Time now) {
    std::optional<Poll> poll = next_poll(state, newest, now);
    return poll ? std::optional(poll->at) : std::nullopt;
}

std::optional<CertificateFacts> next_ari_certificate(const LineageState& state, const VersionFacts& newest, Time now) {
    std::optional<Poll> poll = next_poll(state, newest, now);
    if (!poll) return std::nullopt;
    return poll->further ? *poll->further : newest.first();
}

const AriWindow* window_of(const LineageState& state, const VersionFacts& newest) {
    const AriWindow* earliest = nullptr;
    for_each_known(state, newest, [&](const AriState& ari, const CertificateFacts*) {
        if (!ari.window) return;
        if (earliest == nullptr || ari.window->selected < earliest->selected) earliest = &*ari.window;
    });
    return earliest;
}

Time suggested_time(const AriWindow& window, const VersionFacts& facts) {
    return std::min(window.selected, emergency_point(facts));
}

}  // namespace certd
