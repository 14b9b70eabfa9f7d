// Beast's response parser fed by hand: one read buffer per connection, one write per request, every limit checked
// before memory is spent.
#include "libacme/net/https_exchange.hpp"

#include "libacme/base/text.hpp"

#include <boost/asio/ssl/error.hpp>
#include <boost/beast/http/error.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/string_body.hpp>

#include <algorithm>
#include <optional>

namespace certd {
namespace {

namespace http = boost::beast::http;
using Parser = http::response_parser<http::string_body>;
using ErrorCode = boost::system::error_code;

constexpr std::size_t read_size = 16 * 1024;  // what one TLS record holds
constexpr int interim_limit = 8;              // 1xx answers before the real one

bool breaks_framing(std::string_view text) {
    return std::any_of(text.begin(), text.end(), [](char c) { return c == '\r' || c == '\n' || c == '\0'; });
}

bool is_closed(ErrorCode error) {
    return error == asio::error::eof || error == asio::ssl::error::stream_truncated ||
           error == asio::error::connection_reset || error == asio::error::broken_pipe;
}

[[noreturn]] void fail_parsing(ErrorCode error, ExchangeLimits limits, const std::string& what) {
    if (error == http::error::body_limit) {
        fail("net.tooLarge",
             "The body of the answer to " + what + " is larger than " + std::to_string(limits.body) + " bytes");
    }
    if (error == http::error::header_limit) {
        fail("net.tooLarge",
             "The header of the answer to " + what + " is larger than " + std::to_string(limits.header) + " bytes");
    }
    fail("net.malformed", "The answer to " + what + " is not valid HTTP (" + error.message() + ")");
}

// Reads one answer, interim ones included, into `input` and the parser.
class Reader {
   public:
    Reader(const ReadSome& read, std::string& input, bool head, ExchangeLimits limits, const std::string& what)
        : read_(read), input_(input), head_(head), limits_(limits), what_(what) {}

    // False when the connection ended before the first octet.
    Task<bool> read() {
        for (int interim = 0;; ++interim) {
            start_parser();
            while (!parser_->is_done()) {
                if (consume()) continue;
                if (!co_await receive()) co_return false;
            }
            if (!is_interim()) co_return true;
            if (interim == interim_limit)
                fail("net.malformed", "The answer to " + what_ + " never gets past interim ones");
        }
    }

    Exchange take() {
        Exchange result;
        auto message = parser_->release();
        result.response.status = static_cast<int>(message.result_int());
        for (const auto& field : message.base()) {
            result.response.headers.add(std::string(field.name_string()), std::string(field.value()));
        }
        result.response.body = std::move(message.body());
        result.reusable = reusable_;
        return result;
    }

   private:
    void start_parser() {
        parser_.emplace();
        parser_->header_limit(static_cast<std::uint32_t>(limits_.header));
        parser_->body_limit(limits_.body);
        parser_->eager(true);
        parser_->skip(head_);
    }

    // Gives the parser what has been read; false when it needs more.
    bool consume() {
        if (input_.empty()) return false;
        ErrorCode error;
        const auto used = parser_->put(asio::buffer(input_), error);
        input_.erase(0, used);
        if (parser_->is_done() && !error) reusable_ = parser_->keep_alive() && input_.empty();
        if (!error) return used > 0;
        if (error == http::error::need_more) return false;
        fail_parsing(error, limits_, what_);
    }

    Task<bool> receive() {
        auto& input = input_;
        const auto kept = input.size();
        if (kept > limits_.header + read_size) {  // a chunk header or trailer without end
            fail("net.tooLarge",
                 "The answer to " + what_ + " has a line longer than " + std::to_string(limits_.header) + " bytes");
        }
        input.resize(kept + read_size);
        const auto [error, bytes] = co_await read_(asio::buffer(input.data() + kept, read_size));
        input.resize(kept + bytes);
        begun_ = begun_ || bytes > 0;
        if (!error) co_return true;
        if (!begun_ && is_closed(error)) co_return false;
        finish_at(error);
        co_return true;
    }

    // An answer without a length ends where the connection does, provided that TLS says it was ended on purpose.
    void finish_at(ErrorCode error) {
        if (error == asio::error::eof && parser_->got_some() && parser_->is_header_done() && parser_->need_eof()) {
            ErrorCode parse_error;
            parser_->put_eof(parse_error);
            if (!parse_error) return;
        }
        fail("net.closed", "The connection ended in the middle of the answer to " + what_ + " (" +
                               (is_closed(error) ? "closed by the other side" : error.message()) + ")");
    }

    bool is_interim() {
        const auto status = parser_->get().result_int();
        return status >= 100 && status < 200 && status != 101;
    }

    const ReadSome& read_;
    std::string& input_;
    bool head_;
    ExchangeLimits limits_;
    const std::string& what_;
    std::optional<Parser> parser_;
    bool begun_ = false;
    bool reusable_ = false;
};

// Nobody asked for compression, and decompression bombs are not worth supporting it.
void refuse_encoded(const HttpResponse& response, const std::string& what) {
    const auto encoding = response.headers.find("Content-Encoding");
    if (!encoding || equals_ignoring_case(trim(*encoding), "identity")) return;
    fail("net.malformed", "The answer to " + what + " is encoded although that was not asked for",
         std::string(*encoding));
}

}  // namespace

std::string serialize(const HttpRequest& request, const std::string& user_agent) {
    std::string text;
    text.reserve(512 + request.body.size());
    text.append(request.method).append(" ").append(request.url.target).append(" HTTP/1.1\r\nHost: ");
    text.append(request.url.host_header()).append("\r\nUser-Agent: ").append(user_agent).append("\r\n");
    for (const auto& [name, value] : request.headers.fields) {
        if (breaks_framing(name) || breaks_framing(value)) {
            fail("net.malformed", "A header of the request to " + request.url.origin() + " contains a line break");
        }
        text.append(name).append(": ").append(value).append("\r\n");
    }
    if (!request.body.empty() || request.method == "POST") {
        text.append("Content-Length: ").append(std::to_string(request.body.size())).append("\r\n");
    }
    return text.append("\r\n").append(request.body);
}

Task<Exchange> exchange(HttpsConnection& connection, std::string_view octets, bool head, ExchangeLimits limits,
                        std::string what) {
    if (co_await connection.tls.write(octets)) co_return Exchange{Exchange::Fate::not_sent, {}, false};
    ReadSome read = [&connection](asio::mutable_buffer buffer) { return connection.tls.read_some(buffer); };
    co_return co_await read_answer(std::move(read), connection.input, head, limits, std::move(what));
}

Task<Exchange> read_answer(ReadSome read, std::string& input, bool head, ExchangeLimits limits, std::string what) {
    Reader reader(read, input, head, limits, what);
    if (!co_await reader.read()) co_return Exchange{Exchange::Fate::no_answer, {}, false};
    auto result = reader.take();
    refuse_encoded(result.response, what);
    co_return result;
}

ProxyAnswer parse_proxy_answer(std::string_view head, const std::string& proxy) {
    Parser parser;
    parser.skip(true);
    ErrorCode error;
    parser.put(asio::buffer(head), error);
    if (error || !parser.is_header_done()) fail("net.proxy", "The answer of the proxy " + proxy + " is not HTTP");
    return {static_cast<int>(parser.get().result_int()), std::string(parser.get().reason())};
}

}  // namespace certd
