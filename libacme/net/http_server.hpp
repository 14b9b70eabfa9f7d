// The one HTTP/1.1 server class: challenge answers and metrics over TCP, control over a Unix socket.
// Bounded in connections, header size, body size and time; survives slow and hostile clients (faults F25, S9).
#pragma once

#include "libacme/async/clock.hpp"
#include "libacme/net/http.hpp"
#include "libacme/net/listener.hpp"

#include <functional>
#include <memory>
#include <optional>
#include <string>

#include <sys/types.h>

namespace certd {

struct Peer {
    std::string address;       // "127.0.0.1:4711", or "unix"
    std::optional<uid_t> uid;  // of a Unix socket's peer (SO_PEERCRED)
    std::optional<gid_t> gid;
    std::optional<pid_t> pid;
};

struct ServerRequest {
    std::string method;  // HEAD arrives as GET; its answer is sent without the body
    std::string path;    // percent-decoding is not applied; always starts with "/"
    std::string query;   // without "?"
    HttpHeaders headers;
    std::string body;
    Peer peer;
    // The value of a query parameter, percent-decoded.
    std::optional<std::string> parameter(std::string_view name) const;
};

// How a handler answers: either send() once, or start(), any number of write(), and finish() (chunked). A handler is
// cancelled when its client goes away; work that must go on belongs into a task group of its owner.
class Responder {
   public:
    virtual ~Responder() = default;
    virtual Task<> send(int status, std::string content_type, std::string body, HttpHeaders extra = {}) = 0;
    virtual Task<> start(int status, std::string content_type) = 0;
    virtual Task<> write(std::string chunk) = 0;  // throws when the client has gone; each write has a time limit
    virtual Task<> finish() = 0;
};

using RequestHandler = std::function<Task<>(ServerRequest request, Responder& responder)>;

struct HttpServerOptions {
    std::size_t connections = 256;  // beyond it the oldest without a running handler is closed, else the new one
    std::size_t header_limit = 8 * 1024;
    std::size_t body_limit = 64 * 1024;
    Duration header_timeout = seconds(10);  // for a whole request head and body
    Duration idle_timeout = seconds(30);    // between requests
    Duration write_timeout = seconds(30);
    bool keep_alive = true;
    // Hears of a handler that threw (its client got a bare 500) and of an accept that failed; may be empty.
    std::function<void(const Problem&)> on_problem;
};

class HttpServer {
   public:
    HttpServer(Clock& clock, Listener listener, HttpServerOptions options, RequestHandler handler);
    ~HttpServer();
    Task<> run();  // accepts until cancelled; survives EMFILE; ends after its connections have ended
    std::size_t connections() const;
    std::uint16_t port() const;

   private:
    struct State;
    std::shared_ptr<State> state_;
};

}  // namespace certd
