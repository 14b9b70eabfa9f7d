// Is the certificate really served? New TLS connections to every address with every name, until each has shown the leaf
// that is expected there or the time is over (DESIGN §7).
#pragma once

#include "config/model.hpp"
#include "daemon/deploy/host.hpp"
#include "daemon/lineage/lineage.hpp"
#include "libacme/async/clock.hpp"

#include <optional>
#include <string>
#include <vector>

namespace certd {

struct Endpoint {
    std::string address, server_name;  // server_name empty: no SNI
    StartTls start = StartTls::none;
    ServerKey key = ServerKey::any;  // the kind of certificate asked for
    bool operator==(const Endpoint&) const = default;
};

// Every address with every name: the configured ones, else the DNS names of the certificate, a wildcard as a name below
// it.
std::vector<Endpoint> endpoints_of(const config::Verify& verify, const std::vector<Identifier>& names);

struct Expected {
    Endpoint endpoint;
    std::string fingerprint;  // SHA-256 of the leaf
};

// Which certificates of a version a target must serve at every endpoint: those it installs, all when it reads `live`.
// Of several each is asked for on connections of its own, by its kind of key; where a version has one only, what a
// server shows to everybody counts.
std::vector<Expected> expected_of(const config::Target& target, const VersionFacts& facts);

struct VerifyRequest {
    std::vector<Expected> expected;
    std::string object;  // for messages: "version 4"
    Duration timeout = seconds(30), interval = milliseconds(500);
};

struct Verification {
    std::optional<Problem> problem;  // tls.notServed, of the first endpoint that does not serve what it should
    std::string served;              // fingerprint seen there, or what was expected; empty: nothing was served
};

Task<Verification> verify_served(Clock& clock, Host& host, VerifyRequest request);

// What each endpoint serves now; those that serve nothing, or are not reached within `limit` for all, are left out.
Task<std::vector<Expected>> look_at(Clock& clock, Host& host, std::vector<Endpoint> endpoints, Duration limit);

}  // namespace certd
