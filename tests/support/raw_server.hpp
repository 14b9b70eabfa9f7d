// A server on loopback that plays a script of octets, pauses and closes to each connection, over TLS or bare TCP. It
// runs on threads of its own with blocking sockets, so that it shares nothing with the code under test.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <variant>
#include <vector>

namespace certd::test {

namespace raw {
struct Receive {};  // a request: head and Content-Length body; noted in requests()
struct Expect {
    std::string octets;
};  // reads as many; anything else ends the script
struct Send {
    std::string octets;
};  // TLS or plain, as the connection is
struct Drip {
    std::string octets;
    std::chrono::milliseconds pause;
};  // one octet at a time, for ever from the start again
struct Pause {
    std::chrono::milliseconds duration;
};
struct Hold {};      // says nothing until the client closes
struct Close {};     // close_notify, FIN; the default after the last step
struct Reset {};     // RST, without close_notify
struct StartTls {};  // from here on TLS, for servers that begin in the clear
struct Relay {
    std::uint16_t port;
};  // copies octets to and from 127.0.0.1:port until either side ends
}  // namespace raw
using RawStep = std::variant<raw::Receive, raw::Expect, raw::Send, raw::Drip, raw::Pause, raw::Hold, raw::Close,
                             raw::Reset, raw::StartTls, raw::Relay>;
using RawScript = std::vector<RawStep>;

// What a TLS server shows.
struct TlsIdentity {
    std::string chain_pem;
    std::string key_pem;
};

struct RawServerOptions {
    std::optional<TlsIdentity> identity;                       // unset: bare TCP
    bool clear_at_first = false;                               // until raw::StartTls
    std::vector<std::pair<std::string, TlsIdentity>> by_name;  // further identities, chosen by SNI
    std::optional<TlsIdentity> second;                         // with a key of another kind, chosen by the offer
    std::string alpn;                                          // answered whatever the client offers; empty: none
    int greatest_version = 0;                                  // TLS1_2_VERSION …; 0: no limit
    int security_level = -1;
};

class RawServer {
   public:
    // `script` is asked for each connection, counted from 0.
    RawServer(RawServerOptions options, std::function<RawScript(std::size_t connection)> script);
    RawServer(RawServerOptions options, RawScript script_of_every_connection);
    ~RawServer();  // ends every connection and joins the threads

    std::uint16_t port() const;
    std::string url(const std::string& target, const std::string& host = "127.0.0.1") const;  // https://…
    std::size_t connections() const;                                                          // accepted so far
    std::size_t resumptions() const;                                                          // TLS sessions resumed
    std::vector<std::string> requests() const;      // heads and bodies as received
    std::vector<std::string> server_names() const;  // SNI of each handshake, "" for none

    struct State;

   private:
    std::unique_ptr<State> state_;
};

// A complete answer with Content-Length.
std::string http_answer(int status, const std::string& body, const std::string& extra_headers = {});

}  // namespace certd::test
