// Waiting until authoritative servers agree: laggards, the dead, and quorums (faults F27).
#include "libacme/dns/visibility.hpp"

#include "tests/support/catch.hpp"
#include "tests/support/fake_dns.hpp"
#include "tests/support/run_task.hpp"

#include <atomic>

using namespace certd;
using namespace certd::dns;
using namespace certd::test;

namespace {

using Asked = FakeDns::Asked;
using Octets = std::vector<Bytes>;
const Name name = Name::parse("_acme-challenge.example.org").value();

// Shows the value from its n-th question on.
FakeDns::Answer shows_after(std::size_t questions) {
    return [=](const Asked& question) {
        std::vector<Record> records = {record(name.text(), Type::txt, "somebody else's")};
        if (question.number >= questions) records.push_back(record(name.text(), Type::txt, "value"));
        return Octets{to_wire(answer_from(records, question.message))};
    };
}

NameServer named(std::string text, const FakeDns& server) {
    return {std::move(text), {server.endpoint()}};
}

VisibilityOptions quick(Duration timeout, std::size_t quorum = 0) {
    return {timeout, milliseconds(20), quorum, milliseconds(700)};
}

Task<> wait(std::vector<NameServer> servers, VisibilityOptions options) {
    static SystemClock clock;
    return wait_until_visible(clock, std::move(servers), name, dns::equal_to("value"), options);
}

}  // namespace

TEST_CASE("all servers must agree in two rounds") {
    FakeDns first(shows_after(0)), second(shows_after(3));
    run_task(wait({named("ns1", first), named("ns2", second)}, quick(seconds(5))));
    CHECK(second.questions().size() == 5);
    CHECK(first.questions().size() == 5);
}

TEST_CASE("a server that forgets the value between two rounds starts the count anew") {
    FakeDns server([](const Asked& question) {
        std::vector<Record> records;
        if (question.number != 1) records.push_back(record(name.text(), Type::txt, "value"));
        return Octets{to_wire(answer_from(records, question.message))};
    });
    run_task(wait({named("ns1", server)}, quick(seconds(5))));
    CHECK(server.questions().size() == 4);
}

TEST_CASE("the server that lags is named with what it has") {
    FakeDns first(shows_after(0)), stale(shows_after(1000));
    Problem problem = problem_from(wait({named("ns1", first), named("ns2", stale)}, quick(milliseconds(700))));
    CHECK(problem.code == "dns.notVisible");
    CHECK(problem.what ==
          "The TXT record of _acme-challenge.example.org did not become visible on every authoritative server within "
          "700ms");
    CHECK(problem.remote == "ns2 (" + text_of(stale.endpoint()) + ") has 1 other value");
}

TEST_CASE("a quorum lets a stale or dead server be") {
    FakeDns first(shows_after(0)), stale(shows_after(1000)), dead([](const Asked&) { return Octets{}; });
    run_task(wait({named("ns1", first), named("ns2", stale)}, quick(seconds(5), 1)));
    run_task(wait({named("ns1", first), named("ns2", dead)}, quick(seconds(5), 1)));
    Problem problem = problem_from(wait({named("ns1", first), named("ns2", dead)}, quick(milliseconds(700))));
    CHECK(problem.remote == "ns2 (" + text_of(dead.endpoint()) + ") has no answer");
}

TEST_CASE("an address that does not answer is passed over while another of the server does") {
    FakeDns server(shows_after(0)), dead([](const Asked&) { return Octets{}; });
    run_task(wait({{"ns1", {dead.endpoint(), server.endpoint()}}}, quick(seconds(5))));
    FakeDns stale(shows_after(1000));
    Problem problem = problem_from(wait({{"ns1", {server.endpoint(), stale.endpoint()}}}, quick(milliseconds(700))));
    CHECK(problem.code == "dns.notVisible");
}

TEST_CASE("other answers than the TXT record are said by name") {
    SystemClock clock;
    auto instead = [&](FakeDns::Answer answer) {
        FakeDns server(std::move(answer));
        return run_task(look(clock, named("ns1", server), name, dns::equal_to("value"), milliseconds(700))).instead;
    };
    CHECK(instead([](const Asked& question) {
              return Octets{to_wire(answer_from({record(name.text(), Type::cname, "x.org")}, question.message))};
          }) == "a CNAME");
    CHECK(instead([](const Asked& question) { return Octets{to_wire(answer_from({}, question.message))}; }) ==
          "NXDOMAIN");
    CHECK(instead([](const Asked& question) {
              Message reply = reply_to(question.message);
              reply.answers = {record(name.text(), Type::soa, "x.org")};
              return Octets{to_wire(reply)};
          }) == "no TXT record");
    CHECK(instead([](const Asked& question) {
              Message reply = reply_to(question.message);
              reply.authoritative = false;
              return Octets{to_wire(reply)};
          }) == "an answer that is not authoritative");
    CHECK(run_task(look(clock, {"ns1", {}}, name, dns::equal_to("value"), milliseconds(700))).instead == "no address");
}

TEST_CASE("nobody agreeing is no agreement, whatever the quorum") {
    CHECK_FALSE(agree({}, 0));
    CHECK_FALSE(agree({{"ns1", false, ""}}, 1));
    CHECK(agree({{"ns1", true, ""}, {"ns2", false, ""}}, 1));
    CHECK_FALSE(agree({{"ns1", true, ""}, {"ns2", false, ""}}, 2));
    CHECK(agree({{"ns1", true, ""}}, 5));
}
