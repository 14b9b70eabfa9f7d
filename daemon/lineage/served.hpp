// Is what was deployed still served? A reload that was undone, a file that a backup brought back, a service that died:
// none of these is an attempt that fails, so that certd looks again by itself. When, and what follows. Pure.
#pragma once

#include "config/model.hpp"
#include "daemon/lineage/lineage.hpp"

#include <optional>
#include <string>
#include <vector>

namespace certd {

// What was seen at a place's endpoints.
struct Looked {
    enum class Kind {
        serves,      // the live certificate, at each
        other,       // another certificate, at one of them
        unreachable  // no certificate, at one of them
    };
    Kind kind = Kind::serves;
    std::string fingerprint;         // of what was seen last
    std::optional<Problem> problem;  // unless it serves
};

// The places of the lineage with a verification that are believed to serve the live version.
struct Watched {
    Place place;
    Time at;  // of the next look
};
// `started`: a look that was missed while certd did not run is made up for within an hour from then, each lineage at
// its own moment.
std::vector<Watched> watched_places(const config::Lineage& spec, const config::Config& config,
                                    const LineageState& state, Time started);

enum class ServedChange { none, lost, unreachable, back };
// A place that serves something else is to be deployed to at once; one that cannot be reached is waited for.
ServedChange record_look(TargetState& target, const Looked& looked, VersionNumber live, Time now);

}  // namespace certd
