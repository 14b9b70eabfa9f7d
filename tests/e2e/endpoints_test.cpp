// A real nginx that is in somebody else's hands: what it serves is looked at, and an operator reads what is wrong.
#include "tests/e2e/world.hpp"
#include "tests/support/test_authority.hpp"

#include <fmt/format.h>

using namespace certd::test;

namespace {

struct Elsewhere {
    World world;
    TestAuthority authority{"Somebody's Root"};
    std::optional<Nginx> cdn{std::in_place, world.directory() / "cdn"};
    std::string endpoint = cdn->endpoint();

    Sample sample(const std::string& verify_more = "") const {
        Sample sample;
        sample.targets = "[web, cdn]";
        sample.more_targets = fmt::format(
            "  cdn: {{ verify: {{ tls: [\"{}\"], every: 1s, grace: 1s, timeout: 1s{} }} }}", endpoint, verify_more);
        return sample;
    }
    void serve(const std::string& chain, const std::string& key) const {
        write_file(cdn->fullchain(), chain);
        write_file(cdn->privkey(), key);
        cdn->reload();
    }
    void serve_live(const std::string& file = "fullchain.pem") const {
        const auto live = world.certd.live("shop");
        serve(read_file(live / file), read_file(live / "privkey.pem"));
    }
    void serve_own(TestAuthority::Validity validity,
                   const std::vector<std::string>& names = {"a.example.test", "b.example.test"}) const {
        const TlsIdentity identity = authority.issue(names, validity);
        serve(identity.chain_pem, identity.key_pem);
    }
    certd::Json cdn_state() const {
        const certd::Json shop = world.certd.lineage("shop");
        for (const certd::Json& target : *shop["targets"].if_array()) {
            if (target.string_or("target") == "cdn") return target;
        }
        return {};
    }
    bool becomes(const std::string& verdict) const {
        return eventually(30s, [&] { return cdn_state().string_or("verdict") == verdict; });
    }
    std::string status() const { return world.certd.ctl({"status", "shop"}).both(); }
    std::string explained() const { return world.certd.ctl({"explain", "shop"}).both(); }
};

bool has(const std::string& text, const std::string& words) {
    INFO(text);
    CHECK(text.find(words) != std::string::npos);
    return text.find(words) != std::string::npos;
}

TestAuthority::Validity until(certd::Duration end) {
    const certd::Time now = TestAuthority::usual_validity().from + certd::hours(1);
    return {now - certd::days(60), now + end};
}

}  // namespace

TEST_CASE("an nginx that is not deployed to is found out when it is old, broken, foreign or expired, and cleared") {
    Elsewhere elsewhere;
    World& world = elsewhere.world;
    world.issue_first(elsewhere.sample());
    elsewhere.serve_live();
    REQUIRE(elsewhere.becomes("live"));
    REQUIRE(world.certd.ctl({"status", "shop"}).exit_code == 0);
    REQUIRE(elsewhere.cdn_state().string_or("host") == elsewhere.endpoint);
    REQUIRE(elsewhere.cdn_state().string_or("state") == "watched");

    const Output renewed = world.certd.ctl({"renew", "shop", "--force"});
    INFO(renewed.both());
    REQUIRE(renewed.exit_code == 0);
    REQUIRE(world.served_is_live());
    REQUIRE(elsewhere.becomes("old"));
    REQUIRE(world.certd.ctl({"status", "shop"}).exit_code == 4);
    REQUIRE(has(elsewhere.status(), "watched: old"));
    REQUIRE(elsewhere.cdn_state()["problem"].string_or("what").starts_with(
        fmt::format("cdn at {} for a.example.test still serves version 1 while version 2 is live (valid until ",
                    elsewhere.endpoint)));
    REQUIRE(has(elsewhere.explained(), "has not taken over the live version within its time"));
    REQUIRE(has(elsewhere.explained(), "Have the live version installed there"));

    elsewhere.serve_live("cert.pem");
    REQUIRE(elsewhere.becomes("broken-chain"));
    REQUIRE(elsewhere.cdn_state()["problem"].string_or("what").find("with a chain that leads clients to no root") !=
            std::string::npos);
    REQUIRE(has(elsewhere.explained(), "install fullchain.pem, not cert.pem alone"));

    elsewhere.serve_own(until(certd::days(60)));
    REQUIRE(elsewhere.becomes("foreign"));
    REQUIRE(elsewhere.cdn_state()["problem"].string_or("remote") ==
            "subject CN=a.example.test, issuer CN=Somebody's Root");
    REQUIRE(elsewhere.cdn_state().string_or("served_issuer") == "CN=Somebody's Root");
    REQUIRE(elsewhere.cdn_state().string_or("served_fingerprint") == elsewhere.cdn->served("a.example.test"));

    elsewhere.serve_own(until(certd::hours(5)));
    REQUIRE(elsewhere.becomes("expiring"));
    REQUIRE(world.certd.lineage("shop").string_or("health") == "critical");

    elsewhere.serve_own(until(-certd::hours(5)));
    REQUIRE(elsewhere.becomes("expired"));
    REQUIRE(elsewhere.cdn_state()["problem"].string_or("what").find("serves a certificate that has expired") !=
            std::string::npos);

    elsewhere.serve_own(until(certd::days(60)), {"other.example.test"});
    REQUIRE(elsewhere.becomes("wrong-name"));

    elsewhere.serve_live();
    REQUIRE(elsewhere.becomes("live"));
    REQUIRE(world.certd.ctl({"status", "shop"}).exit_code == 0);
    REQUIRE(world.certd.log().find(fmt::format("cdn at {} is in order again", elsewhere.endpoint)) !=
            std::string::npos);
    REQUIRE(world.certd.version("shop") == 2);
}

TEST_CASE("a CDN's own certificate is accepted where any trusted one will do, and a dead CDN is told of") {
    Elsewhere elsewhere;
    World& world = elsewhere.world;
    const std::string bundle = elsewhere.authority.write_bundle(world.directory());
    world.issue_first(elsewhere.sample(", accept: trusted"));
    elsewhere.serve_own(until(certd::days(60)));
    REQUIRE(elsewhere.becomes("untrusted"));
    REQUIRE(has(elsewhere.explained(), "name its roots in verify.ca_bundle"));

    world.certd.configure(world.configuration(elsewhere.sample(", accept: trusted, ca_bundle: " + bundle)));
    REQUIRE(world.certd.ctl({"reload"}).exit_code == 0);
    REQUIRE(elsewhere.becomes("trusted"));
    REQUIRE(world.certd.ctl({"status", "shop"}).exit_code == 0);
    REQUIRE(world.certd.lineage("shop").string_or("served") == "yes");

    elsewhere.cdn.reset();
    REQUIRE(elsewhere.becomes("silent"));
    REQUIRE(has(elsewhere.explained(), "shows no certificate: Cannot connect to " + elsewhere.endpoint));
    const Output renewed = world.certd.ctl({"renew", "shop", "--force"});
    INFO(renewed.both());
    REQUIRE(renewed.exit_code == 0);
    REQUIRE(world.served_is_live());
}
