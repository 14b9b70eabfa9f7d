// Messages of mail: fields, encodings, and nothing that breaks out of a field.
#include "daemon/notify/payload.hpp"
#include "libacme/base/text.hpp"
#include "tests/unit/notify/builders.hpp"

#include <fmt/format.h>

using namespace certd;
using namespace certd::test;

namespace {

config::NotifyEmail email() {
    config::NotifyEmail mail;
    mail.from = "certd@example.net";
    mail.to = {"ops@example.com", "boss@example.com"};
    return mail;
}

Message opened() {
    return compose(Notice::opened, incident_of(deployment_failed()), start_of_tests, sender);
}

std::string field(const std::string& mail, const std::string& name) {
    std::size_t at = mail.find("\r\n" + name + ": ");
    if (at == std::string::npos) return "";
    at += name.size() + 4;
    return mail.substr(at, mail.find("\r\n", at) - at);
}

}  // namespace

TEST_CASE("a mail has the fields it needs and the text as it was written") {
    std::string mail = mail_text(email(), opened(), start_of_tests + seconds(3));
    CHECK(
        mail.starts_with("Date: Mon, 23 Nov 2026 00:00:03 +0000\r\nFrom: certd@example.net\r\n"
                         "To: ops@example.com,\r\n boss@example.com\r\n"
                         "Subject: [certd] example.com: deployment to web failed and was rolled back\r\n"
                         "Message-ID: <"));
    CHECK(field(mail, "Message-ID").ends_with(".certd@web1.example.net>"));
    CHECK(field(mail, "Auto-Submitted") == "auto-generated");
    CHECK(field(mail, "MIME-Version") == "1.0");
    CHECK(field(mail, "Content-Type") == "text/plain; charset=utf-8");
    CHECK(field(mail, "In-Reply-To").empty());
    CHECK(mail.find("\r\n\r\nexample.com: deployment to web failed and was rolled back\r\n\r\nSince:") !=
          std::string::npos);
    for (std::string_view line : split(mail, '\n')) {
        CHECK(line.size() <= 78 + 1);
        CHECK((line.empty() || line.ends_with('\r')));
    }
}

TEST_CASE("later mails about an incident refer to the first, and a repetition has the same id") {
    std::string first = mail_text(email(), opened(), start_of_tests);
    CHECK(field(mail_text(email(), opened(), start_of_tests + days(1)), "Message-ID") == field(first, "Message-ID"));
    Message reminder = compose(Notice::reminder, incident_of(deployment_failed()), start_of_tests + days(1), sender);
    std::string later = mail_text(email(), reminder, start_of_tests + days(1));
    CHECK(field(later, "Message-ID") != field(first, "Message-ID"));
    CHECK(field(later, "In-Reply-To") == field(first, "Message-ID"));
    CHECK(field(later, "References") == field(first, "Message-ID"));
}

TEST_CASE("nothing breaks out of a field") {
    Message message = opened();
    message.subject = "[certd] a\r\nBcc: victim@example.org\r\n\r\nbody";
    config::NotifyEmail mail = email();
    mail.from = "a@b\r\nX-Evil: 1";
    std::string text = mail_text(mail, message, start_of_tests);
    CHECK(text.find("\r\nBcc:") == std::string::npos);
    CHECK(text.find("\r\nX-Evil:") == std::string::npos);
    CHECK(field(text, "Subject") == "[certd] a\\x0D\\nBcc: victim@example.org\\x0D\\n\\x0D\\nbody");
}

TEST_CASE("letters beyond ASCII are encoded, in subject and body") {
    Message message = opened();
    message.subject = "[certd] Köln: die Verteilung zum Ziel wurde abgebrochen – nähere Umstände stehen im Text";
    message.body = "Grüße = 1\ntrailing blank \n" + std::string(100, 'x') + "\n";
    std::string text = mail_text(email(), message, start_of_tests);
    CHECK(text.find("Subject: =?UTF-8?B?W2NlcnRkXSBLw7Zsbjog") != std::string::npos);
    CHECK(text.find("?=\r\n =?UTF-8?B?") != std::string::npos);
    CHECK(text.find("Gr=C3=BC=C3=9Fe =3D 1\r\ntrailing blank=20\r\n") != std::string::npos);
    CHECK(text.find(std::string(75, 'x') + "=\r\n" + std::string(25, 'x') + "\r\n") != std::string::npos);
}
