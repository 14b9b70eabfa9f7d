// WebTransport: what is sent without TLS.
#include "libacme/net/web_transport.hpp"

#include "libacme/async/timeout.hpp"
#include "libacme/net/connect.hpp"
#include "libacme/net/https_exchange.hpp"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/write.hpp>
#include <boost/system/system_error.hpp>

#include <fmt/format.h>

namespace certd {

namespace {

Task<IoResult> read_some(TcpSocket& socket, asio::mutable_buffer buffer) {
    const auto [error, bytes] = co_await socket.async_read_some(buffer, asio::as_tuple(asio::use_awaitable));
    if (error == asio::error::operation_aborted) throw boost::system::system_error(error);
    co_return IoResult{error, bytes};
}

Task<> write_all(TcpSocket& socket, const std::string& octets, const std::string& url) {
    const auto [error, bytes] =
        co_await asio::async_write(socket, asio::buffer(octets), asio::as_tuple(asio::use_awaitable));
    if (error == asio::error::operation_aborted) throw boost::system::system_error(error);
    if (error) fail("net.closed", fmt::format("The connection ended before GET {} was sent", url));
}

}  // namespace

WebTransport::WebTransport(Clock& clock, HttpsClientOptions options) : clock_(clock), options_(std::move(options)) {
    options_.idle_connections = 0;
    if (options_.user_agent.empty()) options_.user_agent = fmt::format("certd/{}", CERTD_VERSION);
}

Task<HttpResponse> WebTransport::send(HttpRequest request) {
    if (request.url.scheme == "https") {
        HttpsClient client(clock_, options_);
        co_return co_await client.send(std::move(request));
    }
    const std::string url = request.url.text;
    co_return co_await with_timeout(
        clock_, options_.request_timeout, "net.timeout",
        fmt::format("No complete answer to GET {} within {}", url, format_duration(options_.request_timeout)),
        send_in_the_clear(std::move(request)));
}

Task<HttpResponse> WebTransport::send_in_the_clear(HttpRequest request) {
    const Url& first_hop = options_.proxy ? *options_.proxy : request.url;
    const std::string what = request.method + " " + request.url.text;
    auto socket = co_await with_timeout(
        clock_, options_.connect_timeout, "net.timeout",
        fmt::format("Cannot connect to {} within {}", first_hop.origin(), format_duration(options_.connect_timeout)),
        connect_to(clock_, HostPort{first_hop.host, first_hop.port}));
    request.headers.add("Connection", "close");
    if (options_.proxy) request.url.target = fmt::format("http://{}{}", request.url.host_header(), request.url.target);
    co_await write_all(*socket, serialize(request, options_.user_agent), request.url.text);
    ReadSome read = [&socket](asio::mutable_buffer buffer) { return read_some(*socket, buffer); };
    std::string input;
    Exchange result = co_await read_answer(std::move(read), input, request.method == "HEAD",
                                           {options_.header_limit, options_.body_limit}, what);
    if (result.fate != Exchange::Fate::complete)
        fail("net.closed", fmt::format("The connection ended before an answer to {}", what));
    co_return std::move(result.response);
}

}  // namespace certd
