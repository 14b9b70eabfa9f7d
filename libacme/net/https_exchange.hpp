// One HTTP exchange on an established TLS connection: the request's octets, and the answer read within its limits.
#pragma once

#include "libacme/net/http.hpp"
#include "libacme/net/tls_stream.hpp"

#include <cstddef>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

namespace certd {

// A connection to one origin, kept between exchanges.
struct HttpsConnection {
    HttpsConnection(std::unique_ptr<TcpSocket> socket, asio::ssl::context& context, const std::string& name)
        : tls(std::move(socket), context, name) {}
    TlsStream tls;
    std::string input;      // octets read and not yet parsed, reused from answer to answer
    Duration idle_since{};  // monotonic
    bool used = false;      // has carried an exchange before
};

struct ExchangeLimits {
    std::size_t header = 0;
    std::size_t body = 0;
};

struct Exchange {
    enum class Fate {
        complete,
        not_sent,   // the request did not go out in whole: the server cannot have acted on it
        no_answer,  // it went out, and the connection ended before the first octet of an answer
    };
    Fate fate = Fate::complete;
    HttpResponse response;
    bool reusable = false;  // the connection can carry another exchange
};

// How the next octets of an answer come.
using ReadSome = std::function<Task<IoResult>(asio::mutable_buffer)>;

// Reads one answer, interim ones included; `input` keeps what came behind it. Fate complete or no_answer. Throws as
// exchange() does, and refuses an encoded body. `what` names the request in messages. No time limit of its own.
Task<Exchange> read_answer(ReadSome read, std::string& input, bool head, ExchangeLimits limits, std::string what);

// Request line, headers and body in one piece. Throws Failure(net.malformed) for what would break the framing.
std::string serialize(const HttpRequest& request, const std::string& user_agent);

// Throws Failure(net.closed | net.tooLarge | net.malformed) when an answer began and is not usable. `what` names the
// request in messages ("POST https://…"). No time limit of its own.
Task<Exchange> exchange(HttpsConnection& connection, std::string_view octets, bool head, ExchangeLimits limits,
                        std::string what);

// A proxy's whole answer to CONNECT, up to the empty line. Throws Failure(net.proxy) when it is not HTTP.
struct ProxyAnswer {
    int status = 0;
    std::string reason;
};
ProxyAnswer parse_proxy_answer(std::string_view head, const std::string& proxy);

}  // namespace certd
