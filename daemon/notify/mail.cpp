// Mail: header fields that nothing can break out of, and a body in quoted-printable.
#include "daemon/notify/payload.hpp"

#include "libacme/base/bytes.hpp"
#include "libacme/base/text.hpp"
#include "libacme/crypto/digest.hpp"

#include <algorithm>

#include <fmt/format.h>

namespace certd {

namespace {

constexpr std::size_t line_limit = 76;           // of quoted-printable, without CRLF (RFC 2045 §6.7)
constexpr std::size_t encoded_word_octets = 45;  // 60 characters of base64 in a word of at most 75 (RFC 2047 §2)

bool is_printable_ascii(std::string_view text) {
    return std::ranges::all_of(text, [](char letter) { return letter >= 0x20 && letter < 0x7F; });
}

// One line without control characters, whatever came in.
std::string one_line(std::string_view text) {
    return escape_untrusted(text, 998);
}

// RFC 2047: words of whole UTF-8 sequences, one per line.
std::string header_text(std::string_view given) {
    std::string text = one_line(given);
    if (is_printable_ascii(text)) return text;
    std::string result;
    std::string_view rest = text;
    while (!rest.empty()) {
        std::size_t size = std::min(rest.size(), encoded_word_octets);
        while (size < rest.size() && (static_cast<unsigned char>(rest[size]) & 0xC0) == 0x80)
            --size;
        result +=
            fmt::format("{}=?UTF-8?B?{}?=", result.empty() ? "" : "\r\n ", base64(as_bytes(rest.substr(0, size))));
        rest.remove_prefix(size);
    }
    return result;
}

std::string quoted_printable(std::string_view text) {
    std::string result, line;
    auto end_line = [&](std::string_view ending) {
        result.append(line).append(ending);
        line.clear();
    };
    for (std::size_t i = 0; i < text.size(); ++i) {
        char letter = text[i];
        if (letter == '\n') {
            end_line("\r\n");
            continue;
        }
        bool before_end = i + 1 == text.size() || text[i + 1] == '\n';
        bool plain = (letter > 0x20 && letter < 0x7F && letter != '=') || (letter == ' ' && !before_end);
        std::string piece = plain ? std::string(1, letter) : fmt::format("={:02X}", static_cast<unsigned char>(letter));
        if (line.size() + piece.size() >= line_limit) end_line("=\r\n");
        line += piece;
    }
    if (!line.empty()) end_line("\r\n");
    return result;
}

// The same for the same incident and event, so that a message that is sent twice can be recognised.
std::string message_id(const Message& message, std::string_view what) {
    std::string digest = sha256_hex(fmt::format("{} {} {}", message.id, what, message.hostname)).substr(0, 32);
    return fmt::format("<{}.certd@{}>", digest, message.hostname);
}

}  // namespace

std::string mail_text(const config::NotifyEmail& email, const Message& message, Time now) {
    std::string text;
    auto add = [&](std::string_view name, std::string_view value) { text += fmt::format("{}: {}\r\n", name, value); };
    std::string root = message_id(message, "opened");
    std::string own = message.event == "opened" ? root : message_id(message, message.event + message.at);
    std::string date = format_http_date(std::chrono::floor<seconds>(now));
    date.replace(date.rfind("GMT"), 3, "+0000");  // RFC 5322 §3.3; "GMT" is obsolete there
    std::vector<std::string> recipients;
    for (const std::string& address : email.to)
        recipients.push_back(one_line(address));
    add("Date", date);
    add("From", one_line(email.from));
    add("To", join(recipients, ",\r\n "));
    add("Subject", header_text(message.subject));
    add("Message-ID", own);
    if (own != root && message.event != "test") {
        add("In-Reply-To", root);
        add("References", root);
    }
    add("Auto-Submitted", "auto-generated");  // RFC 3834: no automatic answers
    add("X-Certd-Event", one_line(message.event));
    add("X-Certd-Incident", header_text(message.incident));
    if (message.severity == "critical") add("Importance", "high");
    add("MIME-Version", "1.0");
    add("Content-Type", "text/plain; charset=utf-8");
    add("Content-Transfer-Encoding", "quoted-printable");
    return text + "\r\n" + quoted_printable(message.body);
}

}  // namespace certd
