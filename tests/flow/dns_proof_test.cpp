// Whole renewals by the challenges whose DNS records hang on the account: dns-account-01 and dns-persist-01. The CA
// looks at the very records that the name server has.
#include "daemon/app/explain_view.hpp"
#include "daemon/app/preflight.hpp"
#include "daemon/dns/dns01.hpp"
#include "libacme/crypto/digest.hpp"
#include "tests/support/engine_bed.hpp"

#include <algorithm>

using namespace certd;
using namespace certd::test;
using dns::Type;

namespace {

const std::string provider = R"(dns_providers:
  office:
    exec: { present: [add], cleanup: [remove] }
    propagation: { interval: 100ms, timeout: 5s, servers: ["SERVER"] }
)";

std::string variable(const Command& command, const std::string& name) {
    for (const std::string& item : command.environment) {
        if (item.starts_with(name + "=")) return item.substr(name.size() + 1);
    }
    return {};
}

// A bed whose provider's commands change the name server's records, and whose CA looks there.
struct ProofBed : EngineBed {
    ProofBed() : EngineBed({test::record("example.org", Type::soa, "ns1.example.org")}) {
        host.on_run = [this](const Command& command) -> Result<ProcessResult> {
            dns::Record changed =
                test::record(variable(command, "CERTD_RECORD"), Type::txt, variable(command, "CERTBOT_VALIDATION"));
            command.argv.front() == "add" ? add(changed) : remove(changed);
            return exited(0);
        };
        ca.knobs.validate_dns = [this](const FakeCaProof& proof) {
            asked.push_back(proof);
            return proves(proof);
        };
    }

    std::string server_text() const { return dns::text_of(server.endpoint()); }
    std::string provider_text() const {
        std::string text = provider;
        return text.replace(text.find("SERVER"), 6, server_text());
    }
    std::vector<std::string> texts(const std::string& name) {
        std::lock_guard lock(mutex);
        std::vector<std::string> found;
        for (const dns::Record& one : records) {
            if (one.name == dns::Name::parse(name)) found.push_back(dns::text_of(one).value_or(""));
        }
        return found;
    }
    // What the drafts say, written again without certd's own code for it.
    bool proves(const FakeCaProof& proof) {
        if (proof.type == "dns-account-01") {
            auto found = texts(labels.at(proof.account_url) + "._acme-challenge." + proof.name.value);
            std::string value = base64url(sha256(as_bytes(proof.key_authorization)));
            return std::ranges::find(found, value) != found.end();
        }
        std::string wanted = "ca.test; accounturi=" + proof.account_url;
        return std::ranges::any_of(texts("_validation-persist." + proof.name.value), [&](const std::string& text) {
            return text.starts_with(wanted) && (!proof.wildcard || text.find("; policy=wildcard") != std::string::npos);
        });
    }

    std::map<std::string, std::string> labels = {{"https://ca.test/account/0", "_6chuil4oxrriwork"}};
    std::vector<FakeCaProof> asked;
};

}  // namespace

TEST_CASE("a certificate is issued by dns-account-01, and its records are gone afterwards") {
    ProofBed bed;
    bed.start("{ names: [example.org, \"*.example.org\"], challenge: { dns-account-01: { provider: office } } }", "",
              bed.provider_text());
    bed.ca.knobs.challenge_types = {"http-01", "dns-01", "dns-account-01"};
    Result<JobOutcome> renewed = bed.renew();
    INFO((renewed ? "" : describe(renewed.error())));
    REQUIRE(renewed);
    REQUIRE(bed.asked.size() == 2);
    CHECK(bed.asked.front().type == "dns-account-01");
    CHECK(bed.texts(bed.labels.begin()->second + "._acme-challenge.example.org").empty());
    CHECK(bed.ca.violations().empty());

    // What `check` names is what was written.
    bool named = false;
    for (const api::CheckFinding& finding : bed.drive(preflight(*bed.engine, bed.config, bed.record())))
        named = named ||
                finding.text.find(bed.labels.begin()->second + "._acme-challenge.example.org") != std::string::npos;
    CHECK(named);
}

TEST_CASE("a CA that does not offer dns-account-01 is told so by what it offers and what is configured") {
    ProofBed bed;
    bed.ca.knobs.challenge_types = {"http-01", "dns-persist-01"};
    bed.start("{ names: [example.org], challenge: { dns-account-01: { provider: office } } }", "", bed.provider_text());
    Result<JobOutcome> refused = bed.renew();
    REQUIRE_FALSE(refused);
    CHECK(refused.error().code == "acme.noChallenge");
    CHECK(refused.error().what.find("configured: dns-account-01") != std::string::npos);
}

TEST_CASE("dns-persist-01 says what to publish, proves by it again and again, and warns before it ends") {
    ProofBed bed;
    bed.ca.knobs.challenge_types = {"http-01", "dns-persist-01"};
    const std::string lineage =
        "{ names: [example.org, \"*.example.org\"], challenge: { dns-persist-01: { servers: [\"" + bed.server_text() +
        "\"] } } }";
    bed.start(lineage);
    CHECK(persist_sentences(*bed.record().spec, nullptr).size() == 1);

    // Without the record nothing is asked of the CA but the order; the remedy is the record.
    Result<JobOutcome> missing = bed.renew();
    REQUIRE_FALSE(missing);
    CHECK(bed.asked.empty());
    const std::string account = "https://ca.test/account/0";
    auto accounts = bed.drive(bed.engine->clients.accounts({{"main"}}));
    REQUIRE(accounts.size() == 1);
    REQUIRE(accounts[0].account.url == account);
    const std::string line = "_validation-persist.example.org. IN TXT \"ca.test; accounturi=" + account;
    INFO(missing.error().what << missing.error().hint);
    CHECK(missing.error().code == "dns.persistMissing");
    CHECK(missing.error().hint.find(line) != std::string::npos);
    CHECK(
        persist_sentences(*bed.record().spec, &accounts[0]) ==
        std::vector<std::string>{"dns-persist-01 needs this record, published once: " + line + "; policy=wildcard\""});

    // Published with an end that comes before the next renewal.
    Time ends = bed.clock.now() + days(20);
    std::string until = std::to_string(std::chrono::duration_cast<seconds>(ends.time_since_epoch()).count());
    dns::Record published = test::record("_validation-persist.example.org", Type::txt,
                                         "ca.test; accounturi=" + account + "; policy=wildcard; persistUntil=" + until);
    bed.add(published);
    Result<JobOutcome> renewed = bed.renew();
    INFO((renewed ? "" : describe(renewed.error())));
    REQUIRE(renewed);
    CHECK(bed.asked.size() == 2);
    CHECK(bed.texts("_validation-persist.example.org").size() == 1);
    CHECK(std::ranges::count(bed.events, EventType::proof_expiring, &Event::type) == 1);
    CHECK(bed.plan().health == Health::warning);
    REQUIRE(bed.plan().problem);
    CHECK(bed.plan().problem->code == "dns.persistEnds");

    // The state survives a restart.
    bed.start(lineage);
    CHECK(bed.plan().health == Health::warning);

    // Published anew without an end: `check` sees it, and the warning is gone.
    bed.remove(published);
    bed.add(test::record("_validation-persist.example.org", Type::txt,
                         "ca.test; accounturi=" + account + "; policy=wildcard"));
    auto findings = bed.drive(preflight(*bed.engine, bed.config, bed.record()));
    CHECK(std::ranges::count(findings, "challenge.dns-persist-01", &api::CheckFinding::check) == 2);
    CHECK(std::ranges::none_of(findings, [](const api::CheckFinding& finding) { return finding.result == "blocked"; }));
    CHECK(bed.plan().health == Health::ok);
    REQUIRE(bed.renew());
    CHECK(bed.host.log.empty());
    CHECK(bed.ca.violations().empty());
}
