// The judgements of `certctl check`.
#include "daemon/app/findings.hpp"

#include "tests/support/catch.hpp"

using namespace certd;

namespace {

const Identifier name{Identifier::Type::dns, "www.example.org"};
const Identifier wildcard{Identifier::Type::dns, "*.example.org"};
const std::string account = "https://ca.test/acct/1";

CaSight sight(bool is_first = true) {
    CaSight made;
    made.ca.name = {"main"};
    made.directory.emplace();
    made.directory->caa_identities = {"ca.test"};
    made.account_url = account;
    made.is_first = is_first;
    return made;
}

dns::CaaSet caa(std::vector<dns::CaaProperty> properties) {
    return {dns::Name::parse("example.org").value(), std::move(properties)};
}

std::string line(const api::CheckFinding& finding) {
    return finding.check + " " + finding.result + ": " + finding.text;
}

}  // namespace

TEST_CASE("a certificate request is looked at where it lies: in force, changed since, or not to be used") {
    config::CertificateRequest used;
    used.path = "/etc/certd/a.csr";
    used.key_sha256 = "aa";
    config::CertificateRequest now = used;
    CHECK(line(csr_finding(used, now)) == "csr ok: /etc/certd/a.csr is for the lineage's names and its own key");
    now.key_sha256 = "bb";
    api::CheckFinding changed = csr_finding(used, now);
    CHECK(line(changed) == "csr warning: /etc/certd/a.csr has changed since certd read it");
    CHECK(changed.hint == "Run `certctl reload` so that it is used");
    now.problem = problem("config.csr", "The certificate request /etc/certd/a.csr cannot be used");
    CHECK(line(csr_finding(used, now)).starts_with("csr blocked: The certificate request /etc/certd/a.csr"));
}

TEST_CASE("too little room blocks, little room warns") {
    constexpr std::uint64_t mebibyte = 1 << 20;
    CHECK(line(room_finding("/s", Room{900 * mebibyte, 5000})) ==
          "store.room ok: 900 MiB and 5000 files are left in /s");
    CHECK(line(room_finding("/s", Room{20 * mebibyte, 5000})) ==
          "store.room warning: 20 MiB and 5000 files are left in /s");
    CHECK(line(room_finding("/s", Room{900 * mebibyte, 900})).starts_with("store.room warning"));
    CHECK(line(room_finding("/s", Room{100 * 1024, 5000})) ==
          "store.room blocked: 100 KiB and 5000 files are left in /s");
    CHECK(line(room_finding("/s", Room{900 * mebibyte, 3})).starts_with("store.room blocked"));
    CHECK(line(room_finding("/s", std::nullopt)).starts_with("store.room warning"));
}

TEST_CASE("a clock that is off warns, and blocks where new certificates would not be valid yet") {
    CHECK(clock_finding("main", seconds(90)).result == "ok");
    CHECK(clock_finding("main", -seconds(90)).result == "ok");
    CHECK(line(clock_finding("main", minutes(90))) ==
          "ca.main.clock warning: The clock is 1h 30m ahead of that of main");
    CHECK(clock_finding("main", days(400)).result == "warning");
    CHECK(clock_finding("main", -minutes(90)).result == "warning");
    CHECK(line(clock_finding("main", -hours(3))) == "ca.main.clock blocked: The clock is 3h 0m behind that of main");
    CHECK(clock_finding("main", std::nullopt).result == "warning");
}

TEST_CASE("an account that is there, suspended or cannot be made") {
    CaSight seen = sight();
    CHECK(account_finding(seen, std::nullopt).text == "the account is " + account);
    CHECK(account_finding(seen, problem("acme.userActionRequired", "act")).result == "blocked");
    seen.account_url.clear();
    CHECK(account_finding(seen, std::nullopt).result == "ok");
    seen.directory->external_account_required = true;
    CHECK(account_finding(seen, std::nullopt).text.find("[acme.externalAccountRequired]") != std::string::npos);
    seen.ca.external_account.emplace();
    CHECK(account_finding(seen, std::nullopt).result == "ok");
    seen.directory->terms_of_service = "https://ca.test/\x1b[2Jterms";
    CHECK(account_finding(seen, std::nullopt).result == "blocked");
    CHECK(account_finding(seen, std::nullopt).text.find('\x1b') == std::string::npos);
    seen.ca.agree_tos = true;
    CHECK(account_finding(seen, std::nullopt).result == "ok");
    seen.directory.reset();
    CHECK(account_finding(seen, std::nullopt).result == "warning");
}

TEST_CASE("a required profile that is not offered blocks, a preferred one warns") {
    CaSight seen = sight();
    seen.directory->profiles = {{"classic", ""}, {"short\nlived", ""}};
    CHECK_FALSE(profile_finding(seen, {}));
    CHECK(profile_finding(seen, {"classic", true})->result == "ok");
    CHECK(
        line(*profile_finding(seen, {"tls", false})) ==
        "ca.main.profile warning: main does not offer the profile 'tls' (offered: classic, short\\nlived); its default "
        "would be used");
    CHECK(profile_finding(seen, {"tls", true})->result == "blocked");
}

TEST_CASE("the rate budget is told only where one is kept") {
    config::Ca ca;
    ca.name = {"main"};
    Time now{days(20000)};
    CHECK_FALSE(budget_finding(ca, std::nullopt, now));
    ca.limits = config::LimitsModel::letsencrypt;
    CHECK(budget_finding(ca, std::nullopt, now)->result == "ok");
    CHECK(line(*budget_finding(ca, Allowance{now + hours(34), "too many"}, now)) ==
          "ca.main.limits warning: An order would wait 1d 10h: too many");
}

TEST_CASE("CAA records block at the first CA, and warn where another way or CA is left") {
    using Methods = std::vector<std::string>;
    auto result = [](const CaSight& seen, const Identifier& of, std::vector<dns::CaaProperty> properties,
                     const Methods& methods) { return caa_finding(seen, of, caa(std::move(properties)), methods); };
    CHECK(result(sight(), name, {}, {"http-01"}).result == "ok");
    CHECK(result(sight(), name, {{false, "issue", "ca.test"}}, {"http-01"}).result == "ok");
    api::CheckFinding forbidden = result(sight(), name, {{false, "issue", "other.test"}}, {"http-01"});
    CHECK(line(forbidden) ==
          "ca.main.caa blocked: CAA of example.org: only other.test may issue, and this CA is ca.test");
    CHECK(forbidden.hint.starts_with("Add the record example.org. CAA 0 issue \"ca.test\""));
    CHECK(result(sight(), wildcard, {{false, "issuewild", ";"}}, {"dns-01"}).hint.find("CAA 0 issuewild") !=
          std::string::npos);
    CHECK(result(sight(false), name, {{false, "issue", "other.test"}}, {"http-01"}).result == "warning");

    const std::vector<dns::CaaProperty> only_dns = {{false, "issue", "ca.test; validationmethods=dns-01"}};
    CHECK(result(sight(), name, only_dns, {"http-01"}).result == "blocked");
    CHECK(line(result(sight(), name, only_dns, {"http-01", "dns-01"})) ==
          "ca.main.caa warning: CAA of example.org: only the methods dns-01 are allowed, not http-01; dns-01 is");
    CHECK(result(sight(), name, only_dns, {"dns-01", "http-01"}).result == "ok");

    CaSight unknown = sight();
    unknown.directory.reset();
    CHECK(result(unknown, name, {{false, "issue", "ca.test"}}, {"http-01"}).result == "warning");
    CHECK(result(unknown, name, {{false, "issue", ";"}}, {"http-01"}).result == "blocked");
    CaSight other_account = sight();
    other_account.account_url = "https://ca.test/acct/2";
    CHECK(result(other_account, name, {{false, "issue", "ca.test; accounturi=" + account}}, {"http-01"}).text ==
          "CAA of example.org: only the account " + account + " may order, and this is https://ca.test/acct/2");
}

TEST_CASE("an address is needed by ways of proof over a port only, and what does not answer there is named") {
    CHECK(address_finding({"192.0.2.1", "2001:db8::1"}, "http-01").text == "192.0.2.1, 2001:db8::1");
    CHECK(address_finding({}, "").result == "ok");
    CHECK(address_finding({}, "http-01").result == "warning");
    CHECK(visit_finding("http-01", 80, {{"192.0.2.1", true, ""}}).text ==
          "port 80 answers with certd's token at 192.0.2.1");
    api::CheckFinding partly =
        visit_finding("tls-alpn-01", 443, {{"192.0.2.1", true, ""}, {"2001:db8::1", false, "connection refused"}});
    CHECK(line(partly) ==
          "reach.tls-alpn-01 warning: Port 443 does not answer with certd's token at 2001:db8::1 "
          "(connection refused)");
    CHECK_FALSE(partly.hint.empty());
}

TEST_CASE("a way that does not work blocks only when it is the only one") {
    std::vector<api::CheckFinding> one = {blocked("challenge.http-01", "x")};
    soften(one);
    CHECK(one[0].result == "blocked");
    std::vector<api::CheckFinding> two = {blocked("challenge.http-01", "x"), good("challenge.dns-01", "y")};
    soften(two);
    CHECK(two[0].result == "warning");
    CHECK(two[1].result == "ok");
}
