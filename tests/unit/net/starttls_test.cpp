#include "libacme/net/starttls.hpp"

#include "libacme/net/tls_probe.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/raw_server.hpp"
#include "tests/support/run_task.hpp"
#include "tests/support/test_authority.hpp"

using namespace certd;
using namespace certd::test;
using namespace std::string_literals;

namespace {

RawServerOptions clear_server() {
    const TestAuthority authority("Anybody's");
    RawServerOptions options;
    options.identity = authority.issue({"mail.example"});
    options.clear_at_first = true;
    return options;
}

ProbeRequest probe_of(const RawServer& server, StartTls start, Duration timeout = seconds(5)) {
    return {"127.0.0.1:" + std::to_string(server.port()), "mail.example", timeout, {}, start};
}

Problem refusal(StartTls start, RawScript script) {
    RawServer server(clear_server(), std::move(script));
    SystemClock clock;
    return problem_from(probe_tls(clock, probe_of(server, start)));
}

std::string ldap_question() {
    return "\x30\x1d\x02\x01\x01\x77\x18\x80\x16"s + "1.3.6.1.4.1.1466.20037";
}

}  // namespace

TEST_CASE("each protocol's own words lead to TLS, and the certificate served there is seen") {
    const auto consent_of_ldap = GENERATE("\x30\x0c\x02\x01\x01\x78\x07\x0a\x01\x00\x04\x00\x04\x00"s,
                                          "\x30\x84\0\0\0\x10\x02\x01\x01\x78\x84\0\0\0\x07\x0a\x01\0\x04\0\x04\0"s);
    const std::vector<std::pair<StartTls, RawScript>> dialogues{
        {StartTls::smtp,
         {raw::Send{"220-mail.example\r\n220 ESMTP\r\n"}, raw::Expect{"EHLO [127.0.0.1]\r\n"},
          raw::Send{"250-mail.example\r\n250-SIZE 1000\r\n250-starttls\r\n250 HELP\r\n"}, raw::Expect{"STARTTLS\r\n"},
          raw::Send{"220 Go ahead\r\n"}, raw::StartTls{}, raw::Hold{}}},
        {StartTls::imap,
         {raw::Send{"* OK [CAPABILITY IMAP4rev1 STARTTLS] ready\r\n"}, raw::Expect{"certd STARTTLS\r\n"},
          raw::Send{"* NO a warning\r\ncertd OK Begin\r\n"}, raw::StartTls{}, raw::Hold{}}},
        {StartTls::pop3,
         {raw::Send{"+OK ready\r\n"}, raw::Expect{"STLS\r\n"}, raw::Send{"+OK\r\n"}, raw::StartTls{}, raw::Hold{}}},
        {StartTls::ftp,
         {raw::Send{"220-Welcome\r\n 230 is not the end\r\nnor this\r\n220 ready\r\n"}, raw::Expect{"AUTH TLS\r\n"},
          raw::Send{"234 AUTH TLS successful\r\n"}, raw::StartTls{}, raw::Hold{}}},
        {StartTls::ldap, {raw::Expect{ldap_question()}, raw::Send{consent_of_ldap}, raw::StartTls{}, raw::Hold{}}},
        {StartTls::postgres,
         {raw::Expect{"\0\0\0\x08\x04\xd2\x16\x2f"s}, raw::Send{"S"}, raw::StartTls{}, raw::Hold{}}},
    };
    const auto options = clear_server();
    for (const auto& [start, script] : dialogues) {
        CAPTURE(start_tls_name(start));
        RawServer server(options, script);
        SystemClock clock;
        const Served served = run_task(probe_tls(clock, probe_of(server, start)));
        CHECK(served.fingerprint == parse_chain(options.identity->chain_pem)->front().fingerprint_sha256());
        CHECK(server.server_names() == std::vector<std::string>{"mail.example"});
        CHECK(start_tls_from(start_tls_name(start)) == start);
    }
    CHECK_FALSE(start_tls_from("gopher"));
}

TEST_CASE("a server that refuses TLS, lacks it or speaks another protocol is named with its words") {
    const auto greeting = raw::Send{"220 mail.example\r\n"};
    const auto hello = raw::Expect{"EHLO [127.0.0.1]\r\n"};
    Problem lacking = refusal(StartTls::smtp, {greeting, hello, raw::Send{"250 HELP\r\n"}, raw::Hold{}});
    CHECK(lacking.code == "tls.startTls");
    CHECK(lacking.what.find("does not offer STARTTLS (smtp)") != std::string::npos);
    Problem refused =
        refusal(StartTls::smtp, {greeting, hello, raw::Send{"250 STARTTLS\r\n"}, raw::Expect{"STARTTLS\r\n"},
                                 raw::Send{"454 TLS not available \x1b[2J\r\n"}, raw::Hold{}});
    CHECK(refused.remote.find("454 TLS not available") != std::string::npos);
    CHECK(refused.what.find("454") == std::string::npos);

    CHECK(refusal(StartTls::imap, {raw::Send{"* BYE full\r\n"}, raw::Hold{}}).code == "tls.startTls");
    CHECK(refusal(StartTls::imap, {raw::Send{"* OK\r\n"}, raw::Send{"certd BAD unknown\r\n"}, raw::Hold{}}).code ==
          "tls.startTls");
    CHECK(refusal(StartTls::pop3, {raw::Send{"+OK\r\n"}, raw::Send{"-ERR\r\n"}, raw::Hold{}}).code == "tls.startTls");
    CHECK(refusal(StartTls::ftp, {raw::Send{"220 ready\r\n"}, raw::Send{"502 what?\r\n"}, raw::Hold{}}).code ==
          "tls.startTls");
    CHECK(refusal(StartTls::postgres, {raw::Send{"N"}, raw::Hold{}}).what.find("no TLS switched on") !=
          std::string::npos);
    CHECK(refusal(StartTls::postgres, {raw::Send{"E\0\0\0\x10"s}, raw::Hold{}}).code == "tls.startTls");
    // resultCode protocolError (2): the server knows no StartTLS.
    Problem ldap =
        refusal(StartTls::ldap, {raw::Send{"\x30\x0c\x02\x01\x01\x78\x07\x0a\x01\x02\x04\x00\x04\x00"s}, raw::Hold{}});
    CHECK(ldap.what.find("result code 2") != std::string::npos);
    CHECK(refusal(StartTls::ldap, {raw::Send{"HTTP/1.1 400 Bad Request\r\n\r\n"}, raw::Hold{}}).code == "tls.startTls");
}

TEST_CASE("a server that closes, never ends its line or its answer, or talks on before TLS is refused") {
    for (const StartTls start :
         {StartTls::smtp, StartTls::imap, StartTls::pop3, StartTls::ftp, StartTls::ldap, StartTls::postgres}) {
        CAPTURE(start_tls_name(start));
        CHECK(refusal(start, {raw::Close{}}).code == "tls.startTls");
    }
    CHECK(refusal(StartTls::smtp, {raw::Send{std::string(5000, '2')}, raw::Hold{}}).what.find("without end") !=
          std::string::npos);
    std::string endless;
    for (int i = 0; i < 200; ++i)
        endless += "220-more\r\n";
    CHECK(refusal(StartTls::smtp, {raw::Send{endless}, raw::Hold{}}).what.find("end of its answer") !=
          std::string::npos);
    // CVE-2011-0411: what comes along with the consent would be read as if it had come under TLS.
    const auto talks_on = refusal(StartTls::pop3, {raw::Send{"+OK\r\n"}, raw::Expect{"STLS\r\n"},
                                                   raw::Send{"+OK\r\n+OK injected\r\n"}, raw::Hold{}});
    CHECK(talks_on.what.find("sends more before TLS") != std::string::npos);
    // Lengths that lie: 2 GiB, none at all, and a body that ends before its result.
    CHECK(refusal(StartTls::ldap, {raw::Send{"\x30\x84\x7f\xff\xff\xff"s}, raw::Hold{}}).code == "tls.startTls");
    CHECK(refusal(StartTls::ldap, {raw::Send{"\x30\x80"s}, raw::Hold{}}).code == "tls.startTls");
    CHECK(refusal(StartTls::ldap, {raw::Send{"\x30\x06\x02\x01\x01\x78\x0a\x01"s}, raw::Hold{}}).code ==
          "tls.startTls");
}

TEST_CASE("a dialogue that does not go on ends with the probe's time") {
    RawServer server(clear_server(), {raw::Hold{}});
    SystemClock clock;
    CHECK(problem_from(probe_tls(clock, probe_of(server, StartTls::smtp, milliseconds(200)))).code == "net.timeout");
}
