// What counts as served: every address with every name, on new connections, until the time is over.
#include "daemon/deploy/verify.hpp"

#include "tests/support/catch.hpp"
#include "tests/support/fake_host.hpp"
#include "tests/support/virtual_clock.hpp"

#include <algorithm>

using namespace certd;
using namespace certd::test;

namespace {

Identifier dns(std::string name) {
    return {Identifier::Type::dns, std::move(name)};
}

struct Probing {
    VirtualClock clock;
    asio::io_context io{1};
    FakeHost host{clock};
    VerifyRequest request;

    Probing() {
        request.object = "version 2";
        for (const auto* name : {"a.example.com", "b.example.com"})
            request.expected.push_back({{"127.0.0.1:443", name}, "new"});
    }
    // Serves `old` until the n-th probe of the name.
    void switch_after(std::size_t probes) {
        host.on_probe = [this, probes](const ProbeRequest& probe) -> Result<Served> {
            return Served{{}, host.count("probe " + probe.address + " " + probe.server_name) > probes ? "new" : "old"};
        };
    }
    Verification verify() { return test::run(io, clock, verify_served(clock, host, request)); }
};

}  // namespace

TEST_CASE("of a version with two certificates each is asked for by its kind of key, where the target installs it") {
    VersionFacts facts;
    facts.names = {dns("a.example.com")};
    facts.fingerprint = "ec";
    config::Target target;
    target.verify.addresses = {{StartTls::none, "127.0.0.1:443"}};
    auto asked = [&] {
        std::vector<std::pair<ServerKey, std::string>> all;
        for (const Expected& expected : expected_of(target, facts))
            all.emplace_back(expected.endpoint.key, expected.fingerprint);
        return all;
    };
    using All = std::vector<std::pair<ServerKey, std::string>>;
    CHECK(asked() == All{{ServerKey::any, "ec"}});
    CertificateFacts rsa;
    rsa.key_type = KeyType::rsa_2048;
    rsa.fingerprint = "rsa";
    facts.further = {rsa};
    CHECK(asked() == All{{ServerKey::ecdsa, "ec"}, {ServerKey::rsa, "rsa"}});
    target.install = {{config::Part::fullchain, "/f"}};
    CHECK(asked() == All{{ServerKey::ecdsa, "ec"}});
    target.install.push_back({config::Part::fullchain, "/r"});
    target.install.back().key = KeyType::rsa_2048;
    CHECK(asked() == All{{ServerKey::ecdsa, "ec"}, {ServerKey::rsa, "rsa"}});
}

TEST_CASE("a server that shows one kind of certificate only is found out for the other") {
    Probing probing;
    probing.request.expected = {{{"127.0.0.1:443", "a.example.com", StartTls::none, ServerKey::ecdsa}, "ec"},
                                {{"127.0.0.1:443", "a.example.com", StartTls::none, ServerKey::rsa}, "rsa"}};
    probing.host.on_probe = [](const ProbeRequest& probe) -> Result<Served> {
        if (probe.key == ServerKey::rsa) return Served{{}, "old rsa"};
        return Served{{}, "ec"};
    };
    Verification result = probing.verify();
    REQUIRE(result.problem);
    CHECK(result.problem->code == "tls.notServed");
    CHECK(result.problem->what.starts_with("127.0.0.1:443 for a.example.com to RSA clients does not serve version 2"));
}

TEST_CASE("every address is asked with every DNS name, a wildcard with a name below it") {
    config::Verify verify;
    verify.addresses = {{StartTls::none, "127.0.0.1:443"}, {StartTls::none, "[::1]:8443"}};
    const std::vector<Identifier> names{dns("*.example.com"), dns("example.com"), {Identifier::Type::ip, "192.0.2.1"}};
    CHECK(endpoints_of(verify, names) == std::vector<Endpoint>{{"127.0.0.1:443", "certd-check.example.com"},
                                                               {"127.0.0.1:443", "example.com"},
                                                               {"[::1]:8443", "certd-check.example.com"},
                                                               {"[::1]:8443", "example.com"}});
    verify.server_names = {"only.example.com"};
    verify.addresses.pop_back();
    CHECK(endpoints_of(verify, names) == std::vector<Endpoint>{{"127.0.0.1:443", "only.example.com"}});
    verify.server_names.clear();
    CHECK(endpoints_of(verify, {{Identifier::Type::ip, "192.0.2.1"}}) == std::vector<Endpoint>{{"127.0.0.1:443", ""}});
    CHECK(endpoints_of({}, names).empty());
}

TEST_CASE("the first probe is made at once, and one that fits is enough") {
    Probing probing;
    probing.switch_after(0);
    const auto seen = probing.verify();
    CHECK_FALSE(seen.problem);
    CHECK(seen.served == "new");
    CHECK(probing.clock.now() == virtual_start);
    CHECK(probing.host.log.size() == 2);
}

TEST_CASE("probes go on at the interval until the new certificate is served") {
    Probing probing;
    probing.switch_after(3);
    CHECK_FALSE(probing.verify().problem);
    CHECK(probing.clock.now() - virtual_start == milliseconds(1500));
}

TEST_CASE("a name that has shown the certificate is not asked again while another is waited for") {
    Probing probing;
    probing.host.on_probe = [&](const ProbeRequest& probe) -> Result<Served> {
        const bool late = probe.server_name == "b.example.com" && probing.host.log.size() < 6;
        return Served{{}, late ? "old" : "new"};
    };
    CHECK_FALSE(probing.verify().problem);
    CHECK(probing.host.count("probe 127.0.0.1:443 a.example.com") == 1);
    CHECK(probing.host.count("probe 127.0.0.1:443 b.example.com") == 5);
}

TEST_CASE("one name that never fits fails the verification with what it serves") {
    Probing probing;
    probing.host.on_probe = [](const ProbeRequest& probe) -> Result<Served> {
        return Served{{}, probe.server_name == "b.example.com" ? "old" : "new"};
    };
    const auto seen = probing.verify();
    REQUIRE(seen.problem);
    CHECK(seen.problem->code == "tls.notServed");
    CHECK(seen.problem->what ==
          "127.0.0.1:443 for b.example.com does not serve version 2 after 30s: it serves the certificate with SHA-256 "
          "old that "
          "expires at an unknown time");
    CHECK(seen.served == "old");
    CHECK(probing.clock.now() - virtual_start == seconds(30));
}

TEST_CASE("a probe that the deadline cuts short takes nothing from what was seen before") {
    Probing probing;
    probing.request.timeout = seconds(8);
    probing.host.on_probe = [](const ProbeRequest& probe) -> Result<Served> {
        if (probe.timeout < seconds(1)) return failure("net.timeout", "No TLS handshake within 1ms");
        return Served{{}, "old"};
    };
    const auto seen = probing.verify();
    REQUIRE(seen.problem);
    CHECK(seen.served == "old");
    CHECK(seen.problem->what.find("it serves the certificate with SHA-256 old") != std::string::npos);
}

TEST_CASE("an endpoint that cannot be reached fails the verification with the reason") {
    Probing probing;
    probing.request.timeout = seconds(2);
    const auto seen = probing.verify();
    REQUIRE(seen.problem);
    CHECK(seen.problem->what ==
          "127.0.0.1:443 for a.example.com does not serve version 2 after 2s: Cannot connect to 127.0.0.1:443");
    CHECK(seen.problem->remote == "Connection refused");
    CHECK(seen.problem->parts.at(0).code == "net.connect");
    CHECK(seen.served.empty());
}

TEST_CASE("an address that cannot be reached is looked at once, whatever the number of names") {
    Probing probing;
    probing.host.on_probe = [](const ProbeRequest& probe) -> Result<Served> {
        if (probe.address == "down:443") return failure("net.timeout", "No answer");
        return Served{{}, "old"};
    };
    const std::vector<Endpoint> endpoints{{"down:443", "a"}, {"down:443", "b"}, {"up:443", "a"}, {"up:443", "b"}};
    const auto seen =
        test::run(probing.io, probing.clock, look_at(probing.clock, probing.host, endpoints, seconds(10)));
    CHECK(seen.size() == 2);
    CHECK(seen[1].endpoint == endpoints[3]);
    CHECK(seen[1].fingerprint == "old");
    CHECK(probing.host.log.size() == 3);
}
