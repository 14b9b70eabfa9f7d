// Names to order, to keep and to go on without.
#include "daemon/lineage/subset.hpp"

#include "daemon/lineage/ari.hpp"
#include "daemon/lineage/backoff.hpp"
#include "daemon/lineage/challenge_order.hpp"
#include "daemon/lineage/plan.hpp"
#include "libacme/base/text.hpp"

#include <algorithm>
#include <span>

#include <fmt/format.h>

namespace certd {

namespace {

template <class Range, class Value>
bool contains(const Range& range, const Value& value) {
    return std::ranges::find(range, value) != range.end();
}

std::string listed(const std::vector<Identifier>& names) {
    constexpr std::size_t shown = 5;
    std::vector<std::string> texts;
    for (std::size_t i = 0; i < std::min(shown, names.size()); ++i)
        texts.push_back(names[i].value);
    if (names.size() > shown) texts.push_back(fmt::format("{} more", names.size() - shown));
    return join(texts, ", ");
}

using Refusals = std::span<const NameRefusal>;

Refusals refusals_in_force(const config::Lineage& spec, const LineageState& state) {
    bool counts = spec.allow_subset_of_names && !state.refused_names.empty();
    return counts && state.config_digest == policy_digest(spec) ? Refusals(state.refused_names) : Refusals();
}

const NameRefusal* find(Refusals refusals, const Identifier& name) {
    auto found = std::ranges::find(refusals, name, &NameRefusal::name);
    return found == refusals.end() ? nullptr : &*found;
}

// The ways of proof that are configured for a name and fit it.
std::vector<std::string> ways_of(const config::Lineage& spec, const Identifier& name) {
    std::vector<std::string> ways = challenge_order(config::challenge_for(spec, name), {});
    std::erase_if(ways, [&](const std::string& way) {
        bool by_dns = way.starts_with("dns-");
        return (name.is_wildcard() && !by_dns) || (name.type == Identifier::Type::ip && by_dns);
    });
    return ways;
}

// Every way was tried: what one way cannot prove another may.
bool is_exhausted(const config::Lineage& spec, const NameRefusal& refusal) {
    return std::ranges::all_of(ways_of(spec, refusal.name),
                               [&](const std::string& way) { return contains(refusal.ways, way); });
}

// The instant from which a version keeps no name any more: half-way between its emergency point and its end.
Time last_call(const VersionFacts& facts) {
    Time earliest = Time::max();
    for (const CertificateFacts& each : facts.certificates())
        earliest = std::min(earliest, each.not_after - (each.not_after - each.not_before) / 12);
    return earliest;
}

// Since when a name may be given up: for good where no certificate in use has it.
Time given_up_from(const SubsetInput& input, const Identifier& name) {
    Time from = Time::min();
    for (const VersionFacts* version : {input.live, input.newest}) {
        if (version == nullptr || !contains(version->names, name)) continue;
        // Revoked, or rolled back from by hand: nobody is served by it.
        if (contains(input.state.rejected, version->number)) continue;
        Time until = last_call(*version);
        // RFC 9773 §4.2: the end of a window that was brought forward is when a certificate is about to be revoked.
        const AriWindow* window =
            input.newest && version->number == input.newest->number ? window_of(input.state, *version) : nullptr;
        if (window && window->moved_earlier) until = std::min(until, window->end);
        from = std::max(from, until);
    }
    return from;
}

}  // namespace

const NameRefusal* refusal_of(const config::Lineage& spec, const LineageState& state, const Identifier& name) {
    return find(refusals_in_force(spec, state), name);
}

std::optional<Time> kept_until(const SubsetInput& input, const Identifier& name) {
    Time from = given_up_from(input, name);
    return from > input.now ? std::optional(from) : std::nullopt;
}

std::vector<Identifier> names_to_order(const SubsetInput& input) {
    if (input.state.renew_requested) return input.spec.names;
    Refusals refusals = refusals_in_force(input.spec, input.state);
    std::vector<Identifier> names;
    for (const Identifier& name : input.spec.names) {
        const NameRefusal* refusal = find(refusals, name);
        // A name that was kept when it was asked for last is asked for once more before it is given up.
        bool left_out = refusal && refusal->next_attempt > input.now && is_exhausted(input.spec, *refusal) &&
                        refusal->last_attempt >= given_up_from(input, name);
        if (!left_out) names.push_back(name);
    }
    return names.empty() ? input.spec.names : names;
}

Narrowing narrowed(const SubsetInput& input, const std::vector<Identifier>& ordered, Time begun, bool names_only) {
    Refusals refusals = refusals_in_force(input.spec, input.state);
    std::vector<Identifier> rest, without, kept;
    for (const Identifier& name : ordered) {
        const NameRefusal* refusal = find(refusals, name);
        bool refused = refusal && refusal->last_attempt >= begun && is_exhausted(input.spec, *refusal);
        (refused ? without : rest).push_back(name);
        if (refused && kept_until(input, name)) kept.push_back(name);
    }
    if (without.empty()) return {std::move(rest), "the names are tried in another way"};
    if (rest.empty()) return {{}, "none of the names is left"};
    if (!kept.empty()) {
        return {{},
                fmt::format("the live certificate has {}, and is kept with it until {}", listed(kept),
                            format_rfc3339(std::chrono::floor<seconds>(*kept_until(input, kept.front()))))};
    }
    const VersionFacts* newest = input.newest;
    bool gain = newest == nullptr ||
                std::ranges::any_of(rest, [&](const Identifier& name) { return !contains(newest->names, name); });
    if (names_only && !gain) return {{}, "there is a certificate for the others"};
    return {std::move(rest), fmt::format("it goes on without {}", listed(without))};
}

std::vector<const NameRefusal*> missing_names(const config::Lineage& spec, const LineageState& state,
                                              const VersionFacts& facts) {
    Refusals refusals = refusals_in_force(spec, state);
    std::vector<const NameRefusal*> missing;
    for (const Identifier& name : spec.names) {
        const NameRefusal* refusal = find(refusals, name);
        if (refusal && !contains(facts.names, name)) missing.push_back(refusal);
    }
    return missing;
}

std::vector<Identifier> expected_names(const config::Lineage& spec, const LineageState& state,
                                       const VersionFacts& facts) {
    std::vector<Identifier> names = spec.names;
    for (const NameRefusal* refusal : missing_names(spec, state, facts))
        std::erase(names, refusal->name);
    return names;
}

std::optional<Problem> missing_problem(const config::Lineage& spec, const LineageState& state,
                                       const VersionFacts& facts) {
    std::vector<Identifier> names;
    std::vector<Problem> parts;
    for (const NameRefusal* refusal : missing_names(spec, state, facts)) {
        names.push_back(refusal->name);
        parts.push_back(refusal->problem);
    }
    if (names.empty()) return std::nullopt;
    Problem whole =
        problem("acme.namesRefused", fmt::format("The certificate lacks {}, which the CA refused", listed(names)));
    whole.parts = std::move(parts);
    return whole;
}

void note_refused_names(LineageState& state, const config::Lineage& spec, const std::vector<MetRefusal>& refusals,
                        Time begun, Time now, Duration lifetime) {
    std::erase_if(state.refused_names, [&](const NameRefusal& known) { return !contains(spec.names, known.name); });
    for (const MetRefusal& met : refusals) {
        auto found = std::ranges::find(state.refused_names, met.name, &NameRefusal::name);
        bool is_new = found == state.refused_names.end();
        NameRefusal& refusal =
            is_new ? state.refused_names.emplace_back(NameRefusal{met.name, {}, 0, now, now, now}) : *found;
        if (is_new || refusal.last_attempt < begun) ++refusal.failures;
        refusal.problem = met.problem;
        refusal.last_attempt = now;
        refusal.next_attempt = next_issue_attempt(refusal.failures, met.problem, now, lifetime, spec.name);
        std::vector<std::string> ways = met.way.empty() ? ways_of(spec, met.name) : std::vector<std::string>{met.way};
        for (std::string& way : ways) {
            if (!contains(refusal.ways, way)) refusal.ways.push_back(std::move(way));
        }
    }
}

void postpone_refused_names(LineageState& state, const config::Lineage& spec, Time now, Duration lifetime) {
    for (NameRefusal& refusal : state.refused_names) {
        if (refusal.next_attempt > now) continue;
        ++refusal.failures;
        refusal.next_attempt = next_issue_attempt(refusal.failures, refusal.problem, now, lifetime, spec.name);
    }
}

void forget_refused_names(LineageState& state, const VersionFacts& issued) {
    std::erase_if(state.refused_names, [&](const NameRefusal& known) { return contains(issued.names, known.name); });
}

void retry_refused_names(LineageState& state, Time now) {
    for (NameRefusal& refusal : state.refused_names)
        refusal.next_attempt = std::min(refusal.next_attempt, now);
}

}  // namespace certd
