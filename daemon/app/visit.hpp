// A rehearsal of one challenge: an answer with a token of our own is put in place, looked for at the name's addresses
// where a CA would look, and taken away.
#pragma once

#include "daemon/app/findings.hpp"
#include "libacme/async/clock.hpp"
#include "libacme/net/resolve.hpp"
#include "libacme/protocol/solver.hpp"

#include <optional>
#include <vector>

namespace certd {

struct Rehearsal {
    acme::Solver& solver;
    acme::ChallengeTask task;
    std::vector<Endpoint> visit;  // for http-01 and tls-alpn-01
    Duration clean_up_limit = seconds(30);
};

struct Rehearsed {
    std::vector<Visit> visits;
    std::optional<Problem> left_behind;  // why the answer could not be taken away again
};

// Throws Failure when the answer cannot be put in place or is not seen by the solver itself. It is taken away in every
// case.
Task<Rehearsed> rehearse(Clock& clock, Rehearsal rehearsal);

}  // namespace certd
