// HTTPS by the client that speaks to CAs, which refuses plain HTTP.
#include "daemon/dns/web_call.hpp"

#include "libacme/async/timeout.hpp"
#include "libacme/net/address.hpp"
#include "libacme/net/https_client.hpp"
#include "libacme/net/plain_http.hpp"

#include <fmt/format.h>

namespace certd {

namespace {

constexpr Duration request_limit = seconds(20);

}  // namespace

WebCalls::WebCalls(Clock& clock, std::string who, std::optional<std::string> ca_bundle)
    : clock_(clock), who_(std::move(who)), ca_bundle_(std::move(ca_bundle)) {}

WebCalls::~WebCalls() = default;

Task<HttpResponse> WebCalls::send(std::string method, std::string text, HttpHeaders headers, std::string body) {
    HttpRequest request{std::move(method), value_or_fail(parse_url(text)), std::move(headers), std::move(body)};
    if (request.url.scheme == "http" && is_loopback(request.url.host)) {
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
