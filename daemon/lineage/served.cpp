// When targets are looked at again, and what a look changes.
#include "daemon/lineage/served.hpp"

#include "daemon/lineage/places.hpp"
#include "daemon/lineage/plan.hpp"

#include <algorithm>

namespace certd {

namespace {

constexpr Duration catch_up = hours(1);
constexpr Duration unreachable_again = minutes(10);

Time next_look(const TargetState& state, Duration every, Time made_up_for) {
    Time last = std::max(state.verified_at.value_or(Time::min()), state.looked_at.value_or(Time::min()));
    Duration wait = state.problem ? std::min(every, unreachable_again) : every;
    return std::max(saturating_add(last, wait), made_up_for);
}

}  // namespace

std::vector<Watched> watched_places(const config::Lineage& spec, const config::Config& config,
                                    const LineageState& state, Time started) {
    std::vector<Watched> watched;
    const std::vector<Place> places = places_of(spec.targets, &config.targets);
    for (const TargetState& target : state.targets) {
        auto configured = config.targets.find(target.target);
        bool ours = std::ranges::find(places, target.place()) != places.end();
        bool deployed = target.state == HostState::deployed && state.live && target.version == state.live;
        if (!ours || !deployed || configured == config.targets.end()) continue;
        const config::Verify& verify = configured->second.verify;
        if (verify.addresses.empty()) continue;
        Duration spread = jitter_for("look/" + spec.name, state.live, std::min(verify.every, catch_up));
        watched.push_back({target.place(), next_look(target, verify.every, saturating_add(started, spread))});
    }
    return watched;
}

ServedChange record_look(TargetState& target, const Looked& looked, VersionNumber live, Time now) {
    target.looked_at = now;
    if (!looked.fingerprint.empty()) target.served_fingerprint = looked.fingerprint;
    if (looked.kind == Looked::Kind::serves) {
        target.verified_at = now;
        return std::exchange(target.problem, std::nullopt) ? ServedChange::back : ServedChange::none;
    }
    bool known = target.problem.has_value();
    target.problem = looked.problem;
    if (looked.kind == Looked::Kind::unreachable) return known ? ServedChange::none : ServedChange::unreachable;
    target.state = HostState::failed;
    target.version = {};
    target.wanted = live;
    target.failures = 0;
    target.next_attempt = now;
    return ServedChange::lost;
}

}  // namespace certd
