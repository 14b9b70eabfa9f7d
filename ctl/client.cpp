// HTTP on the control socket. Beast's parser does the protocol; the waits are poll(2).
#include "ctl/client.hpp"

#include "ctl/unix_socket.hpp"
#include "libacme/base/text.hpp"

#include <boost/asio/buffer.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/string_body.hpp>

#include <algorithm>
#include <utility>

#include <fmt/format.h>
#include <poll.h>

namespace certd::ctl {

namespace http = boost::beast::http;

struct Exchange::State {
    State(UnixSocket connected, const ClientLimits& client_limits)
        : socket(std::move(connected)), limits(client_limits) {
        parser.eager(true);
        parser.header_limit(64 * 1024);
        parser.body_limit(boost::none);  // bounded here: per document, per line
    }

    UnixSocket socket;
    ClientLimits limits;
    http::response_parser<http::string_body> parser;
    std::string input;        // not parsed yet
    std::string body;         // parsed, not taken yet
    std::size_t taken = 0;    // of body: lines handed out already
    std::size_t scanned = 0;  // of body: no further newline up to here
    Deadline last_byte = std::chrono::steady_clock::now();

    Result<void> parse() {
        while (!input.empty() && !parser.is_done()) {
            boost::system::error_code error;
            std::size_t used = parser.put(boost::asio::buffer(input), error);
            input.erase(0, used);
            if (error == http::error::need_more) break;
            if (error)
                return failure("control.protocol", "The answer on the control socket is not HTTP", error.message());
        }
        if (parser.is_header_done()) {
            body += parser.get().body();
            parser.get().body().clear();
        }
        return {};
    }

    // Reads and parses what is there. False at the end of the response.
    Result<bool> advance() {
        Result<UnixSocket::Read> read = socket.read(input);
        if (!read) return failure(std::move(read).error());
        if (*read == UnixSocket::Read::data) last_byte = std::chrono::steady_clock::now();
        if (*read == UnixSocket::Read::end && !parser.is_done()) {
            boost::system::error_code error;
            if (parser.got_some()) parser.put_eof(error);
            if (!parser.is_done())
                return failure("control.connectionLost", "certd closed the connection before its answer was complete");
        }
        if (Result<void> parsed = parse(); !parsed) return failure(std::move(parsed).error());
        return !parser.is_done();
    }

    template <class Done>
    Result<void> advance_until(Done done, Deadline deadline) {
        while (!done()) {
            if (!socket.wait_readable(deadline)) return failure("control.timeout", "certd does not answer in time");
            Result<bool> more = advance();
            if (!more) return failure(std::move(more).error());
            if (body.size() > limits.document)
                return failure("control.protocol", "The answer on the control socket is too large");
        }
        return {};
    }
};

namespace {

std::string request_text(std::string_view method, std::string_view target, std::string_view body) {
    std::string text = fmt::format("{} {} HTTP/1.1\r\nHost: certd\r\nUser-Agent: certctl/{}\r\nConnection: close\r\n",
                                   method, target, CERTD_VERSION);
    if (method != "GET") text += fmt::format("Content-Type: application/json\r\nContent-Length: {}\r\n", body.size());
    return text.append("\r\n").append(body);
}

Problem problem_in(int status, std::string_view content_type, const std::string& body) {
    if (content_type == "application/problem+json") {
        Result<Json> json = parse_json(body);
        if (json && json->is_object()) {
            Problem refused = problem_from_json(*json);
            if (!refused.code.empty()) return refused;
        }
    }
    std::string first_line(std::string_view(body).substr(0, body.find('\n')));
    return problem("control.protocol", fmt::format("certd answered with HTTP status {}", status),
                   std::move(first_line));
}

bool is_success(int status) {
    return status >= 200 && status < 300;
}

}  // namespace

Exchange::Exchange(std::unique_ptr<State> state) : state_(std::move(state)) {}
Exchange::Exchange(Exchange&&) noexcept = default;
Exchange& Exchange::operator=(Exchange&&) noexcept = default;
Exchange::~Exchange() = default;

Result<Exchange> Exchange::open(const std::string& socket, std::string_view method, std::string_view target,
                                std::string_view body, const ClientLimits& limits) {
    Result<UnixSocket> connected = UnixSocket::connect(socket, limits.connect);
    if (!connected) return failure(std::move(connected).error());
    auto state = std::make_unique<State>(std::move(*connected), limits);
    Deadline deadline = deadline_after(limits.answer);
    if (Result<void> sent = state->socket.write(request_text(method, target, body), deadline); !sent)
        return failure(std::move(sent).error());
    Result<void> head = state->advance_until([&] { return state->parser.is_header_done(); }, deadline);
    if (!head) return failure(std::move(head).error());
    return Exchange(std::move(state));
}

int Exchange::status() const {
    return static_cast<int>(state_->parser.get().result_int());
}

std::string_view Exchange::content_type() const {
    std::string_view value = state_->parser.get()[http::field::content_type];
    return trim(value.substr(0, value.find(';')));
}

int Exchange::fd() const {
    return state_->socket.fd();
}

Result<std::string> Exchange::rest() {
    Result<void> whole =
        state_->advance_until([&] { return state_->parser.is_done(); }, deadline_after(state_->limits.answer));
    if (!whole) return failure(std::move(whole).error());
    return std::move(state_->body);
}

Result<bool> Exchange::read_available() {
    if (state_->parser.is_done()) return false;
    return state_->advance().and_then([&](bool more) -> Result<bool> {
        if (state_->body.size() - state_->taken > state_->limits.line &&
            state_->body.find('\n', state_->taken) == std::string::npos) {
            return failure("control.protocol", "A line on the control socket is too long");
        }
        return more;
    });
}

std::optional<std::string> Exchange::take_line() {
    std::string& body = state_->body;
    std::size_t end = body.find('\n', state_->scanned);
    // The last line may lack its newline.
    if (end == std::string::npos && state_->parser.is_done() && state_->taken < body.size()) end = body.size();
    if (end == std::string::npos) {
        body.erase(0, std::exchange(state_->taken, 0));  // once for all lines of a read, not for each
        state_->scanned = body.size();
        return std::nullopt;
    }
    std::string line = body.substr(state_->taken, end - state_->taken);
    state_->taken = state_->scanned = std::min(end + 1, body.size());
    return line;
}

Duration Exchange::silent_for() const {
    return std::chrono::duration_cast<Duration>(std::chrono::steady_clock::now() - state_->last_byte);
}

Result<Json> Client::get(std::string_view target, std::string* text) const {
    return document("GET", target, {}, text);
}

Result<Json> Client::post(std::string_view target, const Json& body) const {
    return document("POST", target, to_text(body), nullptr);
}

Result<Json> Client::document(std::string_view method, std::string_view target, std::string_view body,
                              std::string* text) const {
    Result<Exchange> exchange = Exchange::open(socket_, method, target, body, limits_);
    if (!exchange) return failure(std::move(exchange).error());
    std::string content_type = lower_ascii(exchange->content_type());
    Result<std::string> content = exchange->rest();
    if (!content) return failure(std::move(content).error());
    if (!is_success(exchange->status())) return failure(problem_in(exchange->status(), content_type, *content));
    Result<Json> json = parse_json(*content, {limits_.document, 64});
    if (!json) return failure("control.protocol", "The answer on the control socket is not JSON", json.error().what);
    if (text != nullptr) *text = std::move(*content);
    return json;
}

Result<Exchange> Client::stream(std::string_view method, std::string_view target, std::string_view body) const {
    Result<Exchange> exchange = Exchange::open(socket_, method, target, body, limits_);
    if (!exchange || is_success(exchange->status())) return exchange;
    std::string content_type = lower_ascii(exchange->content_type());
    Result<std::string> content = exchange->rest();
    if (!content) return failure(std::move(content).error());
    return failure(problem_in(exchange->status(), content_type, *content));
}

void wait_readable(const std::vector<const Exchange*>& exchanges, Duration limit) {
    std::vector<pollfd> entries;
    for (const Exchange* exchange : exchanges)
        entries.push_back({exchange->fd(), POLLIN, 0});
    ::poll(entries.data(), entries.size(), static_cast<int>(std::clamp<std::int64_t>(limit.count(), 0, 3'600'000)));
}

std::string percent_encode(std::string_view text) {
    std::string result;
    for (char letter : text) {
        bool plain = (letter >= 'a' && letter <= 'z') || (letter >= 'A' && letter <= 'Z') ||
                     (letter >= '0' && letter <= '9') || letter == '-' || letter == '.' || letter == '_' ||
                     letter == '~';
        result += plain ? std::string(1, letter) : fmt::format("%{:02X}", static_cast<unsigned char>(letter));
    }
    return result;
}

}  // namespace certd::ctl
