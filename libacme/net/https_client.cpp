// HttpsClient: which connection a request goes out on, what is kept for the next one, and when a request is sent again.
#include "libacme/net/https_client.hpp"

#include "libacme/async/timeout.hpp"
#include "libacme/net/https_exchange.hpp"
#include "libacme/net/tls_context.hpp"

#include <boost/asio/as_tuple.hpp>
#include <boost/beast/version.hpp>

#include <iterator>
#include <map>
#include <optional>
#include <utility>
#include <vector>

#include <fmt/format.h>

namespace certd {
namespace {

constexpr std::size_t proxy_head_limit = 8 * 1024;
constexpr Duration session_age_limit = hours(1);  // afterwards the certificate is looked at again

using ConnectionPointer = std::unique_ptr<HttpsConnection>;

struct Origin {
    std::vector<ConnectionPointer> idle;  // the most recently used at the back
    TlsSession session;
    Duration session_since{};
    std::size_t in_use = 0;  // sends that hold a reference to this
};

std::string own_user_agent() {
    return fmt::format("certd/{} Boost.Beast/{}", CERTD_VERSION, BOOST_BEAST_VERSION);
}

Task<> send_all(TcpSocket& socket, std::string_view data, const std::string& proxy) {
    while (!data.empty()) {
        const auto [error, bytes] =
            co_await socket.async_write_some(asio::buffer(data), asio::as_tuple(asio::use_awaitable));
        if (error == asio::error::operation_aborted) throw boost::system::system_error(error);
        if (error) fail("net.proxy", "Cannot send to the proxy " + proxy + " (" + error.message() + ")");
        data.remove_prefix(bytes);
    }
}

// Up to the empty line; the tunnel is silent until we speak, so that nothing of it can follow.
Task<std::string> read_head(TcpSocket& socket, const std::string& proxy) {
    std::string head;
    while (!head.ends_with("\r\n\r\n")) {
        if (head.size() >= proxy_head_limit) fail("net.proxy", "The answer of the proxy " + proxy + " is too large");
        const auto kept = head.size();
        head.resize(kept + 1024);
        const auto [error, bytes] = co_await socket.async_read_some(asio::buffer(head.data() + kept, 1024),
                                                                    asio::as_tuple(asio::use_awaitable));
        head.resize(kept + bytes);
        if (error == asio::error::operation_aborted) throw boost::system::system_error(error);
        if (error) fail("net.proxy", "The proxy " + proxy + " closed the connection (" + error.message() + ")");
    }
    co_return head;
}

Task<> open_tunnel(TcpSocket& socket, const Url& url, const std::string& proxy, const std::string& user_agent) {
    const auto authority = to_string(HostPort{url.host, url.port});
    co_await send_all(
        socket, fmt::format("CONNECT {0} HTTP/1.1\r\nHost: {0}\r\nUser-Agent: {1}\r\n\r\n", authority, user_agent),
        proxy);
    const auto answer = parse_proxy_answer(co_await read_head(socket, proxy), proxy);
    if (answer.status >= 200 && answer.status < 300) co_return;
    fail("net.proxy",
         fmt::format("The proxy {} refused to connect to {} with status {}", proxy, authority, answer.status),
         answer.reason);
}

}  // namespace

struct HttpsClient::State {
    State(Clock& clock_, HttpsClientOptions options_) : clock(clock_), options(std::move(options_)) {
        if (options.user_agent.empty()) options.user_agent = own_user_agent();
        if (options.proxy && options.proxy->scheme != "http") {
            fail("net.proxy", "The proxy " + options.proxy->text + " is not given as an http:// URL");
        }
        if (options.ca_bundle) context.emplace(verifying_context(load_ca_bundle(*options.ca_bundle)));
    }

    // The system's anchors wait for the first connection: an idle daemon has no use for them.
    asio::ssl::context& tls_context() {
        if (!context) context.emplace(verifying_context(system_trust()));
        return *context;
    }

    // A kept connection that is still open and silent, the warmest first.
    ConnectionPointer take_kept(Origin& origin) {
        while (!origin.idle.empty()) {
            auto connection = std::move(origin.idle.back());
            origin.idle.pop_back();
            if (connection->tls.is_quiet()) return connection;
            connection->tls.close();  // in good order, or OpenSSL would declare its session unfit for resumption
        }
        return nullptr;
    }

    void keep(Origin& origin, ConnectionPointer connection) {
        remember_session(origin, *connection);
        if (closed || options.idle_connections == 0) return connection->tls.close();
        if (origin.idle.size() >= options.idle_connections) {
            origin.idle.front()->tls.close();
            origin.idle.erase(origin.idle.begin());
        }
        connection->idle_since = clock.monotonic();
        connection->used = true;
        origin.idle.push_back(std::move(connection));
    }

    // A resumed session keeps the age of its first handshake, because that was the last look at the certificate.
    void remember_session(Origin& origin, const HttpsConnection& connection) {
        if (!connection.tls.session() || connection.tls.session() == origin.session) return;
        if (!connection.tls.resumed()) origin.session_since = clock.monotonic();
        origin.session = connection.tls.session();
    }

    void drop_stale() {
        const auto now = clock.monotonic();
        for (auto entry = origins.begin(); entry != origins.end();) {
            auto& origin = entry->second;
            std::erase_if(origin.idle, [&](const ConnectionPointer& connection) {
                const bool stale = now - connection->idle_since >= options.idle_timeout;
                if (stale) connection->tls.close();
                return stale;
            });
            if (now - origin.session_since >= session_age_limit) origin.session = nullptr;
            const bool wanted = !origin.idle.empty() || origin.session || origin.in_use > 0;
            entry = wanted ? std::next(entry) : origins.erase(entry);
        }
    }

    Task<ConnectionPointer> connect(Url url, const char*& phase);
    Task<ConnectionPointer> connect_in_time(Url url);
    Task<Exchange> exchange_in_time(HttpsConnection& connection, std::string_view octets, const HttpRequest& request);

    Clock& clock;
    HttpsClientOptions options;
    std::optional<asio::ssl::context> context;
    std::map<std::string, Origin> origins;
    Duration last_round_trip{};
    bool closed = false;
};

Task<ConnectionPointer> HttpsClient::State::connect(Url url, const char*& phase) {
    const auto& first_hop = options.proxy ? *options.proxy : url;
    phase = "resolving or connecting";
    auto socket = co_await connect_to(clock, HostPort{first_hop.host, first_hop.port});
    if (options.proxy) {
        phase = "waiting for the proxy";
        co_await open_tunnel(*socket, url, first_hop.origin(), options.user_agent);
    }
    phase = "in the TLS handshake";
    auto connection =
        std::make_unique<HttpsConnection>(std::move(socket), tls_context(), to_string(HostPort{url.host, url.port}));
    connection->tls.set_server_name(url.host);
    connection->tls.require_host(url.host, clock.now());
    connection->tls.resume(origins[url.origin()].session);
    co_await connection->tls.handshake();
    co_return connection;
}

Task<ConnectionPointer> HttpsClient::State::connect_in_time(Url url) {
    const char* phase = "";
    try {
        co_return co_await with_timeout(clock, options.connect_timeout, "net.timeout", "", connect(url, phase));
    } catch (const Failure& failure) {
        if (failure.problem().kind == ProblemKind::tls) origins[url.origin()].session = nullptr;
        if (failure.problem().code != "net.timeout") throw;
        fail("net.timeout", fmt::format("Cannot connect to {} within {}: still {}", url.origin(),
                                        format_duration(options.connect_timeout), phase));
    }
}

Task<Exchange> HttpsClient::State::exchange_in_time(HttpsConnection& connection, std::string_view octets,
                                                    const HttpRequest& request) {
    const auto started = clock.monotonic();
    const auto what = request.method + " " + request.url.text;
    const ExchangeLimits limits{options.header_limit, options.body_limit};
    auto result = co_await with_timeout(
        clock, options.request_timeout, "net.timeout",
        fmt::format("No complete answer to {} within {}", what, format_duration(options.request_timeout)),
        exchange(connection, octets, request.method == "HEAD", limits, what));
    if (connection.used && result.fate == Exchange::Fate::complete) last_round_trip = clock.monotonic() - started;
    co_return result;
}

HttpsClient::HttpsClient(Clock& clock, HttpsClientOptions options)
    : state_(std::make_unique<State>(clock, std::move(options))) {}

HttpsClient::~HttpsClient() {
    close();
}

Task<HttpResponse> HttpsClient::send(HttpRequest request) {
    auto& state = *state_;
    if (request.url.scheme != "https") fail("net.notHttps", "Refused to send a request without TLS", request.url.text);
    if (state.closed) fail("net.closed", "The client of " + request.url.origin() + " has been closed");
    state.drop_stale();
    auto& origin = state.origins[request.url.origin()];
    struct InUse {
        std::size_t& count;
        explicit InUse(std::size_t& counter) : count(++counter) {}
        ~InUse() { --count; }
    } in_use(origin.in_use);

    const auto octets = serialize(request, state.options.user_agent);
    auto connection = state.take_kept(origin);
    for (;;) {
        const bool kept = connection != nullptr;
        if (!kept) connection = co_await state.connect_in_time(request.url);
        auto result = co_await state.exchange_in_time(*connection, octets, request);
        if (result.fate == Exchange::Fate::complete) {
            if (result.reusable) {
                state.keep(origin, std::move(connection));
            } else {
                state.remember_session(origin, *connection);
                connection->tls.close();
            }
            co_return std::move(result.response);
        }
        // Only on a kept connection, which the server may have closed just now, and only what it cannot have acted
        // upon.
        const bool harmless = result.fate == Exchange::Fate::not_sent || request.body.empty();
        if (!kept || !harmless) {
            fail("net.closed",
                 fmt::format("The connection ended before an answer to {} {}", request.method, request.url.text));
        }
        connection = nullptr;
    }
}

void HttpsClient::drop_stale() {
    state_->drop_stale();
}

void HttpsClient::close() {
    state_->closed = true;
    for (auto& [name, origin] : state_->origins) {
        for (auto& connection : origin.idle)
            connection->tls.close();
        origin.idle.clear();
    }
}

Duration HttpsClient::last_round_trip() const {
    return state_->last_round_trip;
}

}  // namespace certd
