// dns-01 against BIND: a primary and a secondary that lags, Pebble resolving through the primary (faults F28, F29).
#include "tests/e2e/world.hpp"
#include "tests/support/bind.hpp"

#include <fmt/format.h>

using namespace certd::test;

namespace {

const std::string challenge = "_acme-challenge.example.test";

// BIND has to be there before Pebble, which resolves through it.
struct DnsWorld {
    explicit DnsWorld(BindOptions options = {}) : bind(directory.path() / "bind", std::move(options)) {
        WorldOptions with;
        with.pebble.name_server = Bind::primary() + ":53";
        world = std::make_unique<World>(with);
    }

    Sample sample(const std::string& more = {}) const {
        Sample made;
        made.names = "[example.test, \"*.example.test\"]";
        made.challenge = "{ dns-01: { provider: bind } }";
        made.top = fmt::format(R"(dns_providers:
  bind:
    rfc2136: {{ key_name: certd-key, secret_file: {} }}
    resolvers: [{}]
{})",
                               bind.key_file().string(), Bind::primary(), more);
        return made;
    }

    // The code of the problem that a renewal ends with.
    std::string problem_of_renewal(const Sample& with) {
        world->start(with);
        const Output renewed = world->certd.ctl({"renew", "shop"});
        INFO(renewed.both());
        REQUIRE(renewed.exit_code == 1);
        return world->certd.lineage("shop")["last_problem"].string_or("code");
    }

    TempDirectory directory;
    Bind bind;
    std::unique_ptr<World> world;
};

bool has_network() {
    if (enter_own_network()) return true;
    WARN("a network of its own needs root");
    return false;
}

}  // namespace

TEST_CASE("a name and its wildcard are proven by two TXT values at once, and the values of others survive") {
    if (!has_network()) return;
    DnsWorld dns({true, "_acme-challenge TXT \"somebody else's\"\n_acme-challenge TXT \"and\" \"another\"\n"});
    dns.world->start(dns.sample());
    const Output renewed = dns.world->certd.ctl({"renew", "shop"});
    INFO(renewed.both() << dns.bind.log());
    REQUIRE(renewed.exit_code == 0);
    REQUIRE(dns.world->certd.version("shop") == 1);
    REQUIRE(dns.world->nginx.served("example.test") == dns.world->live_fingerprint());
    const Output checked = dns.world->certd.ctl({"check", "shop"});
    INFO(checked.both());
    CHECK(checked.both().find("challenge.dns-01") != std::string::npos);
    CHECK(checked.exit_code == 0);
    const std::vector<std::string> others = {"andanother", "somebody else's"};
    CHECK(Bind::texts(Bind::primary(), challenge) == others);
    // Two values were there: BIND logs every change.
    const std::string log = dns.bind.log();
    std::size_t added = 0;
    for (std::size_t at = log.find("adding an RR at"); at != std::string::npos;
         at = log.find("adding an RR at", at + 1))
        ++added;
    CHECK(added == 3);  // and one for the preflight check
}

TEST_CASE("check looks at addresses, CAA records and port 80 as a CA would") {
    if (!has_network()) return;
    DnsWorld dns({false, "@ A 127.0.0.1\nshut A 127.0.0.2\nshut CAA 0 issue \";\"\n"});
    Sample sample;
    sample.names = "[example.test]";
    sample.http_listen = fmt::format("[\"127.0.0.1:{}\", \"127.0.0.1:80\"]", dns.world->http_port);
    sample.top = "resolvers: [127.0.0.1]\n";
    dns.world->start(sample);
    const Output fine = dns.world->certd.ctl({"check", "shop"});
    INFO(fine.both());
    CHECK(fine.exit_code == 0);
    CHECK(fine.out.find("name.address example.test: 127.0.0.1") != std::string::npos);
    CHECK(fine.out.find("port 80 answers with certd's token at 127.0.0.1") != std::string::npos);
    CHECK(fine.out.find("the clock agrees with that of pebble") != std::string::npos);

    sample.names = "[shut.example.test]";
    dns.world->certd.configure(dns.world->configuration(sample));
    REQUIRE(dns.world->certd.ctl({"reload"}).exit_code == 0);
    const Output shut = dns.world->certd.ctl({"check", "shop"});
    INFO(shut.both());
    CHECK(shut.exit_code == 1);
    CHECK(shut.out.find("CAA of shut.example.test: it allows nobody to issue") != std::string::npos);
    CHECK(shut.out.find("Port 80 does not answer with certd's token at 127.0.0.2") != std::string::npos);
    const auto json = certd::parse_json(dns.world->certd.ctl({"check", "shop", "--json"}).out);
    REQUIRE(json);
    bool told = false;
    for (const certd::Json& finding : *(*json)["findings"].if_array()) {
        told = told || (finding.string_or("result") == "blocked" && finding.string_or("check") == "ca.pebble.caa" &&
                        finding.string_or("name") == "shut.example.test");
    }
    CHECK(told);
}

TEST_CASE("a CNAME at the challenge name is followed into another zone") {
    if (!has_network()) return;
    DnsWorld dns({false, "_acme-challenge CNAME example.elsewhere.test.\n"});
    dns.world->start(dns.sample());
    const Output renewed = dns.world->certd.ctl({"renew", "shop"});
    INFO(renewed.both() << dns.bind.log());
    REQUIRE(renewed.exit_code == 0);
    CHECK(dns.bind.log().find("adding an RR at 'example.elsewhere.test'") != std::string::npos);
    CHECK(Bind::texts(Bind::primary(), "example.elsewhere.test").empty());
}

TEST_CASE("TSIG keys of algorithms that are out of use work as well, and the weak ones are warned of") {
    if (!has_network()) return;
    DnsWorld dns({false, ""});
    Sample sample = dns.sample();
    sample.names = "[md5.example.test, sha1.example.test, sha224.example.test]";
    sample.top = fmt::format("resolvers: [{}]\ndns_providers:\n", Bind::primary());
    for (const std::string algorithm : {"md5", "sha1", "sha224"}) {
        sample.top +=
            fmt::format("  {0}: {{ rfc2136: {{ key_name: hmac-{0}-key, algorithm: hmac-{0}, secret_file: {1} }} }}\n",
                        algorithm, dns.bind.key_file().string());
    }
    sample.challenge = "{ dns-01: { provider: md5 } }";
    sample.lineage_more =
        "    name_challenges:\n      sha1.example.test: { dns-01: { provider: sha1 } }\n"
        "      sha224.example.test: { dns-01: { provider: sha224 } }\n";
    dns.world->start(sample);
    const Output renewed = dns.world->certd.ctl({"renew", "shop"});
    INFO(renewed.both() << dns.bind.log());
    CHECK(dns.world->certd.version("shop") == 1);
    for (const std::string algorithm : {"md5", "sha1", "sha224"}) {
        CAPTURE(algorithm);
        CHECK(dns.bind.log().find("/key hmac-" + algorithm + "-key: updating zone") != std::string::npos);
        CHECK(Bind::texts(Bind::primary(), "_acme-challenge." + algorithm + ".example.test").empty());
    }
    const Output checked =
        run({certd_program(), "--check-config", "--config", dns.world->certd.configuration_file().string()});
    INFO(checked.both());
    CHECK(checked.exit_code == 0);
    for (const char* weak : {"'md5' is of hmac-md5, which is weak", "'sha1' is of hmac-sha1, which is weak"})
        CHECK(checked.both().find(weak) != std::string::npos);
    CHECK(checked.both().find("'sha224'") == std::string::npos);
}

TEST_CASE("a wrong TSIG secret is a problem that says so, and no order is spent on it again at once") {
    if (!has_network()) return;
    DnsWorld dns({false, ""});
    dns.bind.write_key("d3Jvbmcgc2VjcmV0IQ==");
    CHECK(dns.problem_of_renewal(dns.sample()) == "dns.notSigned");
    const Output explained = dns.world->certd.ctl({"explain", "shop"});
    CHECK(explained.out.find("BADSIG") != std::string::npos);
    CHECK(Bind::texts(Bind::primary(), challenge).empty());
    CHECK(dns.world->certd.log().find("d3Jvbmcgc2VjcmV0IQ") == std::string::npos);
}

TEST_CASE("an update that BIND passes over because of a CNAME the resolver does not know is noticed") {
    if (!has_network()) return;
    DnsWorld dns({true, "_acme-challenge CNAME example.elsewhere.test.\n", true});
    Sample sample = dns.sample();
    sample.top = fmt::format(R"(dns_providers:
  bind:
    rfc2136: {{ server: {}, key_name: certd-key, secret_file: {} }}
    resolvers: [{}]
)",
                             Bind::primary(), dns.bind.key_file().string(), Bind::secondary());
    CHECK(dns.problem_of_renewal(sample) == "dns.updateIgnored");
    CHECK(Bind::texts(Bind::primary(), "example.elsewhere.test").empty());
}

TEST_CASE("a server that lags beyond the timeout is named, and a quorum lets it be") {
    if (!has_network()) return;
    DnsWorld dns;
    dns.bind.stop_secondary();
    CHECK(dns.problem_of_renewal(dns.sample("    propagation: { timeout: 2s }\n")) == "dns.notVisible");
    const std::string told = dns.world->certd.lineage("shop")["last_problem"].string_or("remote");
    CHECK(told.find("ns2.example.test (" + Bind::secondary() + ") has no answer") != std::string::npos);
    CHECK(Bind::texts(Bind::primary(), challenge).empty());

    dns.world->certd.configure(dns.world->configuration(dns.sample("    propagation: { timeout: 20s, quorum: 1 }\n")));
    REQUIRE(dns.world->certd.ctl({"reload"}).exit_code == 0);
    const Output renewed = dns.world->certd.ctl({"renew", "shop", "--force"});
    INFO(renewed.both());
    REQUIRE(renewed.exit_code == 0);
}

TEST_CASE("a recursive server is asked as well, and one that never answers is named") {
    if (!has_network()) return;
    DnsWorld dns({false, ""});
    // BIND resolves, too; nothing listens at 127.0.0.3.
    CHECK(dns.problem_of_renewal(dns.sample("    propagation: { timeout: 2s, resolvers: [127.0.0.1, 127.0.0.3] }\n")) ==
          "dns.notVisible");
    const certd::Json problem = dns.world->certd.lineage("shop")["last_problem"];
    CHECK(problem.string_or("what").find("recursive server") != std::string::npos);
    CHECK(problem.string_or("remote").find("127.0.0.3 has no answer") != std::string::npos);
    CHECK(problem.string_or("remote").find("127.0.0.1 has") == std::string::npos);

    dns.world->certd.configure(dns.world->configuration(dns.sample("    propagation: { resolvers: [127.0.0.1] }\n")));
    REQUIRE(dns.world->certd.ctl({"reload"}).exit_code == 0);
    const Output renewed = dns.world->certd.ctl({"renew", "shop", "--force"});
    INFO(renewed.both());
    REQUIRE(renewed.exit_code == 0);
}

TEST_CASE("the record that dns-persist-01 needs is shown by explain, with the account that was made for it") {
    if (!has_network()) return;
    DnsWorld dns({false, ""});
    Sample sample;
    sample.names = "[example.test, \"*.example.test\"]";
    sample.challenge = "{ dns-persist-01: {} }";
    sample.top = "resolvers: [127.0.0.1]\n";
    // Debian's Pebble does not know the challenge: the account is made, nothing is proven.
    CHECK(dns.problem_of_renewal(sample) == "acme.noChallenge");
    const certd::Json account = dns.world->certd.json({"account", "list"})["accounts"].if_array()->front();
    const Output explained = dns.world->certd.ctl({"explain", "shop", "--json"});
    INFO(explained.both());
    CHECK(explained.out.find("_validation-persist.example.test. IN TXT \\\"ISSUER; accounturi=" +
                             account.string_or("url") + "; policy=wildcard") != std::string::npos);
    const Output checked = dns.world->certd.ctl({"check", "shop"});
    INFO(checked.both());
    CHECK(checked.exit_code == 0);
    CHECK(checked.out.find("challenge.dns-persist-01 *.example.test") != std::string::npos);
}

TEST_CASE("records left by a certd that was killed are taken away when the order goes on") {
    if (!has_network()) return;
    DnsWorld dns;
    dns.bind.stop_secondary();  // nothing becomes visible everywhere
    dns.world->start(dns.sample());
    REQUIRE(eventually(20s, [] { return Bind::texts(Bind::primary(), challenge).size() == 2; }));
    dns.world->certd.kill();
    CHECK(Bind::texts(Bind::primary(), challenge).size() == 2);

    dns.world->certd.configure(dns.world->configuration(dns.sample("    propagation: { quorum: 1 }\n")));
    dns.world->certd.start();
    REQUIRE(eventually(20s, [&] { return dns.world->certd.version("shop") == 1; }));
    CHECK(Bind::texts(Bind::primary(), challenge).empty());
    CHECK(dns.world->pebble.orders() == 1);
}

TEST_CASE("a key file that everybody may read is refused before an update is sent") {
    if (!has_network()) return;
    DnsWorld dns({false, ""});
    std::filesystem::permissions(dns.bind.key_file(), std::filesystem::perms(0644));
    CHECK(dns.problem_of_renewal(dns.sample()) == "storage.permissions");
    CHECK(dns.bind.log().find("adding an RR") == std::string::npos);
}

TEST_CASE("a program in the form of certbot's hooks puts the records in place") {
    if (!has_network()) return;
    DnsWorld dns({false, ""});
    const auto hook = dns.directory.path() / "hook";
    write_file(hook, fmt::format("#!/bin/sh\nprintf 'server {}\\nupdate %s %s. {} TXT %s\\nsend\\n' \"$1\" "
                                 "\"_acme-challenge.$CERTBOT_DOMAIN\" \"$CERTBOT_VALIDATION\" | nsupdate -k {}\n"
                                 "echo \"$1 $CERTBOT_DOMAIN $CERTBOT_REMAINING_CHALLENGES $CERTBOT_ALL_DOMAINS "
                                 "$CERTBOT_AUTH_OUTPUT\" >> {}\necho output\n",
                                 Bind::primary(), 60, dns.bind.key_file().string(),
                                 (dns.directory.path() / "calls").string()));
    std::filesystem::permissions(hook, std::filesystem::perms(0755));
    Sample sample = dns.sample();
    sample.top = fmt::format(R"(dns_providers:
  bind:
    exec: {{ present: [{0}, add], cleanup: [{0}, delete] }}
    resolvers: [{1}]
)",
                             hook.string(), Bind::primary());
    dns.world->start(sample);
    const Output renewed = dns.world->certd.ctl({"renew", "shop"});
    INFO(renewed.both());
    REQUIRE(renewed.exit_code == 0);
    CHECK(Bind::texts(Bind::primary(), challenge).empty());
    const std::string calls = read_file(dns.directory.path() / "calls");
    CHECK(calls.find("add example.test 1 *.example.test,example.test ") != std::string::npos);
    CHECK(calls.find("delete example.test 0 *.example.test,example.test output") != std::string::npos);
}
