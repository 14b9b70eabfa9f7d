// The names of account records, the records of dns-persist-01, and the solver that looks for them
// (draft-ietf-acme-dns-account-label-02, draft-ietf-acme-dns-persist-01, faults S8, F27).
#include "daemon/dns/challenge_names.hpp"
#include "daemon/dns/dns_persist01.hpp"
#include "tests/support/fake_dns.hpp"
#include "tests/unit/dns/provider_fixture.hpp"

using namespace certd;
using namespace certd::test;
using dns::Record;
using dns::Type;

namespace {

const std::string account = "https://ca.example/acct/1";
const Time now{days(20000)};  // 1,728,000,000 s

PersistQuestion question(bool wildcard = false) {
    return {{"ca.example", "ca.test"}, account, wildcard, now};
}

acme::ChallengeTask task(bool wildcard = false) {
    acme::ChallengeTask made;
    made.identifier = {Identifier::Type::dns, "example.org"};
    made.wildcard = wildcard;
    made.type = "dns-persist-01";
    made.account_url = account;
    made.issuers = {"ca.example"};
    return made;
}

// A name server that is resolver and authority at once.
struct Looked {
    explicit Looked(std::vector<Record> with) : records(std::move(with)) {
        records.push_back(record("example.org", Type::soa, "ns1.example.org"));
        options.resolvers = options.servers = {dns::text_of(server.endpoint())};
    }
    std::vector<Record> records;
    FakeDns server{[this](const FakeDns::Asked& asked) {
        return std::vector<Bytes>{dns::to_wire(answer_from(records, asked.message))};
    }};
    DnsBed bed;
    config::DnsPersist01 options;
};

}  // namespace

TEST_CASE("the label of an account is the draft's example, and changes with the account") {
    CHECK(account_label("https://example.com/acme/acct/ExampleAccount") == "_ujmmovf2vn55tgye");
    CHECK(account_label("https://example.com/acme/acct/ExampleAccount/") != "_ujmmovf2vn55tgye");
    CHECK(account_label("").size() == 17);
    CHECK(
        challenge_record_name("dns-account-01", "example.org", "https://example.com/acme/acct/ExampleAccount").text() ==
        "_ujmmovf2vn55tgye._acme-challenge.example.org");
    CHECK(challenge_record_name("dns-01", "example.org", "x").text() == "_acme-challenge.example.org");
    CHECK(challenge_record_name("dns-persist-01", "example.org", "x").text() == "_validation-persist.example.org");
    std::string label(60, 'a');
    CHECK_THROWS_WITH(challenge_record_name("dns-account-01", label + "." + label + "." + label + "." + label, "x"),
                      Catch::Contains("too long"));
}

TEST_CASE("the record to publish is one line of a zone file") {
    Identifier plain{Identifier::Type::dns, "example.org"}, wild{Identifier::Type::dns, "*.example.org"};
    CHECK(persist_line(plain, "ca.example", account) ==
          "_validation-persist.example.org. IN TXT \"ca.example; accounturi=https://ca.example/acct/1\"");
    CHECK(persist_line(wild, "ca.example", account) ==
          "_validation-persist.example.org. IN TXT \"ca.example; accounturi=https://ca.example/acct/1; "
          "policy=wildcard\"");
    // Character-strings hold 255 octets.
    std::string line = persist_line(plain, "ca.example", "https://ca.example/" + std::string(300, 'a'));
    CHECK(line.find("a\" \"a") != std::string::npos);
    // What was published so proves what it is for.
    CHECK(judge_persist(persist_value("ca.example", account, true), question(true)).proves);
}

TEST_CASE("what a published record proves") {
    struct Case {
        std::string text;
        bool wildcard, proves;
        std::string why_not;
    };
    const std::vector<Case> cases = {
        {"ca.example; accounturi=" + account, false, true, ""},
        {"CA.Example;AccountURI=" + account, false, true, ""},
        {"ca.test; accounturi=" + account + "; future=x", false, true, ""},
        {"ca.example; accounturi=" + account + "; policy=WildCard", true, true, ""},
        {"ca.example; accounturi=" + account + "; policy=wildcard", false, true, ""},
        {"ca.example; accounturi=" + account + "; persistUntil=1728000001", false, true, ""},
        {"ca.example; accounturi=" + account, true, false, "the record for ca.example lacks policy=wildcard"},
        {"ca.example; accounturi=" + account + "; policy=other", true, false,
         "the record for ca.example lacks policy=wildcard"},
        {"ca.example; accounturi=" + account + "0", false, false,
         "a record for ca.example is for the account https://ca.example/acct/10"},
        {"ca.example", false, false, "a record for ca.example lacks accounturi or says something twice"},
        {"ca.example; accounturi=" + account + "; accounturi=" + account, false, false,
         "a record for ca.example lacks accounturi or says something twice"},
        {"ca.example; accounturi=" + account + "; persistUntil=1728000000", false, false,
         "the record for ca.example ran out at 2024-10-04T00:00:00Z"},
        {"ca.example; accounturi=" + account + "; persistUntil=soon", false, false,
         "the persistUntil of the record for ca.example is no number of seconds"},
        {"ca.example; accounturi=" + account + "; persistUntil=-1", false, false,
         "the persistUntil of the record for ca.example is no number of seconds"},
        {"ca.example; accounturi=" + account + "; persistUntil=99999999999999999999", false, false,
         "the persistUntil of the record for ca.example is no number of seconds"},
        {"ca.example; accounturi=" + account + "; persistUntil=9223372036854775807", false, true, ""},
        // Of others, or nonsense: nothing is said about it.
        {"other.example; accounturi=" + account, false, false, ""},
        {"ca.example; broken", false, false, ""},
        {"", false, false, ""},
        {std::string(65000, ';'), false, false, ""},
    };
    for (const Case& row : cases) {
        CAPTURE(row.text.substr(0, 200), row.wildcard);
        PersistVerdict verdict = judge_persist(row.text, question(row.wildcard));
        CHECK(verdict.proves == row.proves);
        CHECK(verdict.why_not == row.why_not);
    }
    CHECK(judge_persist("ca.example; accounturi=" + account + "; persistUntil=1728000001", question()).until ==
          now + seconds(1));
}

TEST_CASE("a challenge names one to ten issuers that are host names") {
    CHECK(complaint_about_issuers({"ca.example"}).empty());
    CHECK(complaint_about_issuers(std::vector<std::string>(10, "ca.example")).empty());
    CHECK(complaint_about_issuers({}) == "it names no issuer");
    CHECK(complaint_about_issuers(std::vector<std::string>(11, "ca.example")) == "it names more than ten issuers");
    for (std::string hostile : {"", ".", "a..b", "-a", "a b", "a\"b", "a;b=c", "a\nb", "$(id)"}) {
        CAPTURE(hostile);
        CHECK(complaint_about_issuers({"ca.example", hostile}) == "an issuer's name is no host name");
    }
    Looked looked({});
    DnsPersist01 solver(looked.bed.seams(), looked.options);
    acme::ChallengeTask bad = task();
    bad.issuers = {"a;b=c"};
    CHECK(problem_from(solver.present(bad)).code == "acme.badResponse");
    CHECK(looked.server.questions().empty());
}

TEST_CASE("a record that is there is seen, with the time it runs out, and nothing is written or taken away") {
    Looked looked({record("_validation-persist.example.org", Type::txt, "other.example; accounturi=x"),
                   record("_validation-persist.example.org", Type::txt,
                          "ca.example; accounturi=" + account + "; policy=wildcard; persistUntil=4102444800")});
    DnsPersist01 solver(looked.bed.seams(), looked.options);
    CHECK(solver.can_solve("dns-persist-01", {Identifier::Type::dns, "example.org"}, true));
    CHECK_FALSE(solver.can_solve("dns-01", {Identifier::Type::dns, "example.org"}, true));
    CHECK_FALSE(solver.can_solve("dns-persist-01", {Identifier::Type::ip, "192.0.2.1"}, false));
    Identifier wild{Identifier::Type::dns, "*.example.org"};
    CHECK_FALSE(solver.seen(wild));
    run_task(solver.present(task(true)));
    run_task(solver.wait_visible(task(true)));
    run_task(solver.wait_attempted(task(true)));
    run_task(solver.clean_up(task(true)));
    REQUIRE(solver.seen(wild));
    CHECK(*solver.seen(wild) == Time(seconds(4102444800)));
    for (const FakeDns::Asked& asked : looked.server.questions())
        CHECK(asked.message.opcode == dns::Opcode::query);
}

TEST_CASE("a record that is missing is a problem whose hint is the record to publish") {
    Looked looked({record("_validation-persist.example.org", Type::txt, "ca.example; accounturi=https://other/1")});
    looked.options.servers = {dns::text_of(looked.server.endpoint())};
    DnsPersist01 solver(looked.bed.seams(), looked.options, milliseconds(600));
    Problem problem = problem_from(solver.wait_visible(task()));
    CHECK(problem.code == "dns.persistMissing");
    CHECK(problem.what ==
          "No record proves example.org for this account: a record for ca.example is for the account https://other/1");
    CHECK(problem.hint ==
          "Publish this record once, at every name server of the zone: "
          "_validation-persist.example.org. IN TXT \"ca.example; accounturi=" +
              account + "\"");
    CHECK(problem.remote == dns::text_of(looked.server.endpoint()) + " has 1 other value");
    CHECK_FALSE(solver.seen({Identifier::Type::dns, "example.org"}));
}

TEST_CASE("a CNAME at the record's name is followed, also to where nothing is") {
    Looked looked({record("_validation-persist.example.org", Type::cname, "p.example.org"),
                   record("p.example.org", Type::txt, "ca.example; accounturi=" + account)});
    DnsPersist01 solver(looked.bed.seams(), looked.options);
    run_task(solver.wait_visible(task()));
    looked.records = {record("example.org", Type::soa, "ns1.example.org"),
                      record("_validation-persist.example.org", Type::cname, "_validation-persist.example.org")};
    CHECK(problem_from(solver.wait_visible(task())).code == "dns.cnameLoop");
}
