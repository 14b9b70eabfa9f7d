// HTTPS by the client that speaks to CAs; plain HTTP by a few lines, because that client refuses it.
#include "daemon/dns/web_call.hpp"

#include "libacme/async/timeout.hpp"
#include "libacme/base/text.hpp"
#include "libacme/net/connect.hpp"
#include "libacme/net/https_client.hpp"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/buffer.hpp>
#include <boost/asio/read.hpp>
#include <boost/asio/write.hpp>

#include <charconv>

#include <fmt/format.h>

namespace certd {

namespace {

constexpr Duration request_limit = seconds(20);
constexpr std::size_t answer_limit = 256 * 1024;

bool is_loopback(const Url& url) {
    return url.host == "127.0.0.1" || url.host == "::1" || url.host == "localhost";
}

std::string serialized(const HttpRequest& request) {
    std::string text = fmt::format("{} {} HTTP/1.1\r\nHost: {}\r\nConnection: close\r\nContent-Length: {}\r\n",
                                   request.method, request.url.target, request.url.host_header(), request.body.size());
    for (const auto& [name, value] : request.headers.fields) {
        if ((name + value).find_first_of("\r\n") != std::string::npos)
            fail("net.malformed", "A header of the request to " + request.url.text + " would break it");
        text += name + ": " + value + "\r\n";
    }
    return text + "\r\n" + request.body;
}

// Status and body; the server closes after its answer.
HttpResponse parse_answer(std::string_view text, const std::string& url) {
    HttpResponse response;
    std::size_t head = text.find("\r\n\r\n");
    bool http = text.starts_with("HTTP/1.") && text.size() > 12;
    if (http) std::from_chars(text.data() + 9, text.data() + 12, response.status);
    if (!http || head == std::string_view::npos || response.status == 0)
        fail("net.malformed", "The answer of " + url + " is not HTTP");
    response.body = text.substr(head + 4);
    return response;
}

Task<HttpResponse> exchange_in_the_clear(Clock& clock, HttpRequest request) {
    auto socket = co_await connect_to(clock, HostPort{request.url.host, request.url.port});
    std::string text = serialized(request);
    constexpr auto as_tuple = asio::as_tuple(asio::use_awaitable);
    auto [failed, sent] = co_await asio::async_write(*socket, asio::buffer(text), as_tuple);
    std::string answer(answer_limit, '\0');
    auto [ended, size] = co_await asio::async_read(*socket, asio::buffer(answer), as_tuple);
    if (failed == asio::error::operation_aborted || ended == asio::error::operation_aborted)
        throw boost::system::system_error(asio::error::operation_aborted);
    if (ended != asio::error::eof) fail("net.closed", "The connection ended before the answer of " + request.url.text);
    answer.resize(size);
    co_return parse_answer(answer, request.url.text);
}

}  // namespace

WebCalls::WebCalls(Clock& clock, std::string who, std::optional<std::string> ca_bundle)
    : clock_(clock), who_(std::move(who)), ca_bundle_(std::move(ca_bundle)) {}

WebCalls::~WebCalls() = default;

Task<HttpResponse> WebCalls::send(std::string method, std::string text, HttpHeaders headers, std::string body) {
    HttpRequest request{std::move(method), value_or_fail(parse_url(text)), std::move(headers), std::move(body)};
    if (request.url.scheme == "http" && is_loopback(request.url)) {
        auto what = fmt::format("No answer from {} within {}", request.url.text, format_duration(request_limit));
        co_return co_await with_timeout(clock_, request_limit, "net.timeout", std::move(what),
                                        exchange_in_the_clear(clock_, std::move(request)));
    }
    if (!client_) {
        HttpsClientOptions options;
        options.ca_bundle = ca_bundle_;
        options.connect_timeout = request_limit / 2;
        options.request_timeout = request_limit;
        client_ = std::make_unique<HttpsClient>(clock_, std::move(options));
    }
    co_return co_await client_->send(std::move(request));
}

Task<std::string> WebCalls::send_or_fail(std::string method, std::string text, HttpHeaders headers, std::string body) {
    std::string what = fmt::format("{} refused {} {}", who_, method, text);
    HttpResponse response = co_await send(std::move(method), std::move(text), std::move(headers), std::move(body));
    if (response.status >= 200 && response.status < 300) co_return std::move(response.body);
    fail("dns.provider", fmt::format("{} with status {}", what, response.status), response.body.substr(0, 2000));
}

HttpHeaders json_headers() {
    HttpHeaders headers;
    headers.add("Content-Type", "application/json");
    headers.add("Accept", "application/json");
    return headers;
}

}  // namespace certd
