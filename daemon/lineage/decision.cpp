// Decisions as JSON and as one line, and what makes one new.
#include "daemon/lineage/decision.hpp"

#include "daemon/lineage/codec.hpp"
#include "libacme/base/names.hpp"
#include "libacme/base/text.hpp"

#include <algorithm>
#include <array>
#include <functional>

#include <fmt/format.h>

namespace certd {

namespace {

constexpr std::array<std::string_view, decision_kinds> kind_names{"issue",  "deploy",  "hold",      "pause",    "block",
                                                                  "wait",   "join",    "roll-back", "put-back", "keep",
                                                                  "narrow", "give-up", "proceed"};

std::optional<DecisionKind> decision_kind_from(std::string_view text) {
    return enum_from<DecisionKind>(text, kind_names);
}

// Never 0, which is the digest of nothing.
std::uint64_t digest(const std::string& text) {
    return std::hash<std::string>{}(text) | 1U;
}

// How far the time may move before that is another decision.
Duration tolerance(Duration left) {
    return std::max<Duration>(hours(1), left / 100);
}

}  // namespace

namespace codec {

template <>
struct Coder<DecisionKind> : NameCoder<DecisionKind, decision_kind_from> {};

template <class Visit>
static void fields(Is<Decision> auto& decision, Visit& visit) {
    visit("at", decision.at);
    visit("kind", decision.kind);
    visit("decision", decision.what);
    visit.optional("due", decision.due);
    visit.optional("reasons", decision.reasons);
    visit.optional("facts", decision.facts);
    visit.optional("by", decision.by);
}

}  // namespace codec

std::string_view to_string(DecisionKind kind) {
    return kind_names.at(static_cast<std::size_t>(kind));
}

bool is_standing(DecisionKind kind) {
    return kind <= DecisionKind::wait;
}

DecisionMark mark_of(const Decision& decision) {
    DecisionMark mark;
    mark.what = digest(fmt::format("{} {}", to_string(decision.kind), decision.what));
    if (!decision.reasons.empty()) mark.first = digest(decision.reasons.front());
    mark.why = digest(join(decision.reasons, "\n"));
    mark.due = decision.due.value_or(Time::min());
    return mark;
}

DecisionMark mark_of(const std::vector<Decision>& decisions) {
    for (auto decision = decisions.rbegin(); decision != decisions.rend(); ++decision) {
        if (is_standing(decision->kind)) return mark_of(*decision);
    }
    return {};
}

bool is_new(const DecisionMark& standing, const Decision& decision) {
    const DecisionMark made = mark_of(decision);
    if (standing.what != made.what) return true;
    const Time now = decision.at;
    const bool carried_out = standing.due <= now && made.due <= now;
    if (carried_out) return standing.first != made.first;
    if (standing.why != made.why) return true;
    const Time before = std::max(standing.due, now), after = std::max(made.due, now);
    const Duration moved = before < after ? after - before : before - after;
    return moved > tolerance(std::min(before, after) - now);
}

std::string describe(const Decision& decision) {
    std::string text = decision.what;
    if (decision.due) text += " at " + format_rfc3339(std::chrono::floor<seconds>(*decision.due));
    if (!decision.reasons.empty()) text += ": " + join(decision.reasons, "; ");
    if (!decision.by.empty()) text += " (" + decision.by + ")";
    return text;
}

Json to_json(const Decision& decision) {
    return codec::Coder<Decision>::encode(decision);
}

std::optional<Decision> decision_from_json(const Json& json) {
    Decision decision;
    if (!codec::Coder<Decision>::decode(json, decision)) return std::nullopt;
    return decision;
}

}  // namespace certd
