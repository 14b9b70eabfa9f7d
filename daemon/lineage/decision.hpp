// What was decided about a lineage, recorded when it was decided: with the reasons and facts of that moment, which
// nobody could reconstruct later from another configuration, another window of the CA or other failures. Pure.
#pragma once

#include "libacme/base/json.hpp"
#include "libacme/base/problem.hpp"

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace certd {

enum class DecisionKind {
    // These stand until another of them takes their place:
    issue,   // a certificate is ordered
    deploy,  // a version is brought to places
    hold,    // what an operator rolled back to stays
    pause,   // nothing is done
    block,   // an operator or another configuration is needed
    wait,    // for something that has no time: a CA that does not answer, a clock that cannot be right
    // These are about one job:
    join,       // somebody asked for what runs already
    roll_back,  // an older version is deployed again
    put_back,   // a deployment failed: what was served before is served again
    keep,       // a deployment failed, and there was nothing to put back, or it could not be
    narrow,     // the CA refused names: the order is made again without them
    give_up,    // the CA refused names: no other order in this attempt
    proceed     // what failed at a CA passed at its staging: it is asked itself
};
constexpr std::size_t decision_kinds = static_cast<std::size_t>(DecisionKind::proceed) + 1;
std::string_view to_string(DecisionKind kind);  // "put-back"
bool is_standing(DecisionKind kind);

struct Decision {
    Time at;
    DecisionKind kind = DecisionKind::wait;
    std::string what;                          // our words: "Order a certificate from letsencrypt"
    std::optional<Time> due;                   // when it is carried out; unset: at once, or no time is known
    std::vector<std::string> reasons;          // in order of weight, one line each
    std::map<std::string, std::string> facts;  // what it was based on, by stable keys (STATE-DIRECTORY)
    std::string by;                            // who asked: "uid 0: renew --force"; empty: nobody
    bool operator==(const Decision&) const = default;
};
constexpr std::size_t decisions_limit = 50;

// What is kept in memory of the decision that stands, enough to know it again.
struct DecisionMark {
    std::uint64_t what = 0;            // digests of kind and words …
    std::uint64_t first = 0, why = 0;  // … of the weightiest reason, and of all
    Time due = Time::min();
    explicit operator bool() const { return what != 0; }
};
DecisionMark mark_of(const Decision& decision);
// Of the last that stands among `decisions`, oldest first; none: false.
DecisionMark mark_of(const std::vector<Decision>& decisions);

// Whether `decision`, made at `decision.at`, is another one than that which stands: other words, other reasons, or a
// time moved by more than an hour and 1 % of what is left until then. A decision that is carried out when its time has
// come is the same still, though reasons to wait have gone.
bool is_new(const DecisionMark& standing, const Decision& decision);

// "Order a certificate from main at 2026-12-22T10:04:00Z: 2/3 of the lifetime"; "… (uid 0: renew --force)".
std::string describe(const Decision& decision);

Json to_json(const Decision& decision);
std::optional<Decision> decision_from_json(const Json& json);  // nullopt: it is none

}  // namespace certd
