// The framing of answers (RFC 9112 §6, §7.1).
#include "libacme/net/http_responder.hpp"

#include "libacme/async/timeout.hpp"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/buffer.hpp>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include <fmt/format.h>
#include <sys/socket.h>

namespace certd {
namespace {

constexpr std::string_view client_gone = "The client closed the connection before its answer was complete";

std::string_view reason_phrase(int status) {
    switch (status) {
        case 200:
            return "OK";
        case 201:
            return "Created";
        case 202:
            return "Accepted";
        case 204:
            return "No Content";
        case 304:
            return "Not Modified";
        case 400:
            return "Bad Request";
        case 401:
            return "Unauthorized";
        case 403:
            return "Forbidden";
        case 404:
            return "Not Found";
        case 405:
            return "Method Not Allowed";
        case 408:
            return "Request Timeout";
        case 409:
            return "Conflict";
        case 413:
            return "Content Too Large";
        case 414:
            return "URI Too Long";
        case 415:
            return "Unsupported Media Type";
        case 422:
            return "Unprocessable Content";
        case 429:
            return "Too Many Requests";
        case 431:
            return "Request Header Fields Too Large";
        case 500:
            return "Internal Server Error";
        case 501:
            return "Not Implemented";
        case 502:
            return "Bad Gateway";
        case 503:
            return "Service Unavailable";
        case 504:
            return "Gateway Timeout";
        case 505:
            return "HTTP Version Not Supported";
        default:
            return "Status";
    }
}

bool has_no_body(int status) {
    return status == 204 || status == 304 || status < 200;
}

// A value with a line break would let its author write headers of his own.
bool is_field_text(std::string_view text) {
    return std::none_of(text.begin(), text.end(), [](char c) { return c == '\r' || c == '\n' || c == '\0'; });
}

// What the socket takes without waiting.
std::size_t send_now(StreamSocket& socket, std::string_view data) {
    std::size_t sent = 0;
    while (sent < data.size()) {
        const auto taken =
            ::send(socket.native_handle(), data.data() + sent, data.size() - sent, MSG_DONTWAIT | MSG_NOSIGNAL);
        if (taken < 0 && errno == EINTR) continue;
        if (taken < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) break;
        if (taken < 0) fail("net.closed", std::string(client_gone) + " (" + std::strerror(errno) + ")");
        sent += static_cast<std::size_t>(taken);
    }
    return sent;
}

Task<> send_waiting(StreamSocket& socket, std::string_view data) {
    while (!data.empty()) {
        const auto [error, bytes] =
            co_await socket.async_write_some(asio::buffer(data), asio::as_tuple(asio::use_awaitable));
        if (error == asio::error::operation_aborted) throw boost::system::system_error(error);
        if (error) fail("net.closed", std::string(client_gone) + " (" + error.message() + ")");
        data.remove_prefix(bytes);
    }
}

}  // namespace

Task<> write_all(Clock& clock, StreamSocket& socket, Duration limit, std::string_view data) {
    data.remove_prefix(send_now(socket, data));
    if (data.empty()) co_return;
    co_await with_timeout(clock, limit, "net.timeout",
                          "The client did not read its answer within " + format_duration(limit),
                          send_waiting(socket, data));
}

void ConnectionResponder::advance(Progress from, Progress to) {
    if (progress_ != from) fail("internal.unexpected", "A request was answered twice or in the wrong order");
    progress_ = to;
}

std::string ConnectionResponder::head(int status, std::string_view content_type, const HttpHeaders& extra) const {
    std::string text =
        fmt::format("HTTP/1.1 {} {}\r\nDate: {}\r\n", status, reason_phrase(status), format_http_date(clock_.now()));
    if (!content_type.empty() && is_field_text(content_type))
        fmt::format_to(std::back_inserter(text), "Content-Type: {}\r\n", content_type);
    for (const auto& [name, value] : extra.fields) {
        if (is_field_text(name) && is_field_text(value))
            fmt::format_to(std::back_inserter(text), "{}: {}\r\n", name, value);
    }
    if (!framing_.keep_alive) text += "Connection: close\r\n";
    return text;
}

Task<> ConnectionResponder::send(int status, std::string content_type, std::string body, HttpHeaders extra) {
    advance(Progress::nothing, Progress::begun);
    auto text = head(status, content_type, extra);
    if (!has_no_body(status)) fmt::format_to(std::back_inserter(text), "Content-Length: {}\r\n", body.size());
    text += "\r\n";
    if (!framing_.head && !has_no_body(status)) text += body;
    co_await write_all(clock_, socket_, write_timeout_, text);
    advance(Progress::begun, Progress::finished);
}

Task<> ConnectionResponder::start(int status, std::string content_type) {
    advance(Progress::nothing, Progress::begun);
    auto text = head(status, content_type, {});
    text += framing_.http11 ? "Transfer-Encoding: chunked\r\n\r\n" : "\r\n";
    co_await write_all(clock_, socket_, write_timeout_, text);
    if (framing_.head) advance(Progress::begun, Progress::finished);
}

Task<> ConnectionResponder::write(std::string chunk) {
    // Nothing follows the head of an answer to HEAD: the handler is told to stop as if the client had gone.
    if (framing_.head && progress_ == Progress::finished)
        throw boost::system::system_error(asio::error::operation_aborted);
    advance(Progress::begun, Progress::begun);
    if (chunk.empty()) co_return;  // would read as the end
    if (framing_.http11) chunk = fmt::format("{:x}\r\n{}\r\n", chunk.size(), chunk);
    co_await write_all(clock_, socket_, write_timeout_, chunk);
}

Task<> ConnectionResponder::finish() {
    if (framing_.head && progress_ == Progress::finished) co_return;
    advance(Progress::begun, Progress::begun);
    if (framing_.http11) co_await write_all(clock_, socket_, write_timeout_, "0\r\n\r\n");
    advance(Progress::begun, Progress::finished);
}

}  // namespace certd
