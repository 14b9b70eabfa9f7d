// The server: takes on connections as long as it runs, makes room when there are too many, and ends after its
// connections have ended.
#include "libacme/net/http_server.hpp"

#include "libacme/async/task_group.hpp"
#include "libacme/net/accept.hpp"
#include "libacme/net/address.hpp"
#include "libacme/net/http_connection.hpp"

#include <algorithm>
#include <list>

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

namespace certd {
namespace {

Peer peer_of(const Accepted& accepted) {
    Peer peer;
    peer.address = format_socket_address(accepted.address);
    if (accepted.address.ss_family != AF_UNIX) return peer;
    ucred credentials{};
    socklen_t size = sizeof credentials;
    if (::getsockopt(accepted.fd, SOL_SOCKET, SO_PEERCRED, &credentials, &size) != 0) return peer;
    peer.uid = credentials.uid;
    peer.gid = credentials.gid;
    peer.pid = credentials.pid;
    return peer;
}

int hex_digit(char c) {
    if (c >= '0' && c <= '9') return c - '0';
    if (c >= 'a' && c <= 'f') return c - 'a' + 10;
    if (c >= 'A' && c <= 'F') return c - 'A' + 10;
    return -1;
}

std::string percent_decoded(std::string_view text) {
    std::string decoded;
    for (std::size_t i = 0; i < text.size(); ++i) {
        const bool escape =
            text[i] == '%' && i + 2 < text.size() && hex_digit(text[i + 1]) >= 0 && hex_digit(text[i + 2]) >= 0;
        if (!escape) {
            decoded += text[i];
            continue;
        }
        decoded += static_cast<char>(hex_digit(text[i + 1]) * 16 + hex_digit(text[i + 2]));
        i += 2;
    }
    return decoded;
}

}  // namespace

std::optional<std::string> ServerRequest::parameter(std::string_view name) const {
    std::string_view rest = query;
    while (!rest.empty()) {
        const auto end = std::min(rest.find('&'), rest.size());
        const auto pair = rest.substr(0, end);
        const auto equals = std::min(pair.find('='), pair.size());
        if (percent_decoded(pair.substr(0, equals)) == name)
            return percent_decoded(pair.substr(std::min(equals + 1, pair.size())));
        rest.remove_prefix(std::min(end + 1, rest.size()));
    }
    return std::nullopt;
}

struct HttpServer::State {
    Clock& clock;
    Listener listener;
    HttpServerOptions options;
    RequestHandler handler;
    std::list<HttpConnection*> connections;

    void report(const Problem& problem) const {
        if (options.on_problem) options.on_problem(problem);
    }

    // Closes the connection that has been without a running handler the longest; false when every one is at work.
    bool make_room() {
        HttpConnection* oldest = nullptr;
        for (auto* connection : connections) {
            if (connection->is_idle() && (oldest == nullptr || connection->idle_since() < oldest->idle_since()))
                oldest = connection;
        }
        if (oldest != nullptr) oldest->hang_up();
        return oldest != nullptr;
    }

    Task<> serve(std::unique_ptr<HttpConnection> connection) {
        const auto place = connections.insert(connections.end(), connection.get());
        struct Leave {
            std::list<HttpConnection*>& connections;
            std::list<HttpConnection*>::iterator place;
            ~Leave() { connections.erase(place); }
        } leave{connections, place};
        co_await connection->serve();
    }

    void take_on(const Accepted& accepted, TaskGroup& tasks, const asio::any_io_executor& executor) {
        StreamSocket socket(executor);
        boost::system::error_code error;
        socket.assign(asio::generic::stream_protocol(accepted.address.ss_family, 0), accepted.fd, error);
        if (error) {
            ::close(accepted.fd);
            return report(problem("net.accept", "Cannot take on a connection (" + error.message() + ")"));
        }
        if (connections.size() >= options.connections && !make_room()) return;
        if (accepted.address.ss_family != AF_UNIX) {
            const int on = 1;
            ::setsockopt(accepted.fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
        }
        auto connection =
            std::make_unique<HttpConnection>(clock, options, handler, std::move(socket), peer_of(accepted));
        tasks.spawn("connection", serve(std::move(connection)));
    }
};

HttpServer::HttpServer(Clock& clock, Listener listener, HttpServerOptions options, RequestHandler handler)
    : state_(std::make_shared<State>(State{clock, std::move(listener), std::move(options), std::move(handler), {}})) {}

HttpServer::~HttpServer() = default;

Task<> HttpServer::run() {
    const auto state = state_;
    auto executor = co_await asio::this_coro::executor;
    TaskGroup tasks(executor,
                    [state](const std::string&, std::exception_ptr error) { state->report(problem_of(error)); });
    AcceptHooks hooks;
    hooks.take_on = [&](const Accepted& accepted) { state->take_on(accepted, tasks, executor); };
    hooks.make_room = [&] { state->make_room(); };
    hooks.report = [&](const Problem& problem) { state->report(problem); };
    co_await accept_connections(state->clock, state->listener.fd(), std::move(hooks), tasks);
}

std::size_t HttpServer::connections() const {
    return state_->connections.size();
}

std::uint16_t HttpServer::port() const {
    return state_->listener.port();
}

}  // namespace certd
