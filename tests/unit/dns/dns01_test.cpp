// The dns-01 solver: which record it asks for, who must show it, and what it refuses (RFC 8555 §8.4, faults S6).
#include "daemon/dns/dns01.hpp"

#include "tests/support/fake_dns.hpp"
#include "tests/unit/dns/provider_fixture.hpp"

#include <atomic>
#include <mutex>

using namespace certd;
using namespace certd::test;
using dns::Record;
using dns::Type;

namespace {

struct Calls {
    std::vector<std::string> made;  // "add _acme-challenge.example.org VALUE"
    bool add_fails = false;
    bool sees_by_itself = false;
};

class RecordingEditor final : public RecordEditor {
   public:
    RecordingEditor(Calls& calls, std::vector<Record>& records, std::mutex& mutex)
        : calls_(calls), records_(records), mutex_(mutex) {}
    Task<> add(DnsChange change) override {
        calls_.made.push_back("add " + change.record.text() + " " + change.value);
        if (calls_.add_fails) fail("dns.provider", "refused");
        std::lock_guard lock(mutex_);
        records_.push_back(record(change.record.text(), Type::txt, change.value));
        co_return;
    }
    Task<> remove(DnsChange change) override {
        calls_.made.push_back("remove " + change.record.text() + " " + change.value);
        co_return;
    }
    Task<bool> wait_visible(DnsChange) override { co_return calls_.sees_by_itself; }

   private:
    Calls& calls_;
    std::vector<Record>& records_;
    std::mutex& mutex_;
};

// A name server that is resolver and authority at once, and a solver whose editor changes its records.
struct Solved {
    std::mutex mutex;
    std::vector<Record> records = {record("example.org", Type::soa, "ns1.example.org")};
    FakeDns server{[this](const FakeDns::Asked& asked) {
        std::lock_guard lock(mutex);
        return std::vector<Bytes>{dns::to_wire(answer_from(records, asked.message))};
    }};
    DnsBed bed;
    Calls calls;
    std::shared_ptr<config::DnsProvider> provider = provider_of(config::DnsExec{});

    std::unique_ptr<Dns01> solver(const std::string& type = "dns-01") {
        std::string address = dns::text_of(server.endpoint());
        provider->resolvers = {address};
        provider->propagation.interval = milliseconds(10);
        if (provider->propagation.servers.empty()) provider->propagation.servers = {address};
        return std::make_unique<Dns01>(bed.seams(), provider, std::make_unique<RecordingEditor>(calls, records, mutex),
                                       type);
    }
};

acme::ChallengeTask task(std::string key_authorization = "token.thumbprint", bool wildcard = false) {
    acme::ChallengeTask made;
    made.identifier = {Identifier::Type::dns, "example.org"};
    made.wildcard = wildcard;
    made.type = "dns-01";
    made.token = key_authorization.substr(0, key_authorization.find('.'));
    made.key_authorization = std::move(key_authorization);
    return made;
}

}  // namespace

TEST_CASE("the value is the digest of the key authorization, the record follows CNAMEs") {
    CHECK(dns01_value("token.thumbprint") == "61rBZ_4knHblO0MNoxFsXZ_eTFUHum0B6IVRbhvUn5I");
    Solved solved;
    solved.records.push_back(record("_acme-challenge.example.org", Type::cname, "x.auth.example.net"));
    auto solver = solved.solver();
    run_task(solver->present(task()));
    run_task(solver->wait_visible(task()));
    run_task(solver->wait_attempted(task()));
    run_task(solver->clean_up(task()));
    CHECK(solved.calls.made ==
          std::vector<std::string>{"add x.auth.example.net 61rBZ_4knHblO0MNoxFsXZ_eTFUHum0B6IVRbhvUn5I",
                                   "remove x.auth.example.net 61rBZ_4knHblO0MNoxFsXZ_eTFUHum0B6IVRbhvUn5I"});
}

TEST_CASE("dns-account-01 has a record of the account's own, which may lead elsewhere by its own CNAME") {
    const std::string place = "_ujmmovf2vn55tgye._acme-challenge.example.org";
    Solved solved;
    acme::ChallengeTask by_account = task();
    by_account.type = "dns-account-01";
    by_account.account_url = "https://example.com/acme/acct/ExampleAccount";
    auto solver = solved.solver("dns-account-01");
    CHECK(solver->can_solve("dns-account-01", by_account.identifier, true));
    CHECK_FALSE(solver->can_solve("dns-01", by_account.identifier, true));
    run_task(solver->present(by_account));
    run_task(solver->wait_visible(by_account));
    run_task(solver->clean_up(by_account));
    const std::string value = " 61rBZ_4knHblO0MNoxFsXZ_eTFUHum0B6IVRbhvUn5I";
    CHECK(solved.calls.made == std::vector<std::string>{"add " + place + value, "remove " + place + value});
    // The CNAME of dns-01 is not its.
    solved.records.push_back(record("_acme-challenge.example.org", Type::cname, "wrong.example.net"));
    solved.records.push_back(record(place, Type::cname, "x.auth.example.net"));
    run_task(solver->present(by_account));
    CHECK(solved.calls.made.back() == "add x.auth.example.net" + value);
    Dns01::Preview preview = run_task(solver->preview(by_account));
    CHECK(preview.challenge.text() == place);
    CHECK(preview.record.text() == "x.auth.example.net");
    // Another account, another record.
    by_account.account_url += "2";
    CHECK(run_task(solver->preview(by_account)).challenge.text() != place);
}

TEST_CASE("wildcards and names are solved, addresses are not") {
    Solved solved;
    auto solver = solved.solver();
    CHECK(solver->can_solve("dns-01", {Identifier::Type::dns, "example.org"}, true));
    CHECK(solver->can_solve("dns-01", {Identifier::Type::dns, "example.org"}, false));
    CHECK_FALSE(solver->can_solve("dns-01", {Identifier::Type::ip, "192.0.2.1"}, false));
    CHECK_FALSE(solver->can_solve("http-01", {Identifier::Type::dns, "example.org"}, false));
}

TEST_CASE("a name and its wildcard have two values at once, each taken away by itself") {
    Solved solved;
    auto solver = solved.solver();
    run_task(solver->present(task("a.t")));
    run_task(solver->present(task("b.t", true)));
    run_task(solver->wait_visible(task("a.t")));
    run_task(solver->wait_visible(task("b.t", true)));
    run_task(solver->clean_up(task("a.t")));
    REQUIRE(solved.calls.made.size() == 3);
    CHECK(solved.calls.made[0] != solved.calls.made[1]);
    CHECK(solved.calls.made[2] == "remove " + solved.calls.made[0].substr(4));
}

TEST_CASE("what was presented twice stays until it was cleaned up twice") {
    Solved solved;
    auto solver = solved.solver();
    run_task(solver->present(task()));
    run_task(solver->present(task()));
    run_task(solver->clean_up(task()));
    CHECK(solved.calls.made.size() == 2);
    run_task(solver->clean_up(task()));
    CHECK(solved.calls.made.size() == 3);
    run_task(solver->clean_up(task()));
    CHECK(solved.calls.made.size() == 3);
}

TEST_CASE("a record whose addition failed half-way is taken away") {
    Solved solved;
    solved.calls.add_fails = true;
    auto solver = solved.solver();
    CHECK(problem_from(solver->present(task())).code == "dns.provider");
    run_task(solver->clean_up(task()));
    REQUIRE(solved.calls.made.size() == 2);
    CHECK(solved.calls.made[1].starts_with("remove "));
}

TEST_CASE("names outside of the provider's domains, hostile tokens and targets never reach the editor") {
    Solved solved;
    solved.provider->domains = {"example.com", "sub.example.org"};
    auto solver = solved.solver();
    Problem problem = problem_from(solver->present(task()));
    CHECK(problem.code == "dns.notAllowed");
    CHECK(problem.what == "The DNS provider office is not for example.org, but for example.com, sub.example.org");
    solved.provider->domains = {"EXAMPLE.org"};
    for (std::string token : {"", "../x", "$(touch X)", "a\nb", "a b"}) {
        acme::ChallengeTask bad = task();
        bad.token = token;
        CHECK(problem_from(solver->present(bad)).code == "acme.badToken");
    }
    for (std::string target : {"-rf.example.net", "$(id).example.net", "a<b.example.net", "a&b.example.net"}) {
        Solved other;
        other.records.push_back(record("_acme-challenge.example.org", Type::cname, target));
        CHECK(problem_from(other.solver()->present(task())).code == "dns.badName");
        CHECK(other.calls.made.empty());
    }
    CHECK(solved.calls.made.empty());
    run_task(solver->present(task()));
    CHECK(solved.calls.made.size() == 1);
}

TEST_CASE("a record that no server shows is a problem, unless the editor sees it by itself") {
    Solved solved;
    FakeDns stale(
        [](const FakeDns::Asked& asked) { return std::vector<Bytes>{dns::to_wire(answer_from({}, asked.message))}; });
    solved.provider->propagation.servers = {dns::text_of(stale.endpoint())};
    solved.provider->propagation.timeout = milliseconds(700);
    auto solver = solved.solver();
    run_task(solver->present(task()));
    Problem problem = problem_from(solver->wait_visible(task()));
    CHECK(problem.code == "dns.notVisible");
    CHECK(problem.remote == dns::text_of(stale.endpoint()) + " has NXDOMAIN");
    solved.calls.sees_by_itself = true;
    run_task(solver->wait_visible(task()));
}

TEST_CASE("recursive servers are asked after the authoritative ones agree, and the one that lags is named") {
    Solved solved;
    std::atomic<bool> forgets = true;
    auto recursive = [&](const FakeDns::Asked& asked) {
        CHECK(asked.message.recursion_desired);
        std::lock_guard lock(solved.mutex);
        dns::Message reply =
            answer_from(forgets ? std::vector<Record>{solved.records.front()} : solved.records, asked.message);
        reply.authoritative = false;  // a resolver speaks from what it remembers
        return std::vector<Bytes>{dns::to_wire(reply)};
    };
    FakeDns first([&](const FakeDns::Asked& asked) {
        std::lock_guard lock(solved.mutex);
        return std::vector<Bytes>{dns::to_wire(answer_from(solved.records, asked.message))};
    });
    FakeDns second(recursive);
    solved.provider->propagation.resolvers = {dns::text_of(first.endpoint()), dns::text_of(second.endpoint())};
    solved.provider->propagation.timeout = milliseconds(700);
    auto solver = solved.solver();
    run_task(solver->present(task()));
    Problem problem = problem_from(solver->wait_visible(task()));
    CHECK(problem.code == "dns.notVisible");
    CHECK(
        problem.what ==
        "The TXT record of _acme-challenge.example.org did not become visible on every recursive server within 700ms");
    CHECK(problem.remote == dns::text_of(second.endpoint()) + " has NXDOMAIN");
    forgets = false;
    run_task(solver->wait_visible(task()));

    // Where the authoritative ones do not agree, no resolver is asked: it would remember that nothing was there.
    std::size_t asked = second.questions().size();
    run_task(solver->present(task("other.thumbprint")));
    {
        std::lock_guard lock(solved.mutex);
        solved.records.pop_back();
    }
    CHECK(problem_from(solver->wait_visible(task("other.thumbprint"))).what.find("authoritative") != std::string::npos);
    CHECK(second.questions().size() == asked);
}
