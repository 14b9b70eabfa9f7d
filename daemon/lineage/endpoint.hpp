// Endpoints in somebody else's hands: targets that have nothing but `verify`. When each address is looked at, what is
// thought of what it shows, and what is told of it. They hold up nothing. Pure.
#pragma once

#include "config/model.hpp"
#include "daemon/lineage/lineage.hpp"
#include "daemon/lineage/places.hpp"

#include <optional>
#include <string>
#include <vector>

namespace certd {

// How an address is called in state and messages: "cdn.example.com:443", "mx.example.com:25 (smtp)".
std::string text(const config::VerifyAddress& address);
// "cdn at cdn.example.com:443"
std::string text(const EndpointState& endpoint);

// What one address showed to one name.
struct EndpointSight {
    std::string server_name;         // asked for; empty: none was
    std::optional<Problem> silence;  // why there is nothing to see; the rest is empty then
    std::string fingerprint, subject, issuer;
    Time not_before, not_after;
    bool is_for_name = true;
    VersionNumber version;    // of the lineage; 0: none of those that are kept
    std::string chain_fault;  // why clients do not accept the chain that was shown; empty: they do
};

// What a sight is held against.
struct EndpointMeasure {
    VersionNumber live, newest;
    bool newest_rejected = false;
    config::Accept accept = config::Accept::ours;
    bool in_grace = false;
    Time now;
};

// From when on a certificate is near its end: 1/6 of its lifetime before, two weeks at most.
Time near_end_of(Time not_before, Time not_after);

Verdict judge(const EndpointSight& sight, const EndpointMeasure& measure);
bool is_in_order(Verdict verdict);  // live, trusted, awaited

// The addresses of a lineage's watched targets that are configured, each with what is known of it and the time of the
// next look. `started`: what was missed while certd did not run is made up for within an hour from then.
struct WatchedEndpoint {
    TargetName target;
    config::VerifyAddress address;
    Time at;
};
std::vector<WatchedEndpoint> watched_endpoints(const config::Lineage& spec, const config::Config& config,
                                               const LineageState& state, Time started);

enum class EndpointChange {
    none,
    trouble,  // it is out of order, or in another way than before
    settled   // it is in order again
};
// Records what an address showed to each name it was asked with, at least one, and goes by the worst. `live` is in use;
// the rest is the configuration's.
EndpointChange record_sights(EndpointState& endpoint, const std::vector<EndpointSight>& sights,
                             const VersionFacts& live, const LineageState& state, const config::Verify& verify,
                             Time now);
// Forgets the state of endpoints that are not watched any more; whether there was any.
bool forget_others(LineageState& state, const std::vector<WatchedEndpoint>& watched);

// Until when an endpoint may go on with what it serves; nullopt: it has no such time.
std::optional<Time> grace_until(const EndpointState& endpoint, const config::Verify& verify);

// The state of each watched endpoint, in the order of the configuration; of those not looked at yet, nothing but name
// and address. `targets` null: none is known.
std::vector<EndpointState> endpoints_in(const config::Lineage& spec, const Targets* targets, const LineageState& state);
// The one that is in the greatest trouble; nullopt: none is.
std::optional<EndpointState> worst_endpoint(const config::Lineage& spec, const Targets* targets,
                                            const LineageState& state);

}  // namespace certd
