// From a name to its final name, zone and servers, with recursive servers that flap or lie (faults S8, F27).
#include "libacme/dns/resolver.hpp"

#include "tests/support/catch.hpp"
#include "tests/support/fake_dns.hpp"
#include "tests/support/run_task.hpp"

using namespace certd;
using namespace certd::dns;
using namespace certd::test;

namespace {

using Asked = FakeDns::Asked;
using Octets = std::vector<Bytes>;

Name name(std::string_view text) {
    return Name::parse(text).value();
}

FakeDns::Answer from(std::vector<Record> records) {
    return [records = std::move(records)](const Asked& question) {
        return Octets{to_wire(answer_from(records, question.message))};
    };
}

Resolver resolver(const FakeDns& server, Duration timeout = milliseconds(500)) {
    static SystemClock clock;
    return Resolver(clock, {{server.endpoint()}, timeout, 4711});
}

std::vector<Record> chain(int length) {
    std::vector<Record> records;
    for (int i = 0; i < length; ++i)
        records.push_back(record("n" + std::to_string(i) + ".example.org", Type::cname,
                                 "n" + std::to_string(i + 1) + ".example.org"));
    return records;
}

}  // namespace

TEST_CASE("CNAMEs are followed to their end, ten at most") {
    FakeDns server(from(chain(10)));
    Resolver resolver = ::resolver(server);
    CHECK(run_task(resolver.final_name(name("n0.example.org"))) == name("n10.example.org"));
    CHECK(run_task(resolver.final_name(name("alone.example.org"))) == name("alone.example.org"));
    FakeDns longer(from(chain(11)));
    Problem problem = problem_from(::resolver(longer).final_name(name("n0.example.org")));
    CHECK(problem.code == "dns.cnameLoop");
}

TEST_CASE("a loop of CNAMEs is a problem") {
    FakeDns server(from({record("a.org", Type::cname, "b.org"), record("b.org", Type::cname, "a.org")}));
    Problem problem = problem_from(resolver(server).final_name(name("a.org")));
    CHECK(problem.code == "dns.cnameLoop");
    CHECK(problem.what == "The CNAMEs of a.org lead nowhere: after 1 of them the chain comes back to itself");
}

TEST_CASE("records of other names and types in an answer lead nowhere") {
    FakeDns server([](const Asked& question) {
        Message reply = reply_to(question.message);
        Record damaged = record("a.org", Type::cname, "evil.org");
        damaged.data = {0xC0, 0x0C};
        reply.answers = {record("other.org", Type::cname, "evil.org"), record("a.org", Type::soa, "evil.org"),
                         record("a.org", Type::a, "192.0.2.1")};
        return Octets{to_wire(reply)};
    });
    CHECK(run_task(resolver(server).final_name(name("a.org"))) == name("a.org"));
}

TEST_CASE("the zone is found by its SOA, whether the name exists or not") {
    FakeDns server(from({record("example.org", Type::soa, "ns1.example.org"),
                         record("deep.example.org", Type::soa, "ns2.example.org"),
                         record("www.example.org", Type::a, "192.0.2.1")}));
    Resolver resolver = ::resolver(server);
    Zone zone = run_task(resolver.zone_of(name("_acme-challenge.www.example.org")));
    CHECK(zone.apex == name("example.org"));
    CHECK(zone.primary == name("ns1.example.org"));
    CHECK(run_task(resolver.zone_of(name("example.org"))).apex == name("example.org"));
    CHECK(run_task(resolver.zone_of(name("a.b.deep.example.org"))).apex == name("deep.example.org"));
}

TEST_CASE("an SOA that the name cannot be in is not believed") {
    FakeDns liar([](const Asked& question) {
        Message reply = reply_to(question.message);
        reply.authorities = {record("elsewhere.net", Type::soa, "ns.elsewhere.net"),
                             record(".", Type::soa, "root.example")};
        return Octets{to_wire(reply)};
    });
    Problem problem = problem_from(resolver(liar).zone_of(name("a.example.org")));
    CHECK(problem.code == "dns.noZone");
    CHECK(problem.what == "No zone was found that a.example.org is in");
}

TEST_CASE("the servers of a zone come with all their addresses") {
    FakeDns server(
        from({record("example.org", Type::ns, "ns1.example.org"), record("example.org", Type::ns, "ns2.example.org"),
              record("other.org", Type::ns, "ns.other.org"), record("ns1.example.org", Type::a, "192.0.2.1"),
              record("ns1.example.org", Type::aaaa, "2001:db8::1")}));
    auto servers = run_task(resolver(server).authorities({name("example.org"), name("ns1.example.org")}));
    REQUIRE(servers.size() == 2);
    CHECK(servers[0].name == "ns1.example.org");
    REQUIRE(servers[0].addresses.size() == 2);
    CHECK(text_of(servers[0].addresses[0]) == "[2001:db8::1]:4711");
    CHECK(text_of(servers[0].addresses[1]) == "192.0.2.1:4711");
    CHECK(servers[1].addresses.empty());
    Problem problem = problem_from(resolver(server).authorities({name("nothing.org"), name("ns.nothing.org")}));
    CHECK(problem.code == "dns.noZone");
}

TEST_CASE("a server that fails every other time is asked again, one that always fails is a problem") {
    FakeDns flapping([](const Asked& question) {
        Message reply = answer_from({record("a.org", Type::cname, "b.org")}, question.message);
        if (question.number % 2 == 0) {
            reply.rcode = Rcode::serv_fail;
            reply.answers.clear();
        }
        return Octets{to_wire(reply)};
    });
    CHECK(run_task(resolver(flapping).final_name(name("a.org"))) == name("b.org"));
    FakeDns broken([](const Asked& question) {
        Message reply = reply_to(question.message);
        reply.rcode = Rcode::serv_fail;
        return Octets{to_wire(reply)};
    });
    Problem problem = problem_from(resolver(broken).final_name(name("a.org")));
    CHECK(problem.code == "dns.failed");
    CHECK(problem.what ==
          "The name server " + text_of(broken.endpoint()) + " answered SERVFAIL to the question for a.org CNAME");
}

TEST_CASE("addresses of one family are enough when the other cannot be looked up") {
    FakeDns server([](const Asked& asked) {
        Message reply = answer_from({record("ns.org", Type::a, "192.0.2.1")}, asked.message);
        if (asked.message.questions[0].type == Type::aaaa) reply.rcode = Rcode::serv_fail;
        return Octets{to_wire(reply)};
    });
    CHECK(run_task(resolver(server).addresses(name("ns.org"))).size() == 1);
    CHECK(problem_from(resolver(server).addresses(name("other.org"))).code == "dns.failed");
}

TEST_CASE("a silent server is followed by the next one") {
    FakeDns silent([](const Asked&) { return Octets{}; });
    FakeDns server(from({record("a.org", Type::cname, "b.org")}));
    SystemClock clock;
    Resolver resolver(clock, {{silent.endpoint(), server.endpoint()}, milliseconds(700), 53});
    CHECK(run_task(resolver.final_name(name("a.org"))) == name("b.org"));
}

TEST_CASE("the system's servers are read from resolv.conf") {
    auto servers =
        nameservers_in("# comment\nsearch example.org\nnameserver 192.0.2.1\n nameserver\t2001:db8::1\nnameserver x\n");
    REQUIRE(servers.size() == 2);
    CHECK(text_of(servers[0]) == "192.0.2.1");
    CHECK(text_of(servers[1]) == "2001:db8::1");
    CHECK(text_of(nameservers_in("").at(0)) == "127.0.0.1");
}
