// Judgement of watched endpoints and the times of their looks.
#include "daemon/lineage/endpoint.hpp"

#include "daemon/lineage/plan.hpp"
#include "libacme/base/text.hpp"

#include <algorithm>

#include <fmt/format.h>

namespace certd {

namespace {

constexpr Duration catch_up = hours(1);
constexpr Duration silent_again = minutes(10);
constexpr Duration unsettled_again = hours(1);
constexpr Duration near_end_limit = days(14);
constexpr std::size_t kept_name = 256;  // octets of a subject or issuer

std::string date(Time time) {
    return format_rfc3339(std::chrono::floor<seconds>(time));
}

bool is_at(const EndpointState& endpoint, const TargetName& target, const config::VerifyAddress& address) {
    return endpoint.target == target && endpoint.address == text(address);
}

EndpointState state_of(const LineageState& state, const TargetName& target, const config::VerifyAddress& address) {
    for (const EndpointState& known : state.endpoints) {
        if (is_at(known, target, address)) return known;
    }
    EndpointState unseen;
    unseen.target = target;
    unseen.address = text(address);
    return unseen;
}

// For every address of the lineage's watched targets.
template <class Visit>
void for_each_watched(const config::Lineage& spec, const Targets& targets, Visit visit) {
    for (const TargetName& name : spec.targets) {
        auto target = targets.find(name);
        if (target == targets.end() || !target->second.is_watched()) continue;
        for (const config::VerifyAddress& address : target->second.verify.addresses)
            visit(target->second, address);
    }
}

Duration wait_after(const EndpointState& endpoint, const config::Verify& verify, const std::string& lineage) {
    if (endpoint.verdict == Verdict::silent) return std::min(verify.every, silent_again);
    if (endpoint.problem || endpoint.verdict == Verdict::awaited) return std::min(verify.every, unsettled_again);
    return verify.every + jitter_for(lineage + "/" + text(endpoint), endpoint.wanted, verify.every / 10);
}

// What was never met with this version is looked at without delay.
Time next_look(const EndpointState& endpoint, VersionNumber live, const config::Verify& verify,
               const std::string& lineage, Time started) {
    if (!endpoint.looked_at || endpoint.wanted != live) return started;
    const Duration spread = jitter_for("watch/" + lineage, live, std::min(verify.every, catch_up));
    const Time made_up_for = saturating_add(started, spread);
    Time at = saturating_add(*endpoint.looked_at, wait_after(endpoint, verify, lineage));
    // These moments change the verdict by themselves.
    if (endpoint.verdict == Verdict::awaited) at = std::min(at, grace_until(endpoint, verify).value_or(at));
    if (!endpoint.problem && endpoint.near_end_at > endpoint.looked_at) at = std::min(at, *endpoint.near_end_at);
    return std::max(at, made_up_for);
}

// The time to take over a version begins when the version is met first. One that is out of order has had its time: it
// would be forgiven with every renewal.
void expect(EndpointState& endpoint, const VersionFacts& live, Time now) {
    if (endpoint.wanted == live.number) return;
    const bool known = static_cast<bool>(endpoint.wanted);
    const bool in_disorder = endpoint.problem && endpoint.verdict != Verdict::silent;
    endpoint.wanted = live.number;
    endpoint.awaited_since.reset();
    if (!in_disorder) endpoint.awaited_since = known ? now : live.issued_at;
}

std::string place_of(const EndpointState& endpoint, const EndpointSight& sight) {
    std::string place = text(endpoint);
    if (!sight.server_name.empty()) place += " for " + sight.server_name;
    return place;
}

std::string clipped(const std::string& text) {
    return escape_untrusted(text, kept_name);
}

// What is wrong, and where; what was seen follows it.
Problem blame(Verdict verdict, const std::string& place, const EndpointSight& sight, VersionNumber live) {
    const std::string own = sight.version ? fmt::format("version {}", sight.version.value) : "a certificate";
    switch (verdict) {
        case Verdict::silent:
            return problem("endpoint.silent", fmt::format("{} shows no certificate: {}", place, sight.silence->what),
                           sight.silence->remote);
        case Verdict::expired:
            return problem("endpoint.expired", fmt::format("{} serves {} that has expired", place, own));
        case Verdict::expiring:
            return problem("endpoint.expiring", fmt::format("{} serves {} that is near its end", place, own));
        case Verdict::wrong_name:
            return problem("endpoint.wrongName", fmt::format("{} serves {} that is not for this name", place, own));
        case Verdict::broken_chain:
            return problem("endpoint.brokenChain",
                           fmt::format("{} serves {} with a chain that leads clients to no root", place, own),
                           sight.chain_fault);
        case Verdict::untrusted:
            return problem("endpoint.untrusted",
                           fmt::format("{} serves a certificate that clients do not trust", place), sight.chain_fault);
        case Verdict::old:
            return problem("endpoint.old", fmt::format("{} still serves version {} while version {} is live", place,
                                                       sight.version.value, live.value));
        default:
            return problem("endpoint.foreign",
                           fmt::format("{} serves a certificate that is none of this lineage's, while version {} is "
                                       "live",
                                       place, live.value));
    }
}

Problem problem_of(Verdict verdict, const EndpointState& endpoint, const EndpointSight& sight, VersionNumber live) {
    Problem found = blame(verdict, place_of(endpoint, sight), sight, live);
    if (sight.silence) return found;
    found.what += fmt::format(" (valid until {}, SHA-256 {})", date(sight.not_after), sight.fingerprint);
    const std::string seen = fmt::format("subject {}, issuer {}", clipped(sight.subject), clipped(sight.issuer));
    found.remote = found.remote.empty() ? seen : found.remote + "; " + seen;
    return found;
}

void note_sight(EndpointState& endpoint, const EndpointSight& sight) {
    if (sight.silence) return;  // what was seen before is still the last that is known
    endpoint.version = sight.version;
    endpoint.served_fingerprint = sight.fingerprint;
    endpoint.served_subject = clipped(sight.subject);
    endpoint.served_issuer = clipped(sight.issuer);
    endpoint.served_not_after = sight.not_after;
    endpoint.near_end_at = near_end_of(sight.not_before, sight.not_after);
}

}  // namespace

std::string text(const config::VerifyAddress& address) {
    if (address.start == StartTls::none) return address.address;
    return fmt::format("{} ({})", address.address, start_tls_name(address.start));
}

std::string text(const EndpointState& endpoint) {
    return fmt::format("{} at {}", endpoint.target.text, endpoint.address);
}

Time near_end_of(Time not_before, Time not_after) {
    const Duration lifetime = std::max<Duration>(not_after - not_before, Duration::zero());
    return not_after - std::min<Duration>(lifetime / 6, near_end_limit);
}

// What will stop serving clients soon goes before what serves them in spite of being the wrong one.
Verdict judge(const EndpointSight& sight, const EndpointMeasure& measure) {
    if (sight.silence) return Verdict::silent;
    if (sight.not_after <= measure.now) return Verdict::expired;
    if (near_end_of(sight.not_before, sight.not_after) <= measure.now) return Verdict::expiring;
    const bool is_newest = sight.version == measure.newest && !measure.newest_rejected;
    const bool is_wanted = sight.version && (sight.version == measure.live || is_newest);
    if (measure.in_grace && !is_wanted) return Verdict::awaited;
    if (!sight.is_for_name) return Verdict::wrong_name;
    if (is_wanted) return sight.chain_fault.empty() ? Verdict::live : Verdict::broken_chain;
    if (measure.accept == config::Accept::ours) return sight.version ? Verdict::old : Verdict::foreign;
    if (sight.chain_fault.empty()) return Verdict::trusted;
    return sight.version ? Verdict::broken_chain : Verdict::untrusted;
}

bool is_in_order(Verdict verdict) {
    return verdict == Verdict::live || verdict == Verdict::trusted || verdict == Verdict::awaited;
}

std::vector<WatchedEndpoint> watched_endpoints(const config::Lineage& spec, const config::Config& config,
                                               const LineageState& state, Time started) {
    std::vector<WatchedEndpoint> watched;
    if (!state.live) return watched;
    for_each_watched(spec, config.targets, [&](const config::Target& target, const config::VerifyAddress& address) {
        const EndpointState known = state_of(state, target.name, address);
        watched.push_back({target.name, address, next_look(known, state.live, target.verify, spec.name, started)});
    });
    return watched;
}

EndpointChange record_sights(EndpointState& endpoint, const std::vector<EndpointSight>& sights,
                             const VersionFacts& live, const LineageState& state, const config::Verify& verify,
                             Time now) {
    expect(endpoint, live, now);
    const std::optional<Time> grace = grace_until(endpoint, verify);
    const bool rejected = std::ranges::find(state.rejected, state.newest) != state.rejected.end();
    const EndpointMeasure measure{live.number, state.newest, rejected, verify.accept, grace && now < *grace, now};
    const auto worst =
        std::ranges::max_element(sights, {}, [&](const EndpointSight& sight) { return judge(sight, measure); });
    const std::string before = endpoint.problem ? endpoint.problem->code : "";
    endpoint.verdict = judge(*worst, measure);
    endpoint.looked_at = now;
    note_sight(endpoint, *worst);
    if (is_in_order(endpoint.verdict)) {
        endpoint.problem.reset();
        if (endpoint.verdict != Verdict::awaited) endpoint.verified_at = now;
        return before.empty() ? EndpointChange::none : EndpointChange::settled;
    }
    endpoint.problem = problem_of(endpoint.verdict, endpoint, *worst, live.number);
    return endpoint.problem->code == before ? EndpointChange::none : EndpointChange::trouble;
}

bool forget_others(LineageState& state, const std::vector<WatchedEndpoint>& watched) {
    return std::erase_if(state.endpoints, [&](const EndpointState& endpoint) {
               return std::ranges::none_of(
                   watched, [&](const WatchedEndpoint& one) { return is_at(endpoint, one.target, one.address); });
           }) > 0;
}

std::optional<Time> grace_until(const EndpointState& endpoint, const config::Verify& verify) {
    if (!endpoint.awaited_since) return std::nullopt;
    return saturating_add(*endpoint.awaited_since, verify.grace);
}

std::vector<EndpointState> endpoints_in(const config::Lineage& spec, const Targets* targets,
                                        const LineageState& state) {
    std::vector<EndpointState> all;
    if (targets == nullptr) return all;
    for_each_watched(spec, *targets, [&](const config::Target& target, const config::VerifyAddress& address) {
        all.push_back(state_of(state, target.name, address));
    });
    return all;
}

std::optional<EndpointState> worst_endpoint(const config::Lineage& spec, const Targets* targets,
                                            const LineageState& state) {
    std::optional<EndpointState> worst;
    if (state.endpoints.empty()) return worst;
    for (EndpointState& endpoint : endpoints_in(spec, targets, state)) {
        if (endpoint.problem && (!worst || endpoint.verdict > worst->verdict)) worst = std::move(endpoint);
    }
    return worst;
}

}  // namespace certd
