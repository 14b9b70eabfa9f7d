// The dialogue. Replies are short by the protocol's own limits; whoever sends more is refused.
#include "libacme/net/smtp.hpp"

#include "libacme/async/as_result.hpp"
#include "libacme/async/timeout.hpp"
#include "libacme/base/bytes.hpp"
#include "libacme/base/text.hpp"
#include "libacme/net/starttls.hpp"
#include "libacme/net/tls_context.hpp"
#include "libacme/net/tls_stream.hpp"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/buffer.hpp>
#include <boost/asio/write.hpp>

#include <algorithm>
#include <array>
#include <memory>

#include <fmt/format.h>

namespace certd {

namespace {

constexpr std::size_t reply_limit = 64 * 1024;

// The connection: in the clear, or over TLS.
class Wire {
   public:
    Wire(Clock& clock, const SmtpServer& server) : clock_(clock), server_(server), name_(to_string(server.address)) {}

    Task<> open() {
        socket_ = co_await connect_to(clock_, server_.address);
        if (server_.tls == SmtpTls::starttls) co_await start_tls(*socket_, StartTls::smtp, name_);
        if (server_.tls != SmtpTls::none) co_await begin_tls();
    }
    bool is_encrypted() const { return tls_ != nullptr; }
    const std::string& name() const { return name_; }

    Task<> write(std::string text) {
        if (tls_) {
            if (co_await tls_->write(text)) lost();
            co_return;
        }
        auto [error, written] =
            co_await asio::async_write(*socket_, asio::buffer(text), asio::as_tuple(asio::use_awaitable));
        check(error);
    }

    // Without its end of line.
    Task<std::string> line() {
        std::size_t end = 0;
        while ((end = input_.find('\n')) == std::string::npos) {
            if (input_.size() > reply_limit) fail("notify.mail", name_ + " sends a reply without end");
            co_await receive();
        }
        std::string line = input_.substr(0, end);
        input_.erase(0, end + 1);
        if (line.ends_with('\r')) line.pop_back();
        co_return line;
    }

    void close() {
        if (tls_) tls_->close();
    }

   private:
    Task<> begin_tls() {
        context_ =
            std::make_unique<asio::ssl::context>(verifying_context(server_.trust ? server_.trust : system_trust()));
        tls_ = std::make_unique<TlsStream>(std::move(socket_), *context_, name_);
        tls_->offer_no_protocol();
        tls_->set_server_name(server_.address.host);
        tls_->require_host(server_.address.host, clock_.now());
        co_await tls_->handshake();
    }

    Task<> receive() {
        std::array<char, 4096> buffer{};
        std::size_t count = 0;
        if (tls_) {
            auto [error, bytes] = co_await tls_->read_some(asio::buffer(buffer));
            if (error) lost();
            count = bytes;
        } else {
            auto [error, bytes] =
                co_await socket_->async_read_some(asio::buffer(buffer), asio::as_tuple(asio::use_awaitable));
            check(error);
            count = bytes;
        }
        input_.append(buffer.data(), count);
    }

    void check(boost::system::error_code error) const {
        if (error == asio::error::operation_aborted) throw boost::system::system_error(error);
        if (error) lost();
    }
    [[noreturn]] void lost() const { fail("net.closed", "The mail server " + name_ + " closed the connection"); }

    Clock& clock_;
    const SmtpServer& server_;
    std::string name_;
    std::unique_ptr<TcpSocket> socket_;
    std::unique_ptr<asio::ssl::context> context_;
    std::unique_ptr<TlsStream> tls_;
    std::string input_;
};

struct Reply {
    char kind = 0;  // its first digit: '2' done, '3' go on, '4' not now, '5' never
    std::vector<std::string> lines;
    std::string text() const { return join(lines, " "); }
};

// RFC 5321 §4.2: "250-" before each line but the last.
Task<Reply> read_reply(Wire& wire) {
    Reply reply;
    for (std::size_t octets = 0; octets < reply_limit;) {
        std::string line = co_await wire.line();
        octets += line.size();
        bool coded =
            line.size() >= 3 && std::ranges::all_of(line.substr(0, 3), [](char c) { return c >= '0' && c <= '9'; });
        if (!coded) fail("notify.mail", wire.name() + " does not answer as a mail server", line);
        reply.kind = line[0];
        reply.lines.push_back(line);
        if (line.size() == 3 || line[3] == ' ') co_return reply;
    }
    fail("notify.mail", wire.name() + " does not come to an end of its reply");
}

// `what` names the step: "the recipient ops@example.com".
Task<Reply> expect(Wire& wire, char kind, std::string what) {
    Reply reply = co_await read_reply(wire);
    if (reply.kind != kind) fail("notify.mail", fmt::format("{} refused {}", wire.name(), what), reply.text());
    co_return reply;
}

Task<Reply> ask(Wire& wire, std::string command, char kind, std::string what) {
    co_await wire.write(command + "\r\n");
    co_return co_await expect(wire, kind, std::move(what));
}

bool offers(const Reply& reply, std::string_view mechanism) {
    return std::ranges::any_of(reply.lines, [&](const std::string& line) {
        std::string text = lower_ascii(line.size() > 4 ? line.substr(4) : "");
        std::ranges::replace(text, '=', ' ');
        std::vector<std::string_view> words = split(text, ' ');
        return words.front() == "auth" && std::ranges::find(words, mechanism) != words.end();
    });
}

Task<> authenticate(Wire& wire, const Reply& greeting, const SmtpServer& server, bool is_near) {
    constexpr const char* what = "the user name or password";
    if (!wire.is_encrypted() && !is_near)
        fail("notify.mail", "The password is not sent to " + wire.name() + " without TLS");
    if (offers(greeting, "plain")) {
        std::string secret = std::string(1, '\0') + server.username + std::string(1, '\0') + server.password;
        co_await ask(wire, "AUTH PLAIN " + base64(as_bytes(secret)), '2', what);
    } else if (offers(greeting, "login")) {
        co_await ask(wire, "AUTH LOGIN", '3', "authentication");
        co_await ask(wire, base64(as_bytes(server.username)), '3', what);
        co_await ask(wire, base64(as_bytes(server.password)), '2', what);
    } else {
        fail("notify.mail", wire.name() + " offers neither AUTH PLAIN nor AUTH LOGIN", greeting.text());
    }
}

// RFC 5321 §4.5.2: a line that begins with a dot gets another one.
std::string dotted(std::string_view message) {
    std::string text;
    for (std::string_view line : split(message, '\n')) {
        if (line.starts_with('.')) text += '.';
        text.append(line).append("\n");
    }
    text.pop_back();
    if (!text.ends_with("\r\n")) text += "\r\n";
    return text + ".\r\n";
}

void check_address(const std::string& address) {
    bool plain = !address.empty() && std::ranges::all_of(address, [](char letter) {
        return letter > 0x20 && letter < 0x7F && letter != '<' && letter != '>';
    });
    if (!plain) fail("notify.mail", "Not a mail address: " + escape_untrusted(address, 200));
}

Task<std::string> converse(Clock& clock, SmtpServer server, Envelope envelope) {
    check_address(envelope.from);
    std::ranges::for_each(envelope.to, check_address);
    Wire wire(clock, server);
    co_await wire.open();
    if (server.tls != SmtpTls::starttls) co_await expect(wire, '2', "the connection");
    std::string own_name = server.own_name.empty() ? "[127.0.0.1]" : server.own_name;
    Reply greeting = co_await ask(wire, "EHLO " + own_name, '2', "the greeting");
    if (!server.username.empty()) co_await authenticate(wire, greeting, server, is_loopback(server.address.host));
    co_await ask(wire, fmt::format("MAIL FROM:<{}>", envelope.from), '2', "the sender " + envelope.from);
    for (const std::string& recipient : envelope.to)
        co_await ask(wire, fmt::format("RCPT TO:<{}>", recipient), '2', "the recipient " + recipient);
    co_await ask(wire, "DATA", '3', "the message");
    co_await wire.write(dotted(envelope.message));
    Reply taken = co_await expect(wire, '2', "the message");
    // The message is the server's now. What becomes of the farewell is of no interest (RFC 5321 §4.1.1.10).
    static_cast<void>(co_await as_result(wire.write("QUIT\r\n")));
    wire.close();
    co_return taken.text();
}

}  // namespace

Task<std::string> send_mail(Clock& clock, Duration limit, SmtpServer server, Envelope envelope) {
    std::string what = fmt::format("The mail server {} did not take the message within {}", to_string(server.address),
                                   format_duration(limit));
    co_return co_await with_timeout(clock, limit, "net.timeout", std::move(what),
                                    converse(clock, std::move(server), std::move(envelope)));
}

}  // namespace certd
