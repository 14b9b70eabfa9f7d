// A whole preflight over the real engine: a CA and a disk in memory, a name server and certd's own listeners on
// loopback.
#include "daemon/app/preflight.hpp"

#include "tests/support/engine_bed.hpp"
#include "tests/support/recording_solver.hpp"

#include <algorithm>

#include <fmt/format.h>

using namespace certd;
using namespace certd::test;
using dns::Record;
using dns::Type;

namespace {

std::vector<api::CheckFinding> check(EngineBed& bed, const std::string& lineage, const std::string& ca_more = "",
                                     const std::string& top = "") {
    bed.start(lineage, ca_more, top);
    return bed.drive(preflight(*bed.engine, bed.config, bed.record()));
}

// "result: text" of the one finding of this check, "" when there is none.
std::string of(const std::vector<api::CheckFinding>& findings, const std::string& check, const std::string& name = "") {
    std::string found;
    for (const api::CheckFinding& finding : findings) {
        if (finding.check != check || finding.name != name) continue;
        CHECK(found.empty());
        found = finding.result + ": " + finding.text;
    }
    return found;
}

std::size_t count(const std::vector<api::CheckFinding>& findings, const std::string& result) {
    return static_cast<std::size_t>(std::ranges::count(findings, result, &api::CheckFinding::result));
}

std::vector<Record> usual_records() {
    return {record("example.org", Type::soa, "ns1.example.org"), record("a.example.org", Type::a, "127.0.0.1"),
            record("b.example.org", Type::a, "127.0.0.1"), record("b.example.org", Type::aaaa, "2001:db8::1")};
}

}  // namespace

TEST_CASE("a preflight goes through disk, CA, names and targets, and orders nothing") {
    EngineBed bed(usual_records());
    auto findings = check(bed, "{ names: [a.example.org], challenge: { http-01: {}, tls-alpn-01: {} } }");
    CHECK(of(findings, "store.writable") == "ok: /state can be written");
    CHECK(of(findings, "ca.main.reachable") == "ok: https://ca.test/dir answers");
    CHECK(of(findings, "ca.main.clock") == "ok: the clock agrees with that of main");
    CHECK(of(findings, "ca.main.account") == "ok: there is no account yet; the first order makes one");
    CHECK(of(findings, "name.address", "a.example.org") == "ok: 127.0.0.1");
    CHECK(of(findings, "ca.main.caa", "a.example.org") == "ok: no CAA record restricts who may issue");
    CHECK(of(findings, "challenge.http-01", "a.example.org").starts_with("ok: "));
    CHECK(of(findings, "challenge.tls-alpn-01", "a.example.org").starts_with("ok: "));
    CHECK(of(findings, "reach.http-01", "a.example.org") ==
          fmt::format("ok: port {} answers with certd's token at 127.0.0.1", bed.http.ports().front()));
    CHECK(of(findings, "reach.tls-alpn-01", "a.example.org").starts_with("ok: "));
    CHECK(of(findings, "targets").starts_with("warning: "));
    CHECK(count(findings, "blocked") == 0);
    CHECK(bed.ca.orders() == 0);
    CHECK(bed.ca.accounts() == 0);
    CHECK(bed.ca.violations().empty());
    CHECK(bed.http.tokens() == 0);
    CHECK(bed.tls.names() == 0);
}

TEST_CASE("each name is looked at by itself") {
    EngineBed bed(usual_records());
    bed.records.push_back(record("b.example.org", Type::caa, "0 issue \"other.test\""));
    bed.records.push_back(record("www.example.org", Type::caa, "0 issue ca.test; validationmethods=dns-01"));
    auto findings = check(bed,
                          "{ names: [a.example.org, b.example.org, www.example.org, 127.0.0.1], challenge: { "
                          "http-01: {} } }");
    CHECK(of(findings, "ca.main.caa", "a.example.org").starts_with("ok: "));
    // With quotes in it the value is no issuer at all.
    CHECK(of(findings, "ca.main.caa", "b.example.org").find("against the grammar") != std::string::npos);
    CHECK(of(findings, "ca.main.caa", "www.example.org") ==
          "blocked: CAA of www.example.org: only the methods dns-01 are allowed, not http-01");
    CHECK(of(findings, "name.address", "www.example.org").starts_with("warning: There is no A or AAAA record"));
    CHECK(of(findings, "reach.http-01", "b.example.org").find("2001:db8::1 (") != std::string::npos);
    CHECK(of(findings, "reach.http-01", "127.0.0.1").starts_with("ok: "));
    CHECK(of(findings, "ca.main.caa", "127.0.0.1").empty());
    CHECK(count(findings, "blocked") == 2);
}

TEST_CASE("name servers that do not answer are waited for once, and said to be silent") {
    EngineBed bed({});
    bed.silent = true;
    auto began = bed.clock.monotonic();
    auto findings = check(
        bed, "{ names: [a.example.org, b.example.org, c.example.org, d.example.org], challenge: { http-01: {} } }");
    CHECK(bed.clock.monotonic() - began < seconds(8));
    CHECK(of(findings, "dns.resolvers").starts_with("warning: Addresses and CAA records were not looked at: "));
    CHECK(of(findings, "challenge.http-01", "d.example.org").starts_with("ok: "));
    CHECK(of(findings, "name.address", "a.example.org").empty());
    CHECK(count(findings, "blocked") == 0);
}

TEST_CASE("a CA that cannot be reached, whose time is another one, or that wants what is not configured") {
    EngineBed bed(usual_records());
    const std::string lineage = "{ names: [a.example.org], required_profile: short, challenge: { http-01: {} } }";
    bed.ca.knobs.clock_error = hours(3);
    bed.ca.knobs.external_account_required = true;
    auto findings = check(bed, lineage, ", limits: letsencrypt");
    CHECK(of(findings, "ca.main.clock").starts_with("blocked: The clock is "));
    CHECK(of(findings, "ca.main.account").starts_with("blocked: "));
    CHECK(of(findings, "ca.main.profile").starts_with("blocked: "));
    CHECK(of(findings, "ca.main.limits").starts_with("ok: "));
    bed.ca.knobs.unavailable = true;
    findings = check(bed, lineage);
    CHECK(of(findings, "ca.main.reachable").starts_with("blocked: "));
    CHECK(of(findings, "ca.main.clock").empty());
    CHECK(of(findings, "ca.main.limits").empty());
}

TEST_CASE("of dns-01 is told what would be written where, and that somebody may write it") {
    EngineBed bed(usual_records());
    bed.records.push_back(record("example.org", Type::ns, "ns1.example.org"));
    bed.records.push_back(record("ns1.example.org", Type::a, "127.0.0.1"));
    bed.records.push_back(record("_acme-challenge.a.example.org", Type::cname, "x.example.org"));
    const std::string provider = R"(dns_providers:
  office:
    exec: { present: [add], cleanup: [remove], wait: [look] }
)";
    const std::string lineage =
        "{ names: [a.example.org, \"*.example.org\"], challenge: { dns-01: { provider: office } } }";
    auto findings = check(bed, lineage, "", provider);
    CHECK(of(findings, "challenge.dns-01", "a.example.org").starts_with("ok: a challenge record can be put in place"));
    CHECK(
        of(findings, "challenge.dns-01", "*.example.org") ==
        "ok: office would put a TXT record at _acme-challenge.example.org, in the zone example.org, and look for it at "
        "ns1.example.org");
    // Its answer was put in place and taken away once, not for each name.
    CHECK(bed.host.log == std::vector<std::string>{"run add", "run look", "run remove"});

    bed.host.on_run = [](const Command& command) -> Result<ProcessResult> {
        return exited(command.argv.front() == "add" ? 1 : 0, "no such zone");
    };
    findings = check(bed, lineage, "", provider);
    CHECK(of(findings, "challenge.dns-01", "a.example.org").starts_with("blocked: "));
    findings = check(bed, lineage, "", provider + "    domains: [example.net]\n");
    CHECK(of(findings, "challenge.dns-01", "*.example.org").find("[dns.notAllowed]") != std::string::npos);
    bed.records.push_back(record("x.example.org", Type::cname, "_acme-challenge.a.example.org"));
    findings = check(bed, lineage, "", provider);
    CHECK(of(findings, "challenge.dns-01", "a.example.org").find("[dns.cnameLoop]") != std::string::npos);
}

TEST_CASE("the account of the CAA record is the account that orders") {
    EngineBed bed(usual_records());
    const std::string lineage = "{ names: [a.example.org], challenge: { http-01: {} } }";
    bed.records.push_back(record("example.org", Type::caa, "0 issue ca.test; accounturi=https://ca.test/account/0"));
    auto findings = check(bed, lineage);
    CHECK(of(findings, "ca.main.caa", "a.example.org").find("there is no account yet") != std::string::npos);
    config::Ca ca;
    ca.name = {"main"};
    ca.directory = "https://ca.test/dir";
    ca.agree_tos = true;
    std::string url = bed.drive(bed.engine->clients.session(ca))->account().url;
    bed.records.back() = record("example.org", Type::caa, "0 issue ca.test; accounturi=" + url);
    findings = check(bed, lineage);
    CHECK(of(findings, "ca.main.account") == "ok: the account is " + url);
    CHECK(of(findings, "ca.main.caa", "a.example.org") == "ok: CAA of example.org: ca.test may issue");
    bed.records.back() = record("example.org", Type::caa, "0 issue ca.test; accounturi=" + url + "0");
    findings = check(bed, lineage);
    CHECK(of(findings, "ca.main.caa", "a.example.org").starts_with("blocked: CAA of example.org: only the account"));
}

TEST_CASE("somebody else who answers in certd's place is noticed at the name's address") {
    EngineBed bed(usual_records());
    // certd's answers go somewhere else than to the ports where the CA asks.
    RecordingSolver elsewhere(bed.clock), elsewhere_by_tls(bed.clock, "tls-alpn-01");
    bed.listener = &elsewhere;
    bed.tls_listener = &elsewhere_by_tls;
    auto findings = check(bed, "{ names: [a.example.org], challenge: { http-01: {}, tls-alpn-01: {} } }");
    CHECK(of(findings, "challenge.http-01", "a.example.org").starts_with("ok: "));
    CHECK(of(findings, "reach.http-01", "a.example.org").find("127.0.0.1 (status 404)") != std::string::npos);
    CHECK(of(findings, "reach.tls-alpn-01", "a.example.org").starts_with("warning: Port "));
    CHECK(elsewhere.presented.empty());
    CHECK(elsewhere_by_tls.presented.empty());
}

TEST_CASE("an answer that cannot be put in place, not be seen or not be taken away again is told as that") {
    EngineBed bed(usual_records());
    RecordingSolver solver(bed.clock);
    bed.listener = &solver;
    const std::string lineage = "{ names: [a.example.org], challenge: { http-01: {}, tls-alpn-01: {} } }";
    for (std::string step : {"present", "wait_visible"}) {
        solver.failures[step] = 1;
        auto findings = check(bed, lineage);
        // The other way is left.
        CHECK(of(findings, "challenge.http-01", "a.example.org") ==
              "warning: The test's solver fails at " + step + " [challenge.timeout]");
        CHECK(of(findings, "reach.http-01", "a.example.org").empty());
        CHECK(solver.presented.empty());
    }
    solver.failures["clean_up"] = 1;
    auto findings = check(bed, lineage);
    CHECK(of(findings, "challenge.http-01", "a.example.org").starts_with("warning: The answer is still in place: "));
    CHECK(count(findings, "blocked") == 0);
}

TEST_CASE("no third value is given to an acme-dns server, which keeps two") {
    EngineBed bed(usual_records());
    bed.add(record("example.org", Type::ns, "ns1.example.org"));
    bed.add(record("ns1.example.org", Type::a, "127.0.0.1"));
    auto findings =
        check(bed, "{ names: [a.example.org], challenge: { dns-01: { provider: office } } }", "",
              "dns_providers: { office: { acme_dns: { server: \"https://127.0.0.1:9\", accounts_file: /no } } }\n");
    CHECK(of(findings, "challenge.dns-01", "a.example.org")
              .starts_with("ok: office would put a TXT record at _acme-challenge.a.example.org"));
}
