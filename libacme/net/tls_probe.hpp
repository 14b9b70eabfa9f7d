// What does an endpoint serve? A fresh TLS connection that reads the certificate chain and judges nothing.
#pragma once

#include "libacme/async/clock.hpp"
#include "libacme/base/start_tls.hpp"
#include "libacme/crypto/certificate.hpp"

#include <string>
#include <string_view>

namespace certd {

// Which kind of key the certificate shown must have, for servers that hold one of each.
enum class ServerKey { any, ecdsa, rsa };
std::string_view to_string(ServerKey key);  // "ECDSA"

struct ProbeRequest {
    std::string address;      // "127.0.0.1:443", "[::1]:443", "web1.internal:443"
    std::string server_name;  // SNI; empty or an IP literal: none is sent
    Duration timeout = seconds(5);
    std::string protocol;             // offered by ALPN as the only one, and to be chosen; empty: no ALPN
    StartTls start = StartTls::none;  // how TLS is asked for
    ServerKey key = ServerKey::any;
};

struct Served {
    Chain chain;              // as sent, leaf first
    std::string fingerprint;  // SHA-256 of the leaf
};

// Throws Failure(net.resolve | net.connect | net.timeout | tls.startTls | tls.handshake | tls.noCertificate).
Task<Served> probe_tls(Clock& clock, ProbeRequest request);

}  // namespace certd
