// A GET over Asio, without an HTTP library.
#include "daemon/renew/loopback_request.hpp"

#include <boost/asio/buffer.hpp>
#include <boost/asio/error.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/write.hpp>

#include <charconv>

#include <fmt/format.h>

#include <netinet/in.h>
#include <sys/socket.h>

namespace certd {

using asio::ip::tcp;

namespace {

constexpr std::size_t response_limit = 4096;

std::string text_of(const tcp::endpoint& endpoint) {
    std::string address = endpoint.address().to_string();
    return endpoint.address().is_v6() ? fmt::format("[{}]:{}", address, endpoint.port())
                                      : fmt::format("{}:{}", address, endpoint.port());
}

tcp::endpoint endpoint_of(const std::string& text) {
    std::size_t colon = text.rfind(':');
    bool bracketed = text.starts_with('[');
    std::string address = bracketed ? text.substr(1, colon - 2) : text.substr(0, colon);
    return {asio::ip::make_address(address), static_cast<std::uint16_t>(std::stoi(text.substr(colon + 1)))};
}

// The server closes after its answer, so everything until the end is the answer.
Task<std::string> read_all(tcp::socket& socket) {
    std::string response(response_limit, '\0');
    std::size_t filled = 0;
    boost::system::error_code error;
    while (!error && filled < response.size()) {
        filled += co_await socket.async_read_some(asio::buffer(response.data() + filled, response.size() - filled),
                                                  asio::redirect_error(asio::use_awaitable, error));
    }
    if (error && error != asio::error::eof) throw boost::system::system_error(error);
    response.resize(filled);
    co_return response;
}

}  // namespace

Task<std::string> get_over_loopback(LoopbackRequest request) {
    PlainResponse response = co_await get_plain(std::move(request));
    co_return response.status == 200 ? std::move(response.body) : std::string();
}

Task<PlainResponse> get_plain(LoopbackRequest request) {
    tcp::socket socket(co_await asio::this_coro::executor);
    co_await socket.async_connect(endpoint_of(request.address), asio::use_awaitable);
    std::string host =
        request.host.find(':') != std::string::npos ? "[" + request.host + "]" : request.host;  // RFC 8738 §3
    std::string text = fmt::format("GET {} HTTP/1.1\r\nHost: {}\r\n{}\r\nConnection: close\r\n\r\n", request.path, host,
                                   request.header);
    co_await asio::async_write(socket, asio::buffer(text), asio::use_awaitable);
    std::string response = co_await read_all(socket);
    PlainResponse read;
    std::size_t body = response.find("\r\n\r\n");
    constexpr std::size_t status_at = 9;  // after "HTTP/1.1 "
    bool is_http = response.starts_with("HTTP/1.") && body != std::string::npos;
    if (!is_http) co_return read;
    const char* begin = response.data() + status_at;
    if (std::from_chars(begin, begin + 3, read.status).ptr != begin + 3) read.status = 0;
    read.body = response.substr(body + 4);
    co_return read;
}

std::optional<std::string> loopback_address(int listening_socket) {
    tcp::endpoint endpoint;
    auto size = static_cast<socklen_t>(endpoint.capacity());
    if (::getsockname(listening_socket, endpoint.data(), &size) != 0) return std::nullopt;
    int family = endpoint.data()->sa_family;
    if (family != AF_INET && family != AF_INET6) return std::nullopt;
    endpoint.resize(size);
    asio::ip::address address = endpoint.address();
    if (address.is_unspecified()) {
        address = address.is_v6() ? asio::ip::address(asio::ip::address_v6::loopback())
                                  : asio::ip::address(asio::ip::address_v4::loopback());
    }
    return text_of({address, endpoint.port()});
}

}  // namespace certd
