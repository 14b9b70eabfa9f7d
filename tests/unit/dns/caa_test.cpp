// CAA: reading hostile records, climbing to the ones that hold, and what they mean for one CA, account and method
// (RFC 8659, RFC 8657, faults S8, F27).
#include "libacme/dns/caa.hpp"

#include "tests/support/catch.hpp"
#include "tests/support/fake_dns.hpp"
#include "tests/support/run_task.hpp"

using namespace certd;
using namespace certd::test;
using dns::CaaAnswer;
using dns::CaaProperty;
using dns::CaaSet;
using dns::Name;
using dns::Record;
using dns::Type;

namespace {

const std::string account = "https://ca.example/acct/1";

Name name(const std::string& text) {
    return Name::parse(text).value();
}

CaaSet set_of(std::vector<CaaProperty> properties) {
    return {name("example.org"), std::move(properties)};
}

dns::CaaQuestion question(const std::string& method = "http-01", bool wildcard = false) {
    return {{"ca.example", "old.ca.example"}, wildcard, account, method};
}

// A resolver over a server that says what it is made to say.
struct Lookup {
    explicit Lookup(FakeDns::Answer answer, Duration timeout = seconds(5)) : server(std::move(answer)) {
        dns::ResolverOptions options;
        options.servers = {server.endpoint()};
        options.timeout = timeout;
        resolver.emplace(clock, std::move(options));
    }
    explicit Lookup(std::vector<Record> records)
        : Lookup([records = std::move(records)](const FakeDns::Asked& asked) {
              return std::vector<Bytes>{dns::to_wire(answer_from(records, asked.message))};
          }) {}
    CaaSet relevant(const std::string& of) {
        dns::CaaLookup lookup(*resolver);
        return run_task(lookup.relevant(name(of)));
    }

    SystemClock clock;
    FakeDns server;
    std::optional<dns::Resolver> resolver;
};

}  // namespace

TEST_CASE("a CAA record is read with its flag, and damage is kept as such") {
    CHECK(dns::caa_of(record("a.org", Type::caa, "128 Issue ca.example")) == CaaProperty{true, "issue", "ca.example"});
    CHECK(dns::caa_of(record("a.org", Type::caa, "1 iodef mailto:x@a.org")) ==
          CaaProperty{false, "iodef", "mailto:x@a.org"});
    CHECK_FALSE(dns::caa_of(record("a.org", Type::txt, "128 issue ca.example")));
    for (Bytes data : {Bytes{}, Bytes{0}, Bytes{0, 0}, Bytes{0, 5, 'i', 's'}, Bytes{0, 255, 'i'}, Bytes{0, 1, '='},
                       Bytes{0, 2, 'a', 0}}) {
        Record damaged;
        damaged.type = Type::caa;
        damaged.data = data;
        CHECK(dns::caa_of(damaged) == CaaProperty{true, "", ""});
    }
}

TEST_CASE("an issue value has an issuer and parameters, by the grammar") {
    using Parameters = std::vector<std::pair<std::string, std::string>>;
    CHECK(dns::parse_issue_value("ca.example") == dns::IssueValue{"ca.example", {}});
    CHECK(dns::parse_issue_value("\t CA.Example ;\t") == dns::IssueValue{"ca.example", {}});
    CHECK(dns::parse_issue_value("") == dns::IssueValue{});
    CHECK(dns::parse_issue_value(";") == dns::IssueValue{});
    CHECK(dns::parse_issue_value("ca.example; a=b ; c-d = e=f;") ==
          dns::IssueValue{"ca.example", Parameters{{"a", "b"}, {"c-d", "e=f"}}});
    CHECK(dns::parse_issue_value("; a=") == dns::IssueValue{"", Parameters{{"a", ""}}});
    for (std::string_view text : {"ca..example", "-ca.example", "ca_.example", "ca.example.", "ca.example a=b",
                                  "ca.example; a", "ca.example; =b", "ca.example; a=b c", "ca.example; a=b;;c=d",
                                  "ca.example; %=b", "ca.example; a=\x01", "c\xc3\xa4.example", "ca.example; -a=b"}) {
        CAPTURE(text);
        CHECK_FALSE(dns::parse_issue_value(text));
    }
    CHECK_FALSE(dns::parse_issue_value(std::string("ca.example\0", 11)));
}

TEST_CASE("what CAA records mean for one CA, account and method") {
    struct Case {
        std::vector<CaaProperty> properties;
        std::string method;
        bool wildcard;
        CaaAnswer answer;
        std::string reason;
    };
    const std::string place = "CAA of example.org: ";
    const std::vector<Case> cases = {
        {{}, "http-01", false, CaaAnswer::allowed, "no CAA record restricts who may issue"},
        {{{false, "iodef", "mailto:a@b"}},
         "http-01",
         false,
         CaaAnswer::allowed,
         place + "nothing restricts who may issue"},
        {{{false, "issue", "Old.CA.example"}},
         "http-01",
         false,
         CaaAnswer::allowed,
         place + "old.ca.example may issue"},
        {{{false, "issue", "other.example"}, {false, "issue", "ca.example"}},
         "http-01",
         false,
         CaaAnswer::allowed,
         place + "ca.example may issue"},
        {{{false, "issue", "other.example"}, {false, "issue", "b.example; x=y"}},
         "http-01",
         false,
         CaaAnswer::forbidden,
         place + "only b.example, other.example may issue, and this CA is ca.example, old.ca.example"},
        {{{false, "issue", ";"}}, "http-01", false, CaaAnswer::forbidden, place + "it allows nobody to issue"},
        {{{false, "issue", "ca.example; broken"}},
         "http-01",
         false,
         CaaAnswer::forbidden,
         place + "its property \"ca.example; broken\" is against the grammar and allows nobody"},
        // A part of a name is not the name.
        {{{false, "issue", "evil-ca.example"}},
         "http-01",
         false,
         CaaAnswer::forbidden,
         place + "only evil-ca.example may issue, and this CA is ca.example, old.ca.example"},
        // Wildcards.
        {{{false, "issue", "ca.example"}, {false, "issuewild", ";"}},
         "dns-01",
         true,
         CaaAnswer::forbidden,
         place + "it allows nobody to issue"},
        {{{false, "issue", "ca.example"}, {false, "issuewild", ";"}},
         "dns-01",
         false,
         CaaAnswer::allowed,
         place + "ca.example may issue"},
        {{{false, "issue", "ca.example"}}, "dns-01", true, CaaAnswer::allowed, place + "ca.example may issue"},
        {{{false, "issue", ";"}, {false, "issuewild", "ca.example"}},
         "dns-01",
         true,
         CaaAnswer::allowed,
         place + "ca.example may issue"},
        {{{false, "issuewild", "other.example"}},
         "dns-01",
         false,
         CaaAnswer::allowed,
         place + "nothing restricts who may issue"},
        // Critical properties.
        {{{true, "issue", "ca.example"}, {true, "future", "x"}},
         "http-01",
         false,
         CaaAnswer::forbidden,
         place + "the critical property future is not known to CAs"},
        {{{true, "issue", "ca.example"}, {false, "future", "x"}, {true, "issuemail", "y"}},
         "http-01",
         false,
         CaaAnswer::allowed,
         place + "ca.example may issue"},
        {{{false, "issue", "ca.example"}, {true, "", ""}},
         "http-01",
         false,
         CaaAnswer::forbidden,
         place + "a record is damaged"},
        // RFC 8657.
        {{{false, "issue", "ca.example; accounturi=" + account}},
         "http-01",
         false,
         CaaAnswer::allowed,
         place + "ca.example may issue"},
        {{{false, "issue", "ca.example; accounturi=" + account + "/"}},
         "http-01",
         false,
         CaaAnswer::forbidden,
         place + "only the account " + account + "/ may order, and this is " + account},
        {{{false, "issue", "ca.example; accounturi=x; accounturi=" + account}},
         "http-01",
         false,
         CaaAnswer::forbidden,
         place + "its property for this CA names several accounts"},
        {{{false, "issue", "ca.example; validationmethods=dns-01,http-01"}},
         "http-01",
         false,
         CaaAnswer::allowed,
         place + "ca.example may issue"},
        {{{false, "issue", "ca.example; validationmethods=dns-01"}},
         "http-01",
         false,
         CaaAnswer::forbidden,
         place + "only the methods dns-01 are allowed, not http-01"},
        {{{false, "issue", "ca.example; validationmethods="}},
         "http-01",
         false,
         CaaAnswer::forbidden,
         place + "only the methods  are allowed, not http-01"},
        {{{false, "issue", "ca.example; validationmethods=http-01; validationmethods=http-01"}},
         "http-01",
         false,
         CaaAnswer::forbidden,
         place + "its property for this CA lists methods several times"},
        {{{false, "issue", "ca.example; validationmethods=dns-01"},
          {false, "issue", "ca.example; accounturi=" + account}},
         "http-01",
         false,
         CaaAnswer::allowed,
         place + "ca.example may issue"},
        {{{false, "issue", "ca.example; policy=ev"}},
         "http-01",
         false,
         CaaAnswer::unclear,
         place + "ca.example may issue under the condition policy=ev, which the CA may not know"},
        // A refusal that is about this CA explains more than one that is not.
        {{{false, "issue", "other.example"}, {false, "issue", "ca.example; validationmethods=dns-01"}},
         "http-01",
         false,
         CaaAnswer::forbidden,
         place + "only the methods dns-01 are allowed, not http-01"},
    };
    for (const Case& row : cases) {
        CAPTURE(row.reason);
        dns::CaaSet set = set_of(row.properties);
        dns::CaaVerdict verdict = judge_caa(set, question(row.method, row.wildcard));
        CHECK(verdict.answer == row.answer);
        CHECK(verdict.reason == row.reason);
    }
}

TEST_CASE("without an account, or a CA that says who it is, CAA records are not decided") {
    dns::CaaQuestion asked = question();
    asked.account_url.clear();
    CHECK(judge_caa(set_of({{false, "issue", "ca.example; accounturi=" + account}}), asked).reason ==
          "CAA of example.org: only the account " + account + " may order, and there is no account yet");
    CHECK(judge_caa(set_of({{false, "issue", "ca.example"}}), asked).answer == CaaAnswer::allowed);
    asked = question();
    asked.identities.clear();
    CHECK(judge_caa(set_of({{false, "issue", "ca.example"}}), asked).answer == CaaAnswer::unclear);
    CHECK(judge_caa(set_of({{false, "issue", ";"}}), asked).answer == CaaAnswer::forbidden);
}

TEST_CASE("texts of others are shown escaped") {
    auto verdict = judge_caa(set_of({{false, "issue", "ca.example\x1b[2J"}}), question());
    CHECK(verdict.answer == CaaAnswer::forbidden);
    CHECK(verdict.reason.find('\x1b') == std::string::npos);
}

TEST_CASE("the records of the nearest parent hold, and each name is asked for once") {
    Lookup lookup({record("org", Type::soa, "ns.org"), record("example.org", Type::caa, "0 issue ca.example"),
                   record("org", Type::caa, "0 issue registry.example"),
                   record("b.example.org", Type::caa, "0 iodef mailto:x@b.example.org")});
    CHECK(lookup.relevant("a.b.c.example.org").found_at == name("example.org"));
    CHECK(lookup.relevant("example.org").properties == std::vector<CaaProperty>{{false, "issue", "ca.example"}});
    // A set without a property that restricts ends the climb as well (RFC 8659 §3).
    CHECK(lookup.relevant("b.example.org").found_at == name("b.example.org"));
    CHECK(lookup.relevant("example.com").found_at.is_root());
    dns::CaaLookup twice(*lookup.resolver);
    std::size_t before = lookup.server.questions().size();
    run_task(twice.relevant(name("x.example.org")));
    run_task(twice.relevant(name("y.example.org")));
    CHECK(lookup.server.questions().size() == before + 3);
}

TEST_CASE("CNAMEs are followed to their records, not to the parents of their target") {
    SECTION("by asking, where the server does not bring them along") {
        Lookup lookup({record("a.example.org", Type::cname, "b.example.net"),
                       record("b.example.net", Type::cname, "c.example.com"),
                       record("c.example.com", Type::caa, "0 issue ca.example")});
        CHECK(lookup.relevant("a.example.org").properties.size() == 1);
        CHECK(lookup.relevant("a.example.org").found_at == name("a.example.org"));
    }
    SECTION("in the answer itself") {
        Lookup lookup([](const FakeDns::Asked& asked) {
            dns::Message reply = reply_to(asked.message);
            reply.answers = {record("a.example.org", Type::cname, "b.example.net"),
                             record("b.example.net", Type::caa, "0 issue ca.example"),
                             record("x.example.net", Type::caa, "0 issue evil.example")};
            return std::vector<Bytes>{dns::to_wire(reply)};
        });
        CHECK(lookup.relevant("a.example.org").properties == std::vector<CaaProperty>{{false, "issue", "ca.example"}});
        CHECK(lookup.server.questions().size() == 1);
    }
    SECTION("and back to the parents of the name asked for") {
        Lookup lookup({record("a.example.org", Type::cname, "b.example.net"),
                       record("example.net", Type::caa, "0 issue evil.example"),
                       record("example.org", Type::caa, "0 issue ca.example")});
        CHECK(lookup.relevant("a.example.org").found_at == name("example.org"));
    }
}

TEST_CASE("hostile answers to CAA questions end with a problem or with nothing, never with a crash") {
    auto always = [](std::function<void(dns::Message&)> fill) {
        return [fill](const FakeDns::Asked& asked) {
            dns::Message reply = reply_to(asked.message);
            fill(reply);
            return std::vector<Bytes>{dns::to_wire(reply)};
        };
    };
    SECTION("a CNAME to itself") {
        Lookup lookup(always([](dns::Message& reply) {
            Record alias = record("x", Type::cname, "x");
            alias.name = reply.questions[0].name;
            alias.data.assign(alias.name.wire().begin(), alias.name.wire().end());
            reply.answers = {alias};
        }));
        CHECK_THROWS_WITH(lookup.relevant("a.org"), Catch::Contains("The CNAMEs of a.org lead nowhere"));
    }
    SECTION("CNAMEs without end") {
        Lookup lookup(always([](dns::Message& reply) {
            Record alias = record("x", Type::cname, "x" + reply.questions[0].name.text());
            alias.name = reply.questions[0].name;
            reply.answers = {alias};
        }));
        CHECK_THROWS_WITH(lookup.relevant("a.org"), Catch::Contains("lead nowhere"));
        CHECK(lookup.server.questions().size() == 11);
    }
    SECTION("records of other names, types and classes") {
        Lookup lookup(always([](dns::Message& reply) {
            Record foreign = record("a.org", Type::caa, "0 issue ca.example");
            foreign.klass = dns::Class::any;
            reply.answers = {record("a.org", Type::soa, "ns.a.org"), record("b.org", Type::caa, "0 issue evil.example"),
                             record("a.org", Type::txt, "0 issue evil.example"), foreign};
        }));
        CHECK(lookup.relevant("a.org").properties.empty());
    }
    SECTION("a damaged record counts as damage") {
        Lookup lookup(always([](dns::Message& reply) {
            Record damaged = record("a.org", Type::caa, "0 issue ca.example");
            damaged.name = reply.questions[0].name;
            damaged.data[1] = 200;
            reply.answers = {damaged};
        }));
        CHECK(judge_caa(lookup.relevant("a.org"), question()).answer == CaaAnswer::forbidden);
    }
    SECTION("64 KiB of records, over TCP") {
        Lookup lookup([](const FakeDns::Asked& asked) {
            dns::Message reply = reply_to(asked.message);
            reply.truncated = !asked.over_tcp;
            Record large = record("a.org", Type::caa, "0 issue " + std::string(60000, 'x'));
            large.name = asked.message.questions[0].name;
            if (asked.over_tcp) reply.answers = {large};
            return std::vector<Bytes>{dns::to_wire(reply)};
        });
        auto verdict = judge_caa(lookup.relevant("a.org"), question());
        CHECK(verdict.answer == CaaAnswer::forbidden);
        CHECK(verdict.reason.size() < 1000);
    }
    SECTION("failure of the name server") {
        Lookup lookup(always([](dns::Message& reply) { reply.rcode = dns::Rcode::serv_fail; }));
        CHECK_THROWS_WITH(lookup.relevant("a.org"), Catch::Contains("SERVFAIL"));
    }
    SECTION("answers to another question") {
        Lookup lookup(
            [](const FakeDns::Asked& asked) {
                dns::Message reply = reply_to(asked.message);
                reply.questions[0].name = name("b.org");
                reply.answers = {record("b.org", Type::caa, "0 issue evil.example")};
                return std::vector<Bytes>{dns::to_wire(reply)};
            },
            milliseconds(200));
        CHECK_THROWS_WITH(lookup.relevant("a.org"), Catch::Contains("did not answer the question"));
    }
}
