// The six dialogues. Lines are short and few by the protocols' own limits; whoever sends more is refused.
#include "libacme/net/starttls.hpp"

#include "libacme/base/problem.hpp"

#include <algorithm>
#include <array>
#include <utility>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/buffer.hpp>
#include <boost/asio/write.hpp>

namespace certd {
namespace {

constexpr std::size_t line_limit = 2048;
constexpr int lines_limit = 100;

// One dialogue: what was read and not yet used, and the words for what goes wrong.
class Dialogue {
   public:
    Dialogue(TcpSocket& socket, StartTls protocol, std::string name)
        : socket_(socket), protocol_(protocol), name_(std::move(name)) {}

    Task<> say(std::string text) {
        const auto [error, written] =
            co_await asio::async_write(socket_, asio::buffer(text), asio::as_tuple(asio::use_awaitable));
        if (error) lost(error);
    }

    // Without its end of line.
    Task<std::string> line() {
        std::size_t end = 0;
        while ((end = received_.find('\n')) == std::string::npos) {
            if (received_.size() > line_limit) refuse("sends a line without end");
            co_await receive();
        }
        std::string line = received_.substr(0, end);
        received_.erase(0, end + 1);
        if (line.ends_with('\r')) line.pop_back();
        co_return line;
    }

    Task<std::string> octets(std::size_t count) {
        while (received_.size() < count)
            co_await receive();
        std::string octets = received_.substr(0, count);
        received_.erase(0, count);
        co_return octets;
    }

    // A reply of SMTP or FTP: its code, "250-" before each line but the last (RFC 5321 §4.2.1, RFC 959 §4.2). The lines
    // are given without their codes.
    Task<std::vector<std::string>> reply(std::string code) {
        std::vector<std::string> lines;
        while (lines.size() < lines_limit) {
            std::string line = co_await this->line();
            const bool last = line.starts_with(code) && (line.size() == code.size() || line[code.size()] == ' ');
            const bool free =
                protocol_ == StartTls::ftp && !lines.empty();  // FTP leaves the lines between to the server
            if (!last && !free && !line.starts_with(code + "-")) refuse("does not answer with " + code, line);
            lines.push_back(line.size() > 4 ? line.substr(4) : "");
            if (last) co_return lines;
        }
        refuse("does not come to an end of its answer");
    }

    void expect_silence() const {
        if (!received_.empty()) refuse("sends more before TLS has begun", received_);
    }

    [[noreturn]] void refuse(const std::string& what, std::string remote = {}) const {
        fail("tls.startTls", name_ + " " + what + " (" + std::string(start_tls_name(protocol_)) + ")",
             std::move(remote));
    }

   private:
    Task<> receive() {
        std::array<char, 1024> buffer{};
        const auto [error, count] =
            co_await socket_.async_read_some(asio::buffer(buffer), asio::as_tuple(asio::use_awaitable));
        if (error) lost(error);
        received_.append(buffer.data(), count);
    }

    [[noreturn]] void lost(boost::system::error_code error) const {
        if (error == asio::error::operation_aborted) throw boost::system::system_error(error);
        refuse("closed the connection before TLS (" + error.message() + ")");
    }

    TcpSocket& socket_;
    StartTls protocol_;
    std::string name_;
    std::string received_;
};

std::string upper(std::string text) {
    std::ranges::transform(text, text.begin(),
                           [](char c) { return c >= 'a' && c <= 'z' ? static_cast<char>(c - 32) : c; });
    return text;
}

// RFC 3207 §4. The address literal says no more about this machine than the connection does (RFC 5321 §4.1.3).
Task<> ask_smtp(Dialogue& dialogue) {
    co_await dialogue.reply("220");
    co_await dialogue.say("EHLO [127.0.0.1]\r\n");
    const auto extensions = co_await dialogue.reply("250");
    const bool offered =
        std::ranges::any_of(extensions, [](const std::string& line) { return upper(line) == "STARTTLS"; });
    if (!offered) dialogue.refuse("does not offer STARTTLS");
    co_await dialogue.say("STARTTLS\r\n");
    co_await dialogue.reply("220");
}

// RFC 9051 §6.2.1; §7.1: the greeting is untagged.
Task<> ask_imap(Dialogue& dialogue) {
    const std::string greeting = co_await dialogue.line();
    if (!upper(greeting).starts_with("* OK")) dialogue.refuse("does not greet as an IMAP server", greeting);
    co_await dialogue.say("certd STARTTLS\r\n");
    for (int i = 0; i < lines_limit; ++i) {
        const std::string line = upper(co_await dialogue.line());
        if (line.starts_with("* ")) continue;
        if (!line.starts_with("CERTD OK")) dialogue.refuse("does not begin TLS", line);
        co_return;
    }
    dialogue.refuse("does not come to an end of its answer");
}

Task<> ask_pop3(Dialogue& dialogue) {
    const std::string greeting = co_await dialogue.line();
    if (!greeting.starts_with("+OK")) dialogue.refuse("does not greet as a POP3 server", greeting);
    co_await dialogue.say("STLS\r\n");
    const std::string line = co_await dialogue.line();
    if (!line.starts_with("+OK")) dialogue.refuse("does not begin TLS", line);
}

Task<> ask_ftp(Dialogue& dialogue) {
    co_await dialogue.reply("220");
    co_await dialogue.say("AUTH TLS\r\n");
    co_await dialogue.reply("234");
}

// An ExtendedRequest with the OID of StartTLS, and the ExtendedResponse with resultCode success (RFC 4511 §4.12,
// §4.14).
Task<> ask_ldap(Dialogue& dialogue) {
    constexpr std::string_view oid = "1.3.6.1.4.1.1466.20037";
    co_await dialogue.say(std::string("\x30\x1d\x02\x01\x01\x77\x18\x80\x16", 9).append(oid));
    const std::string head = co_await dialogue.octets(2);
    auto length = static_cast<unsigned char>(head[1]);
    std::size_t size = length;
    if (length > 0x80 && length <= 0x84) {  // servers like to write the long form with four octets
        size = 0;
        for (const char octet : co_await dialogue.octets(length - 0x80U))
            size = size << 8U | static_cast<unsigned char>(octet);
    }
    if (head[0] != 0x30 || length == 0x80 || length > 0x84 || size > line_limit)
        dialogue.refuse("does not answer as an LDAP server");
    const std::string body = co_await dialogue.octets(size);
    // messageID 1, [APPLICATION 24], its length in either form, ENUMERATED of one octet: resultCode.
    constexpr std::string_view start{"\x02\x01\x01\x78", 4};
    const auto result = body.find(std::string_view("\x0a\x01", 2), start.size());
    if (!body.starts_with(start) || result == std::string::npos || result > start.size() + 5 ||
        result + 2 >= body.size())
        dialogue.refuse("does not answer as an LDAP server");
    if (body[result + 2] != 0)
        dialogue.refuse("does not begin TLS: result code " +
                        std::to_string(static_cast<unsigned char>(body[result + 2])));
}

// PostgreSQL's protocol 3.0, message SSLRequest: length 8, code 80877103.
Task<> ask_postgres(Dialogue& dialogue) {
    co_await dialogue.say(std::string("\0\0\0\x08\x04\xd2\x16\x2f", 8));
    const std::string answer = co_await dialogue.octets(1);
    if (answer == "N") dialogue.refuse("has no TLS switched on");
    if (answer != "S") dialogue.refuse("does not answer as a PostgreSQL server");
}

}  // namespace

Task<> start_tls(TcpSocket& socket, StartTls protocol, std::string name) {
    Dialogue dialogue(socket, protocol, std::move(name));
    switch (protocol) {
        case StartTls::none:
            break;
        case StartTls::smtp:
            co_await ask_smtp(dialogue);
            break;
        case StartTls::imap:
            co_await ask_imap(dialogue);
            break;
        case StartTls::pop3:
            co_await ask_pop3(dialogue);
            break;
        case StartTls::ftp:
            co_await ask_ftp(dialogue);
            break;
        case StartTls::ldap:
            co_await ask_ldap(dialogue);
            break;
        case StartTls::postgres:
            co_await ask_postgres(dialogue);
            break;
    }
    dialogue.expect_silence();
}

}  // namespace certd
