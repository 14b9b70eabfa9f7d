// A request in one piece, and an answer that ends with the connection.
#include "libacme/net/plain_http.hpp"

#include "libacme/base/text.hpp"
#include "libacme/net/connect.hpp"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/buffer.hpp>
#include <boost/asio/read.hpp>
#include <boost/asio/write.hpp>

#include <charconv>

#include <fmt/format.h>

namespace certd {

namespace {

constexpr std::size_t answer_limit = 256 * 1024;

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

void add_headers(HttpResponse& response, std::string_view head) {
    for (std::string_view line : split(head, '\n')) {
        std::size_t colon = line.find(':');
        if (colon == std::string_view::npos) continue;
        response.headers.add(std::string(trim(line.substr(0, colon))), std::string(trim(line.substr(colon + 1))));
    }
}

// The server closes after its answer.
HttpResponse parse_answer(std::string_view text, const std::string& url) {
    HttpResponse response;
    std::size_t head = text.find("\r\n\r\n");
    bool http = text.starts_with("HTTP/1.") && text.size() > 12;
    if (http) std::from_chars(text.data() + 9, text.data() + 12, response.status);
    if (!http || head == std::string_view::npos || response.status == 0)
        fail("net.malformed", "The answer of " + url + " is not HTTP");
    std::size_t status_line = text.find("\r\n");
    if (status_line < head) add_headers(response, text.substr(status_line + 2, head - status_line - 2));
    response.body = text.substr(head + 4);
    return response;
}

}  // namespace

Task<HttpResponse> exchange_in_the_clear(Clock& clock, HttpRequest request) {
    auto socket = co_await connect_to(clock, HostPort{request.url.host, request.url.port});
    std::string text = serialized(request);
    constexpr auto as_tuple = asio::as_tuple(asio::use_awaitable);
    auto [failed, sent] = co_await asio::async_write(*socket, asio::buffer(text), as_tuple);
    std::string answer(answer_limit, '\0');
    auto [ended, size] = co_await asio::async_read(*socket, asio::buffer(answer), as_tuple);
    if (failed == asio::error::operation_aborted || ended == asio::error::operation_aborted)
        throw boost::system::system_error(asio::error::operation_aborted);
    if (!ended) fail("net.tooLarge", fmt::format("The answer of {} has {} octets or more", request.url.text, size));
    if (ended != asio::error::eof) fail("net.closed", "The connection ended before the answer of " + request.url.text);
    answer.resize(size);
    co_return parse_answer(answer, request.url.text);
}

}  // namespace certd
