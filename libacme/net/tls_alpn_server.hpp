// A TLS server that completes the handshakes of one application protocol for the names it knows, refuses all others,
// and closes: the server side of tls-alpn-01 (RFC 8737 §3). Bounded in connections and time (faults S9, F26).
#pragma once

#include "libacme/async/clock.hpp"
#include "libacme/crypto/certificate.hpp"
#include "libacme/net/listener.hpp"

#include <functional>
#include <memory>
#include <string>

namespace certd {

// A certificate with its key, ready for handshakes.
struct ServerIdentity;
std::shared_ptr<const ServerIdentity> make_server_identity(const Certificate& certificate, const PrivateKey& key);

struct TlsAlpnServerOptions {
    std::string protocol = "acme-tls/1";             // must be the only one a client offers
    std::size_t connections = 256;                   // beyond it the oldest is closed
    Duration deadline = seconds(10);                 // from the connection to the end of its handshake
    std::function<void(const Problem&)> on_problem;  // of accepting; may be empty
};

class TlsAlpnServer {
   public:
    // What is served for a name of the SNI extension, in lower case; null refuses the handshake.
    using Choose = std::function<std::shared_ptr<const ServerIdentity>(const std::string& server_name)>;
    // Hears of each handshake that was completed.
    using Answered = std::function<void(const std::string& server_name)>;

    TlsAlpnServer(Clock& clock, Listener listener, TlsAlpnServerOptions options, Choose choose, Answered answered);
    ~TlsAlpnServer();
    Task<> run();  // accepts until cancelled; ends after its connections have ended
    std::size_t connections() const;
    std::uint16_t port() const;

   private:
    struct State;
    std::shared_ptr<State> state_;
};

}  // namespace certd
