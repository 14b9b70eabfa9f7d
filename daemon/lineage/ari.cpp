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

std::optional<Time> next_ari_poll(const LineageState& state, const VersionFacts& newest, Time now) {
    if (!state.ari || state.ari->version != newest.number || state.paused) return std::nullopt;
    // A clock that was set back must not keep the CA's news away for as long.
    Time next = std::min(state.ari->next_poll, saturating_add(now, longest_wait));
    if (std::max(next, now) >= newest.not_after) return std::nullopt;
    return next;
}

const AriWindow* window_of(const LineageState& state, const VersionFacts& newest) {
    if (!state.ari || state.ari->version != newest.number || !state.ari->window) return nullptr;
    return &*state.ari->window;
}

Time suggested_time(const AriWindow& window, const VersionFacts& facts) {
    return std::min(window.selected, emergency_point(facts));
}

}  // namespace certd
