// The life of one connection: receive, answer, repeat.
#include "libacme/net/http_connection.hpp"

#include "libacme/async/task_group.hpp"
#include "libacme/async/timeout.hpp"
#include "libacme/base/json.hpp"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/buffer.hpp>

#include <algorithm>
#include <cerrno>

#include <fmt/format.h>
#include <poll.h>
#include <sys/socket.h>

namespace certd {
namespace {

constexpr auto as_tuple = asio::as_tuple(asio::use_awaitable);
constexpr std::size_t read_size = 4 * 1024;
constexpr Duration linger_limit = seconds(1);
constexpr std::size_t linger_octets = 256 * 1024;

enum class ClientState { silent, talking, half_closed, gone };

// Of a socket that has become readable while its handler runs. A Unix client that only finished sending still listens;
// over TCP the two cannot be told apart, and a client that closes is by far the likelier.
ClientState inspect_client(int fd, bool local) {
    char octet = 0;
    const auto received = ::recv(fd, &octet, 1, MSG_PEEK | MSG_DONTWAIT);
    if (received > 0) return ClientState::talking;
    if (received < 0)
        return errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR ? ClientState::silent : ClientState::gone;
    pollfd state{fd, 0, 0};
    ::poll(&state, 1, 0);
    return local && (state.revents & (POLLHUP | POLLERR)) == 0 ? ClientState::half_closed : ClientState::gone;
}

}  // namespace

HttpConnection::HttpConnection(Clock& clock, const HttpServerOptions& options, const RequestHandler& handler,
                               StreamSocket socket, Peer peer)
    : clock_(clock),
      options_(options),
      handler_(handler),
      socket_(std::move(socket)),
      peer_(std::move(peer)),
      parser_(options.header_limit, options.body_limit),
      idle_since_(clock.monotonic()) {}

void HttpConnection::hang_up() {
    hung_up_ = true;
    ::shutdown(socket_.native_handle(), SHUT_RDWR);
}

Task<> HttpConnection::serve() {
    try {
        while (keep_alive_ && co_await receive()) {
            first_ = false;
            co_await answer();
        }
    } catch (const Failure&) {
        // The client does not read or has gone: there is nobody to tell.
    }
}

// A whole request is in the parser, or false: closed, too late, or refused.
Task<bool> HttpConnection::receive() {
    idle_since_ = clock_.monotonic();
    state_ = parser_.consume(input_);
    if (state_ == RequestParser::State::more && !parser_.begun()) {
        if (co_await wait_for_data(first_ ? options_.header_timeout : options_.idle_timeout) != Arrival::data)
            co_return false;
        state_ = parser_.consume(input_);
    }
    if (state_ == RequestParser::State::more) {
        bool late = false;
        try {
            const auto limit = options_.header_timeout;
            if (!co_await with_timeout(clock_, limit, "net.timeout", "Request incomplete", read_request()))
                co_return false;
        } catch (const Failure& failure) {
            if (failure.problem().code != "net.timeout") throw;
            late = true;
        }
        if (late) {
            co_await refuse(408);
            co_return false;
        }
    }
    if (state_ == RequestParser::State::refused) {
        co_await refuse(parser_.status());
        co_return false;
    }
    co_return true;
}

Task<HttpConnection::Arrival> HttpConnection::wait_for_data(Duration limit) {
    try {
        const bool arrived = co_await with_timeout(clock_, limit, "net.timeout", "No request", read_some());
        co_return arrived ? Arrival::data : Arrival::closed;
    } catch (const Failure&) {
        co_return Arrival::late;
    }
}

// False at the end of the connection.
Task<bool> HttpConnection::read_some() {
    const auto kept = input_.size();
    input_.resize(kept + read_size);
    const auto [error, bytes] =
        co_await socket_.async_read_some(asio::buffer(input_.data() + kept, read_size), as_tuple);
    input_.resize(kept + bytes);
    if (error == asio::error::operation_aborted) throw boost::system::system_error(error);
    co_return bytes > 0;
}

Task<bool> HttpConnection::read_request() {
    while (state_ == RequestParser::State::more) {
        if (parser_.wants_continue()) {
            co_await write_all(clock_, socket_, options_.write_timeout, "HTTP/1.1 100 Continue\r\n\r\n");
        }
        if (!co_await read_some()) co_return false;
        state_ = parser_.consume(input_);
    }
    co_return true;
}

Task<> HttpConnection::refuse(int status) {
    ConnectionResponder responder(clock_, socket_, options_.write_timeout,
                                  {.head = false, .http11 = true, .keep_alive = false});
    HttpHeaders extra;
    if (status == 405) extra.add("Allow", "GET, HEAD, POST");
    co_await responder.send(status, "text/plain", fmt::format("{}\n", status), std::move(extra));
    co_await linger();
}

// Closing with unread input would send a reset, which may overtake the answer: the rest is read for a moment.
Task<> HttpConnection::linger() {
    ::shutdown(socket_.native_handle(), SHUT_WR);
    try {
        co_await with_timeout(clock_, linger_limit, "net.timeout", "Client still sending", drain());
    } catch (const Failure&) {}
}

Task<bool> HttpConnection::drain() {
    for (std::size_t total = 0; total < linger_octets; total += input_.size()) {
        input_.clear();
        if (!co_await read_some()) break;
    }
    co_return true;
}

// Runs the handler as a task beside the watch on the client; whichever ends first ends the other.
Task<> HttpConnection::answer() {
    auto parsed = parser_.take();
    const bool head = parsed.method == "HEAD";
    keep_alive_ = options_.keep_alive && parsed.keep_alive && parsed.http11;
    ConnectionResponder responder(clock_, socket_, options_.write_timeout,
                                  {.head = head, .http11 = parsed.http11, .keep_alive = keep_alive_});
    handling_ = true;
    handler_error_ = nullptr;
    TaskGroup work(co_await asio::this_coro::executor, nullptr);
    work.spawn("handler", run_handler(make_request(std::move(parsed)), responder));
    std::exception_ptr error;
    try {
        co_await watch_client();
        if (handling_) work.cancel();
        co_await work.join();
    } catch (...) {
        error = std::current_exception();
    }
    if (error) {
        co_await asio::this_coro::reset_cancellation_state(asio::disable_cancellation());
        co_await asio::this_coro::throw_if_cancelled(false);
        co_await work.stop();
        std::rethrow_exception(error);
    }
    co_await conclude(responder);
}

Task<> HttpConnection::run_handler(ServerRequest request, ConnectionResponder& responder) {
    try {
        co_await handler_(std::move(request), responder);
    } catch (...) {
        handler_error_ = std::current_exception();
    }
    handling_ = false;
    boost::system::error_code ignored;
    socket_.cancel(ignored);  // ends the watch; the handler has nothing left in flight
}

// Returns when the handler has ended or the client has gone.
Task<> HttpConnection::watch_client() {
    auto event = StreamSocket::wait_read;
    while (handling_) {
        const auto [error] = co_await socket_.async_wait(event, as_tuple);
        if (!handling_) break;
        if (error == asio::error::operation_aborted) throw boost::system::system_error(error);
        const auto state = inspect_client(socket_.native_handle(), peer_.address == "unix");
        client_gone_ = error || state == ClientState::gone || event == StreamSocket::wait_error;
        if (client_gone_) break;
        // The next request, or the end of sending, would wake us for ever: from now on only a hang-up counts.
        if (state != ClientState::silent) event = StreamSocket::wait_error;
    }
}

// Sees to it that the client gets an answer, or a connection that visibly broke off.
Task<> HttpConnection::conclude(ConnectionResponder& responder) {
    using Progress = ConnectionResponder::Progress;
    keep_alive_ = responder.keep_alive() && !client_gone_;
    if (handler_error_ && !client_gone_ && responder.progress() != Progress::finished) {
        const auto cause = problem_of(handler_error_);
        if (options_.on_problem && cause.kind != ProblemKind::network) options_.on_problem(cause);
    }
    if (responder.progress() == Progress::finished || client_gone_) co_return;
    if (responder.progress() == Progress::begun) {
        keep_alive_ = false;
        co_return;
    }
    const auto problem_text = to_text(to_json(problem("internal.unexpected", "The request could not be handled")));
    co_await responder.send(500, "application/problem+json", problem_text);
}

ServerRequest HttpConnection::make_request(ParsedRequest parsed) const {
    ServerRequest request;
    const auto query = std::min(parsed.target.find('?'), parsed.target.size());
    request.path = parsed.target.substr(0, query);
    if (query < parsed.target.size()) request.query = parsed.target.substr(query + 1);
    request.method = parsed.method == "HEAD" ? "GET" : std::move(parsed.method);
    request.headers = std::move(parsed.headers);
    request.body = std::move(parsed.body);
    request.peer = peer_;
    return request;
}

}  // namespace certd
