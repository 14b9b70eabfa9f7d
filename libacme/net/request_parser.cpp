// Beast's request parser, and the refusals of our own that it does not make.
#include "libacme/net/request_parser.hpp"

#include "libacme/base/text.hpp"

#include <boost/asio/buffer.hpp>
#include <boost/beast/http/error.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/string_body.hpp>

#include <algorithm>
#include <optional>

namespace certd {
namespace {

namespace http = boost::beast::http;
using BeastParser = http::request_parser<http::string_body>;

int status_of(boost::system::error_code error, bool in_first_line) {
    if (error == http::error::header_limit) return in_first_line ? 414 : 431;
    if (error == http::error::body_limit) return 413;
    return 400;
}

}  // namespace

struct RequestParser::Parser {
    std::optional<BeastParser> beast;
    bool begun = false;
    bool past_first_line = false;
    bool checked = false;  // objection() has had its look at the head
};

RequestParser::RequestParser(std::size_t header_limit, std::size_t body_limit)
    : header_limit_(header_limit), body_limit_(body_limit), parser_(std::make_unique<Parser>()) {
    restart();
}

RequestParser::~RequestParser() = default;

void RequestParser::restart() {
    auto& beast = parser_->beast.emplace();
    beast.header_limit(static_cast<std::uint32_t>(header_limit_));
    beast.body_limit(body_limit_);
    beast.eager(true);
    parser_->begun = parser_->past_first_line = parser_->checked = false;
    continued_ = false;
}

bool RequestParser::begun() const {
    return parser_->begun;
}

RequestParser::State RequestParser::refuse(int status) {
    status_ = status;
    return State::refused;
}

RequestParser::State RequestParser::consume(std::string& input) {
    auto& beast = *parser_->beast;
    // RFC 9112 §2.2: an empty line before a request is passed over.
    if (!parser_->begun) input.erase(0, std::min(input.find_first_not_of("\r\n"), input.size()));
    while (!input.empty()) {
        parser_->begun = true;
        parser_->past_first_line = parser_->past_first_line || input.find('\n') < header_limit_;
        boost::system::error_code error;
        const auto used = beast.put(boost::asio::buffer(input), error);
        input.erase(0, used);
        if (error && error != http::error::need_more) return refuse(status_of(error, !parser_->past_first_line));
        if (beast.is_header_done() && !parser_->checked) {
            parser_->checked = true;
            if (const int status = objection()) return refuse(status);
        }
        if (beast.is_done()) return State::complete;
        if (error || used == 0) break;
    }
    // Chunk headers and trailers have no limit of Beast's.
    return input.size() > header_limit_ ? refuse(beast.is_header_done() ? 413 : 431) : State::more;
}

// 0 when the head is one we serve.
int RequestParser::objection() const {
    const auto& message = parser_->beast->get();
    const std::string_view method = message.method_string();
    const std::string_view target = message.target();
    if (method == "CONNECT" || method == "TRACE") return 405;
    if (!target.starts_with('/') || target.find('#') != std::string_view::npos) return 400;  // absolute form included
    if (message.version() == 11 && message.count(http::field::host) != 1) return 400;        // RFC 9112 §3.2
    if (message.count(http::field::transfer_encoding) > 0) {
        if (message.version() < 11) return 400;
        if (!parser_->beast->chunked()) return 501;
    }
    if (message.count(http::field::content_length) > 1) return 400;
    return 0;
}

bool RequestParser::wants_continue() {
    auto& beast = *parser_->beast;
    if (continued_ || !beast.is_header_done() || beast.is_done() || beast.get().version() < 11) return false;
    if (!equals_ignoring_case(std::string_view(beast.get()[http::field::expect]), "100-continue")) return false;
    return continued_ = true;
}

ParsedRequest RequestParser::take() {
    auto& beast = *parser_->beast;
    ParsedRequest request;
    request.keep_alive = beast.keep_alive();
    auto message = beast.release();
    request.http11 = message.version() == 11;
    request.method = std::string(message.method_string());
    request.target = std::string(message.target());
    for (const auto& field : message.base()) {
        request.headers.add(std::string(field.name_string()), std::string(field.value()));
    }
    request.body = std::move(message.body());
    restart();
    return request;
}

}  // namespace certd
