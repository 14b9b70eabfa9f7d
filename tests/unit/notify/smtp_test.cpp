// The dialogue with a mail server that plays a script, each of its steps made to fail once.
#include "libacme/net/smtp.hpp"

#include "libacme/net/tls_context.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/raw_server.hpp"
#include "tests/support/run_task.hpp"
#include "tests/support/temp_directory.hpp"
#include "tests/support/test_authority.hpp"

#include <fmt/format.h>

using namespace certd;
using namespace certd::test;
using namespace std::chrono_literals;

namespace {

struct MailBed {
    TempDirectory directory;
    TestAuthority authority;
    std::string bundle = authority.write_bundle(directory.path());

    RawServerOptions options(bool clear_at_first, const std::string& name = "127.0.0.1") const {
        RawServerOptions made;
        made.identity = authority.issue({name});
        made.clear_at_first = clear_at_first;
        return made;
    }
    static SmtpServer server(const RawServer& raw, SmtpTls tls) {
        SmtpServer made;
        made.address = {"127.0.0.1", raw.port()};
        made.tls = tls;
        return made;
    }
    SmtpServer trusted(const RawServer& raw, SmtpTls tls) const {
        SmtpServer made = server(raw, tls);
        made.trust = load_ca_bundle(bundle);
        return made;
    }
};

Envelope envelope() {
    return {"certd@example.net", {"ops@example.com", "boss@example.com"}, "Subject: x\r\n\r\n.dot\r\nend\r\n"};
}

const RawScript begin_tls = {raw::Send{"220 mail.test ESMTP\r\n"},
                             raw::Expect{"EHLO [127.0.0.1]\r\n"},
                             raw::Send{"250-mail.test\r\n250 STARTTLS\r\n"},
                             raw::Expect{"STARTTLS\r\n"},
                             raw::Send{"220 go on\r\n"},
                             raw::StartTls{}};
const RawScript transaction = {raw::Expect{"MAIL FROM:<certd@example.net>\r\n"},
                               raw::Send{"250 ok\r\n"},
                               raw::Expect{"RCPT TO:<ops@example.com>\r\n"},
                               raw::Send{"250 ok\r\n"},
                               raw::Expect{"RCPT TO:<boss@example.com>\r\n"},
                               raw::Send{"250 ok\r\n"},
                               raw::Expect{"DATA\r\n"},
                               raw::Send{"354 go on\r\n"},
                               raw::Expect{"Subject: x\r\n\r\n..dot\r\nend\r\n.\r\n"},
                               raw::Send{"250 2.0.0 queued as 4711\r\n"},
                               raw::Expect{"QUIT\r\n"}};

RawScript greeted(const std::string& extensions) {
    return {raw::Expect{"EHLO [127.0.0.1]\r\n"}, raw::Send{"250-mail.test\r\n250 " + extensions + "\r\n"}};
}

RawScript joined(std::vector<RawScript> parts) {
    RawScript script;
    for (RawScript& part : parts)
        script.insert(script.end(), part.begin(), part.end());
    return script;
}

Task<std::string> send(SmtpServer server, Envelope mail, Duration limit) {
    SystemClock clock;
    co_return co_await send_mail(clock, limit, std::move(server), std::move(mail));
}

std::string sent(SmtpServer server) {
    return run_task(send(std::move(server), envelope(), seconds(5)));
}
Problem refused(SmtpServer server, Envelope mail = envelope(), Duration limit = seconds(5)) {
    return problem_from(send(std::move(server), std::move(mail), limit));
}

}  // namespace

TEST_CASE("a message is handed over with STARTTLS and AUTH PLAIN, its dots doubled") {
    MailBed bed;
    RawServer raw(bed.options(true), joined({begin_tls,
                                             greeted("AUTH LOGIN PLAIN"),
                                             {raw::Expect{"AUTH PLAIN AHVzZXIAcGFzcw==\r\n"}, raw::Send{"235 in\r\n"}},
                                             transaction}));
    SmtpServer server = bed.trusted(raw, SmtpTls::starttls);
    server.username = "user";
    server.password = "pass";
    CHECK(sent(server) == "250 2.0.0 queued as 4711");
}

TEST_CASE("a message is handed over with TLS from the start and AUTH LOGIN") {
    MailBed bed;
    RawServer raw(bed.options(false), joined({{raw::Send{"220 mail.test\r\n"}},
                                              greeted("AUTH=LOGIN"),
                                              {raw::Expect{"AUTH LOGIN\r\n"}, raw::Send{"334 VXNlcm5hbWU6\r\n"},
                                               raw::Expect{"dXNlcg==\r\n"}, raw::Send{"334 UGFzc3dvcmQ6\r\n"},
                                               raw::Expect{"cGFzcw==\r\n"}, raw::Send{"235 in\r\n"}},
                                              transaction}));
    SmtpServer server = bed.trusted(raw, SmtpTls::tls);
    server.username = "user";
    server.password = "pass";
    CHECK(sent(server) == "250 2.0.0 queued as 4711");
}

TEST_CASE("a message is handed over in the clear, under the name it is given") {
    MailBed bed;
    RawServer raw({}, joined({{raw::Send{"220-mail.test\r\n220 hello\r\n"}, raw::Expect{"EHLO web1.example.net\r\n"},
                               raw::Send{"250 mail.test\r\n"}},
                              transaction}));
    SmtpServer server = MailBed::server(raw, SmtpTls::none);
    server.own_name = "web1.example.net";
    CHECK(sent(server) == "250 2.0.0 queued as 4711");
}

TEST_CASE("whatever step the server refuses, its words are told and no message is taken for delivered") {
    MailBed bed;
    const RawScript whole = joined({{raw::Send{"220 mail.test\r\n"}},
                                    greeted("AUTH PLAIN"),
                                    {raw::Expect{"AUTH PLAIN AHVzZXIAcGFzcw==\r\n"}, raw::Send{"235 in\r\n"}},
                                    transaction});
    int steps = 0;
    for (std::size_t i = 0; i < whole.size(); ++i) {
        if (!std::holds_alternative<raw::Send>(whole[i])) continue;
        CAPTURE(i);
        for (const char* answer : {"554 5.7.1 not from you\r\n", "nonsense\r\n", ""}) {
            CAPTURE(answer);
            RawScript script(whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(i));
            if (*answer != '\0') script.push_back(raw::Send{answer});
            RawServer raw({}, script);
            SmtpServer server = MailBed::server(raw, SmtpTls::none);
            server.username = "user";
            server.password = "pass";
            Problem found = refused(server);
            CHECK(found.code == (*answer == '\0' ? "net.closed" : "notify.mail"));
            if (*answer == '5') CHECK(found.remote == "554 5.7.1 not from you");
            CHECK(found.what.find("pass") == found.what.find("password"));
        }
        ++steps;
    }
    CHECK(steps == 8);
}

TEST_CASE("a message that the server has taken is delivered, however the server goes away then") {
    RawScript script = joined({{raw::Send{"220 mail.test\r\n"}}, greeted("SIZE"), transaction});
    script.back() = raw::Reset{};  // in place of reading QUIT
    RawServer raw({}, script);
    for (int i = 0; i < 20; ++i)  // whether the reset comes before the farewell is up to chance
        CHECK(sent(MailBed::server(raw, SmtpTls::none)) == "250 2.0.0 queued as 4711");
}

TEST_CASE("a server that does not offer STARTTLS gets no message") {
    MailBed bed;
    RawServer raw({}, {raw::Send{"220 mail.test\r\n"}, raw::Expect{"EHLO [127.0.0.1]\r\n"},
                       raw::Send{"250 mail.test\r\n"}, raw::Hold{}});
    CHECK(refused(bed.trusted(raw, SmtpTls::starttls)).code == "tls.startTls");
}

TEST_CASE("a server with a certificate of somebody else gets no message") {
    MailBed bed;
    RawServer other_name(bed.options(true, "mail.elsewhere.test"), begin_tls);
    CHECK(refused(bed.trusted(other_name, SmtpTls::starttls)).code == "tls.wrongName");
    RawServer untrusted(bed.options(true), begin_tls);
    CHECK(refused(MailBed::server(untrusted, SmtpTls::starttls)).code == "tls.untrusted");
}

TEST_CASE("a server that offers no way to log in does not see the password") {
    MailBed bed;
    RawServer raw({}, joined({{raw::Send{"220 mail.test\r\n"}}, greeted("AUTH GSSAPI"), {raw::Hold{}}}));
    SmtpServer server = MailBed::server(raw, SmtpTls::none);
    server.username = "user";
    server.password = "pass";
    Problem found = refused(server);
    CHECK(found.code == "notify.mail");
    CHECK(found.what.find("offers neither AUTH PLAIN nor AUTH LOGIN") != std::string::npos);
}

TEST_CASE("a server that says nothing, or never comes to an end, is given up") {
    MailBed bed;
    RawServer silent({}, {raw::Hold{}});
    CHECK(refused(MailBed::server(silent, SmtpTls::none), envelope(), milliseconds(200)).code == "net.timeout");
    RawServer endless({}, {raw::Send{std::string(100'000, 'x')}, raw::Hold{}});
    CHECK(refused(MailBed::server(endless, SmtpTls::none)).code == "notify.mail");
}

TEST_CASE("an address that is none does not become a command") {
    MailBed bed;
    RawServer raw({}, {raw::Hold{}});
    Envelope mail = envelope();
    mail.to = {"ops@example.com>\r\nRCPT TO:<evil@example.org"};
    CHECK(refused(MailBed::server(raw, SmtpTls::none), mail).code == "notify.mail");
    CHECK(raw.connections() == 0);
}
