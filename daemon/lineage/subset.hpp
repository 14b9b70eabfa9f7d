// Partial issue (allow_subset_of_names): which names are ordered, and which a lineage may go on without, when a CA
// refuses some of them. The rules and their reasons: contrib/docs/decisions/0008-partial-issue.md. Pure.
#pragma once

#include "config/model.hpp"
#include "daemon/lineage/lineage.hpp"

#include <optional>
#include <string>
#include <vector>

namespace certd {

// Orders in one attempt, the first one included: each costs the CA work and the account some of its limits.
constexpr std::uint32_t orders_per_attempt = 4;

struct SubsetInput {
    const config::Lineage& spec;
    const LineageState& state;
    const VersionFacts* live = nullptr;    // null: none yet
    const VersionFacts* newest = nullptr;  // null: none yet
    Time now;
};

// What is known against a name; nullptr when nothing is, or it was found under another configuration, or the lineage
// never goes on without a name.
const NameRefusal* refusal_of(const config::Lineage& spec, const LineageState& state, const Identifier& name);

// Until when a name that is refused is not given up, because a certificate that is in use has it: 1/12 of the lifetime
// before that ends, or the end of a window that the CA moved earlier. nullopt: no certificate in use has it, or the
// time is over.
std::optional<Time> kept_until(const SubsetInput& input, const Identifier& name);

// The names of the first order of an attempt, in the order configured: all but those that were refused a short while
// ago and that no certificate in use has. `renew_requested` asks for all.
std::vector<Identifier> names_to_order(const SubsetInput& input);

// After an order for `ordered` has been refused in an attempt that began at `begun`.
struct Narrowing {
    std::vector<Identifier> names;  // of the next order; empty: the attempt has failed
    std::string reason;             // our words: why it is this one, or why there is none
};
// `names_only`: the attempt was made for missing names alone, and a certificate without a new one of them is no gain.
Narrowing narrowed(const SubsetInput& input, const std::vector<Identifier>& ordered, Time begun, bool names_only);

// The refusals in force of names that a version lacks.
std::vector<const NameRefusal*> missing_names(const config::Lineage& spec, const LineageState& state,
                                              const VersionFacts& facts);
// The names wanted of a version: all but those.
std::vector<Identifier> expected_names(const config::Lineage& spec, const LineageState& state,
                                       const VersionFacts& facts);
std::optional<Problem> missing_problem(const config::Lineage& spec, const LineageState& state,
                                       const VersionFacts& facts);

// One refusal, as an order met it.
struct MetRefusal {
    Identifier name;
    std::string way;  // the challenge type that failed; empty: none was tried
    Problem problem;
};
// Counts each name once for the attempt that began at `begun`, with the back-off of failed attempts (backoff.hpp).
void note_refused_names(LineageState& state, const config::Lineage& spec, const std::vector<MetRefusal>& refusals,
                        Time begun, Time now, Duration lifetime);
// An attempt has failed on account of names: those that were due in vain, because of others, wait as if refused.
void postpone_refused_names(LineageState& state, const config::Lineage& spec, Time now, Duration lifetime);
// The names of a new version are refused no more.
void forget_refused_names(LineageState& state, const VersionFacts& issued);
// An operator asks: they are tried again at once.
void retry_refused_names(LineageState& state, Time now);

}  // namespace certd
