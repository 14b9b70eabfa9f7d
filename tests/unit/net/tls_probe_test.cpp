#include "libacme/net/tls_probe.hpp"

#include "tests/support/catch.hpp"
#include "tests/support/raw_server.hpp"
#include "tests/support/run_task.hpp"
#include "tests/support/test_authority.hpp"

#include <openssl/ssl.h>

using namespace certd;
using namespace certd::test;

namespace {

ProbeRequest probe_of(const RawServer& server, const std::string& name = {}, Duration timeout = seconds(5)) {
    return {"127.0.0.1:" + std::to_string(server.port()), name, timeout};
}

Served look(ProbeRequest request) {
    SystemClock clock;
    return run_task(probe_tls(clock, std::move(request)));
}

Problem problem_of_probe(ProbeRequest request) {
    SystemClock clock;
    return problem_from(probe_tls(clock, std::move(request)));
}

std::string fingerprint(const TlsIdentity& identity) {
    return parse_chain(identity.chain_pem)->front().fingerprint_sha256();
}

}  // namespace

TEST_CASE("a probe sees the leaf served for each name, whoever signed it and however old it is") {
    const TestAuthority authority("Nobody's");
    const auto long_ago = TestAuthority::usual_validity().from - days(400);
    RawServerOptions options;
    options.identity = authority.issue({"default.example"});
    const auto other = authority.issue({"other.example"}, {long_ago, long_ago + days(90)});
    options.by_name.emplace_back("other.example", other);
    RawServer server(options, RawScript{raw::Hold{}});

    const auto served = look(probe_of(server, "other.example"));
    CHECK(served.fingerprint == fingerprint(other));
    CHECK(served.chain.front().names().front().value == "other.example");
    CHECK(look(probe_of(server)).fingerprint == fingerprint(*options.identity));
    CHECK(look(probe_of(server, "127.0.0.1")).fingerprint == fingerprint(*options.identity));
    CHECK(server.server_names() == std::vector<std::string>{"other.example", "", ""});
}

TEST_CASE("a server with two certificates shows a probe the kind of key it asks for, in TLS 1.2 and 1.3") {
    const TestAuthority authority;
    RawServerOptions options;
    options.identity = authority.issue({"a.example"});
    options.greatest_version = GENERATE(TLS1_2_VERSION, TLS1_3_VERSION);
    auto asking = [](const RawServer& server, ServerKey key) {
        ProbeRequest request = probe_of(server, "a.example");
        request.key = key;
        return request;
    };
    {
        RawServer one(options, RawScript{raw::Hold{}});
        CHECK(look(asking(one, ServerKey::ecdsa)).fingerprint == fingerprint(*options.identity));
        CHECK(problem_of_probe(asking(one, ServerKey::rsa)).code == "tls.handshake");
    }
    options.second = authority.issue({"a.example"}, TestAuthority::usual_validity(), KeyType::rsa_2048);
    RawServer both(options, RawScript{raw::Hold{}});
    CHECK(look(asking(both, ServerKey::ecdsa)).fingerprint == fingerprint(*options.identity));
    CHECK(look(asking(both, ServerKey::rsa)).fingerprint == fingerprint(*options.second));
}

TEST_CASE("a probe brings the chain as it was sent") {
    const TestAuthority authority;
    auto identity = authority.issue({"a.example"});
    identity.chain_pem += authority.bundle();
    RawServerOptions options;
    options.identity = identity;
    RawServer server(options, RawScript{raw::Hold{}});
    const auto served = look(probe_of(server));
    REQUIRE(served.chain.size() == 2);
    CHECK(served.chain[0].issued_by(served.chain[1]));
}

TEST_CASE("a probe also reads what an old server serves") {
    RawServerOptions options;
    options.identity = TestAuthority().issue({"old.example"});
    options.security_level = 0;
    options.greatest_version = GENERATE(TLS1_VERSION, TLS1_2_VERSION);
    RawServer server(options, RawScript{raw::Hold{}});
    CHECK(look(probe_of(server)).fingerprint == fingerprint(*options.identity));
}

TEST_CASE("nobody listening, no TLS, a hang-up and silence are told apart") {
    CHECK(problem_of_probe({"127.0.0.1:1", "", seconds(5)}).code == "net.connect");
    CHECK(problem_of_probe({"no port", "", seconds(5)}).code == "net.resolve");

    RawServer plain({}, RawScript{raw::Send{"220 mail.example ESMTP\r\n"}, raw::Hold{}});
    const auto not_tls = problem_of_probe(probe_of(plain));
    CHECK(not_tls.code == "tls.handshake");
    CHECK(not_tls.what.find("does not speak TLS") != std::string::npos);

    RawServer rude({}, RawScript{raw::Close{}});
    CHECK(problem_of_probe(probe_of(rude)).code == "tls.handshake");

    RawServer silent({}, RawScript{raw::Hold{}});
    const auto late = problem_of_probe(probe_of(silent, "", milliseconds(150)));
    CHECK(late.code == "net.timeout");
    CHECK(late.what == "No TLS handshake with 127.0.0.1:" + std::to_string(silent.port()) + " within 150ms");
}
