// Who may read, then what was asked for.
#include "daemon/control/web.hpp"

#include "daemon/control/answer.hpp"
#include "daemon/control/status_page.hpp"
#include "daemon/control/stream.hpp"
#include "libacme/base/bytes.hpp"
#include "libacme/base/text.hpp"
#include "libacme/crypto/digest.hpp"
#include "libacme/crypto/hmac.hpp"

#include <charconv>

#include <fmt/format.h>

namespace certd::control {

namespace {

constexpr std::string_view cookie_name = "certd_token";

struct Web {
    Operations& operations;
    Clock& clock;
    WebOptions options;
};

bool same_secret(std::string_view given, std::string_view wanted) {
    return equal_in_constant_time(as_bytes(given), as_bytes(wanted));
}

std::string_view cookie_of(const ServerRequest& request) {
    for (std::string_view header : request.headers.all("Cookie")) {
        for (std::string_view item : split(header, ';')) {
            item = trim(item);
            if (item.starts_with(cookie_name) && item.substr(cookie_name.size()).starts_with('='))
                return item.substr(cookie_name.size() + 1);
        }
    }
    return {};
}

bool admitted(const Web& web, const ServerRequest& request) {
    if (web.options.token.empty()) return true;
    constexpr std::string_view scheme = "Bearer ";
    const std::string_view authorization = request.headers.find("Authorization").value_or("");
    if (authorization.starts_with(scheme) && same_secret(authorization.substr(scheme.size()), web.options.token))
        return true;
    return same_secret(cookie_of(request), web.options.token);
}

// A page of somebody else's that made its own name point here must not read what is on this machine: without a token
// only those are answered who call the listener by an address, or localhost.
bool called_by_address(const ServerRequest& request) {
    std::string host = lower_ascii(request.headers.find("Host").value_or(""));
    if (host.starts_with('[')) return host.find(']') != std::string::npos;
    host = host.substr(0, host.rfind(':'));
    return host == "localhost" ||
           (!host.empty() && host.find_first_not_of("0123456789.") == std::string::npos && host.find('.') != host.npos);
}

HttpHeaders page_headers(std::string_view policy) {
    HttpHeaders headers;
    headers.add("Content-Security-Policy", std::string(policy));
    headers.add("X-Content-Type-Options", "nosniff");
    headers.add("Referrer-Policy", "no-referrer");
    headers.add("Cache-Control", "no-store");
    return headers;
}

Task<> send_page(Responder& responder) {
    const std::string nonce = base64url(random_bytes(16));
    const std::string policy = fmt::format(
        "default-src 'none'; script-src 'nonce-{0}'; style-src 'nonce-{0}'; connect-src 'self'; img-src data:; "
        "base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
        nonce);
    constexpr std::string_view mark = "@NONCE@";
    std::string page(status_page);
    for (std::size_t at = page.find(mark); at != std::string::npos; at = page.find(mark, at))
        page.replace(at, mark.size(), nonce);
    co_await responder.send(200, "text/html; charset=utf-8", std::move(page), page_headers(policy));
}

// The token goes from the address, where it would stay in histories, into a cookie.
Task<> welcome(const Web& web, const std::string& token, Responder& responder) {
    HttpHeaders headers = page_headers("default-src 'none'");
    if (!same_secret(token, web.options.token)) {
        co_await responder.send(401, "text/plain; charset=utf-8", "This is not the token of metrics.token_file.\n",
                                std::move(headers));
        co_return;
    }
    headers.add("Set-Cookie", fmt::format("{}={}; Path=/; HttpOnly; SameSite=Strict", cookie_name, web.options.token));
    headers.add("Location", "/");
    co_await responder.send(303, "text/plain; charset=utf-8", "See /\n", std::move(headers));
}

std::uint64_t last_seen(const ServerRequest& request, EventBus& bus) {
    std::string text(request.headers.find("Last-Event-ID").value_or(""));
    if (text.empty()) text = request.parameter("after").value_or("");
    std::uint64_t id = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), id);
    return error == std::errc() && end == text.data() + text.size() && id <= bus.last_id() ? id : bus.last_id();
}

// Server-sent events (WHATWG HTML, §9.2).
Task<> send_stream(Web& web, ServerRequest request, Answer& answer) {
    EventBus& bus = web.operations.events();
    EventCursor cursor(bus, last_seen(request, bus));
    co_await answer.begin("text/event-stream");
    co_await answer.chunk(": certd\n\n");
    for (;;) {
        std::string text;
        for (const Event& event : cursor.take())
            text += fmt::format("id: {}\ndata: {}\n\n", event.id, to_text(to_json(event)));
        if (const std::uint64_t lost = cursor.dropped()) text += fmt::format("event: dropped\ndata: {}\n\n", lost);
        if (!text.empty()) co_await answer.chunk(std::move(text));
        if (!co_await wait_for_events(web.clock, heartbeat_interval, cursor)) co_await answer.chunk(": heartbeat\n\n");
    }
}

Task<> refuse(int status, std::string text, Responder& responder, HttpHeaders extra = {}) {
    co_await responder.send(status, "text/plain; charset=utf-8", std::move(text), std::move(extra));
}

Task<> serve(std::shared_ptr<Web> web, ServerRequest request, Responder& responder) {
    Answer answer(responder);
    const bool of_page = request.path == "/" || request.path == "/status.json" || request.path == "/events";
    const bool known = request.path == "/metrics" || request.path == "/healthz" || (of_page && web->options.page);
    HttpHeaders extra;
    if (!known) {
        co_await refuse(404, "There are /metrics, /healthz and, if it is switched on, / here.\n", responder);
    } else if (request.method != "GET") {
        extra.add("Allow", "GET");
        co_await refuse(405, "Nothing can be changed here.\n", responder, std::move(extra));
    } else if (request.path == "/healthz") {
        co_await responder.send(200, "text/plain; charset=utf-8", "ok\n");
    } else if (const auto token = request.parameter("token");
               token && request.path == "/" && !web->options.token.empty()) {
        co_await welcome(*web, *token, responder);
    } else if (!admitted(*web, request)) {
        extra.add("WWW-Authenticate", "Bearer realm=\"certd\"");
        co_await refuse(401, "A token is needed: Authorization: Bearer …, or in a browser /?token=… once.\n", responder,
                        std::move(extra));
    } else if (of_page && web->options.token.empty() && !called_by_address(request)) {
        co_await refuse(421, "Call this page by the address it listens on, or set metrics.token_file.\n", responder);
    } else if (request.path == "/metrics") {
        const MetricsFormat format = accepted_format(request.headers.find("Accept").value_or(""));
        co_await answer.text(std::string(content_type(format)), web->operations.metrics(format));
    } else if (request.path == "/") {
        co_await send_page(responder);
    } else if (request.path == "/status.json") {
        co_await responder.send(200, "application/json", to_text(page_document(web->operations, web->clock)),
                                page_headers("default-src 'none'"));
    } else {
        co_await send_stream(*web, std::move(request), answer);
    }
}

}  // namespace

RequestHandler make_web_handler(Operations& operations, Clock& clock, WebOptions options) {
    auto web = std::make_shared<Web>(Web{operations, clock, std::move(options)});
    return [web = std::move(web)](ServerRequest request, Responder& responder) {
        return serve(web, std::move(request), responder);
    };
}

}  // namespace certd::control
