// The HTTPS client: keep-alive connections with verified TLS, optional CONNECT proxy, deadlines and size caps on
// everything.
#pragma once

#include "libacme/async/clock.hpp"
#include "libacme/net/transport.hpp"

#include <memory>
#include <optional>
#include <string>

namespace certd {

struct HttpsClientOptions {
    std::optional<std::string> ca_bundle;  // PEM file; unset: the system's store, set up once per process on first use
    std::optional<Url> proxy;              // http://host:port, used through CONNECT
    std::string user_agent;                // empty: "certd/0.1 Boost.Beast/…"
    Duration connect_timeout = seconds(15);  // resolve, connect, proxy and TLS handshake together, all addresses
    Duration request_timeout = seconds(60);  // one exchange in whole, whatever the pace (slow drip included)
    std::size_t header_limit = 64 * 1024;
    std::size_t body_limit = 1024 * 1024;
    std::size_t idle_connections = 4;  // kept per origin
    Duration idle_timeout = seconds(50);
};

// Owns its connections; call close() before the event loop ends. Problems: net.resolve, net.connect, net.timeout,
// net.proxy, net.closed, net.tooLarge, net.malformed, net.notHttps; tls.untrusted, tls.wrongName, tls.expired,
// tls.handshake, tls.caBundle. A kept connection found closed before the first byte of the answer is replaced once only
// for requests without a body.
class HttpsClient final : public Transport {
   public:
    HttpsClient(Clock& clock, HttpsClientOptions options);  // throws Failure(tls.caBundle) when the bundle is unusable
    ~HttpsClient() override;
    Task<HttpResponse> send(HttpRequest request) override;
    // Closes the kept connections and ends the life of the client: later sends fail with net.closed.
    void close();
    // Closes kept connections that are past their idle time. Each send does so too; this is for the time between.
    void drop_stale();

    // Round trip of the last exchange on a kept connection; used to pace polling.
    Duration last_round_trip() const;

   private:
    struct State;
    std::unique_ptr<State> state_;
};

}  // namespace certd
