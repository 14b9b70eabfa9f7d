// A CRL over real HTTP: certd takes over versions of a private authority that names one, and replaces what is revoked.
#include "daemon/renew/new_version.hpp"
#include "tests/e2e/world.hpp"
#include "tests/support/crl_maker.hpp"

#include <fmt/format.h>

#include <fstream>

using namespace certd;
using namespace certd::test;
namespace fs = std::filesystem;

namespace {

struct PrivateAuthority {
    PrivateKey key = PrivateKey::generate(KeyType::ecdsa_p256);
    Certificate certificate = [this] {
        CertificateTemplate subject;
        subject.common_name = "Private CA";
        subject.not_before = now - days(10);
        subject.not_after = now + days(1000);
        subject.ca = true;
        return issue_certificate(subject, key, nullptr);
    }();
    static inline const Time now = std::chrono::floor<seconds>(std::chrono::system_clock::now());

    // Makes a version of the lineage, live, as if `ca` had issued it. The serial of its certificate.
    std::string issue(Store& store, const config::Ca& ca, const std::string& lineage,
                      const std::string& crl_url) const {
        const PrivateKey leaf_key = PrivateKey::generate(KeyType::ecdsa_p256);
        CertificateTemplate subject;
        subject.names = {{Identifier::Type::dns, lineage + ".example.test"}};
        subject.not_before = now - days(1);
        subject.not_after = now + days(89);
        subject.public_key_der = leaf_key.public_key_der();
        subject.crl_url = crl_url;
        acme::Issued issued;
        issued.key_pem = leaf_key.pem();
        issued.chain = {issue_certificate(subject, key, &certificate), certificate};
        const LineageName name = value_or_fail(LineageName::parse(lineage));
        VersionFacts facts = value_or_fail(
            store.add_version(name, version_of({{KeyType::ecdsa_p256, std::move(issued)}}, ca, now - hours(1))));
        value_or_fail(store.set_live(name, facts.number));
        LineageState state;
        state.live = state.newest = facts.number;
        value_or_fail(store.save_state(name, state));
        return facts.serial;
    }
};

}  // namespace

TEST_CASE("a certificate that its CRL has is replaced, and one that it lacks is said to be good") {
    World world;
    const std::uint16_t port = free_port();
    const std::string url = fmt::format("http://127.0.0.1:{}/ca.crl", port);
    const fs::path www = world.directory() / "www";
    fs::create_directories(www);

    RealFileSystem files;
    fs::create_directories(world.certd.state_directory());
    fs::permissions(world.certd.state_directory(), fs::perms::owner_all);
    Store store(files, world.certd.state_directory());
    value_or_fail(store.open());
    const PrivateAuthority authority;
    config::Ca ca;
    ca.name = {"pebble"};
    ca.directory = world.pebble.directory_url();
    const std::string good = authority.issue(store, ca, "good", url);
    const std::string revoked = authority.issue(store, ca, "revoked", url);
    CrlSpec list;
    list.this_update = PrivateAuthority::now - hours(1);
    list.next_update = PrivateAuthority::now + days(7);
    list.entries = {{revoked, PrivateAuthority::now - minutes(30), 1}};
    list.extensions = {{"2.5.29.28", true, issuing_point(url, 1)}};
    const Bytes der = make_crl(authority.certificate, authority.key, list);
    std::ofstream(www / "ca.crl", std::ios::binary) << as_text(der);
    const fs::path log = world.directory() / "http.log";
    Child server({"/usr/bin/python3", "-m", "http.server", "--bind", "127.0.0.1", "--directory", www.string(),
                  std::to_string(port)},
                 ChildOptions{{}, log, {}, {}, {}});
    REQUIRE(eventually(10s, [&] { return run({"/usr/bin/curl", "-fsS", url, "-o", "/dev/null"}).exit_code == 0; }));

    Sample sample;
    sample.top =
        "  good: { names: [good.example.test], challenge: { http-01: {} } }\n"
        "  revoked: { names: [revoked.example.test], challenge: { http-01: {} } }\n";
    world.start(sample);
    const bool replaced = eventually(60s, [&] { return world.certd.version("revoked") == 2; });
    INFO(world.certd.log());
    REQUIRE(replaced);
    CHECK(world.certd.log().find("Version 1 was revoked at") != std::string::npos);

    REQUIRE(eventually(10s, [&] { return world.certd.lineage("good")["revocation"].string_or("status") == "good"; }));
    const Json known = world.certd.lineage("good");
    CHECK(known["revocation"].string_or("url") == url);
    CHECK(world.certd.version("good") == 1);
    CHECK(known.string_or("serial") == good);
    // What Pebble issues names no CRL.
    REQUIRE(eventually(
        10s, [&] { return world.certd.lineage("revoked")["revocation"].string_or("status") == "not-checked"; }));
    const Output explained = world.certd.ctl({"explain", "good"});
    INFO(explained.both());
    CHECK(explained.out.find("is not revoked") != std::string::npos);
    CHECK(world.certd.metric("certd_lineage_revoked{lineage=\"good\"}") == 0);
    CHECK(world.certd.metric("certd_crl_last_success_timestamp_seconds{lineage=\"good\"}") > 0);

    // One question for both, and none after a restart.
    const auto asked = [&] {
        const std::string text = read_file(log);
        std::size_t count = 0;
        for (std::size_t at = text.find("GET /ca.crl"); at != std::string::npos; at = text.find("GET /ca.crl", at + 1))
            ++count;
        return count;
    };
    CHECK(asked() == 2);  // ours, and certd's
    world.certd.terminate();
    world.certd.start();
    REQUIRE(eventually(10s, [&] { return world.certd.lineage("good")["revocation"].string_or("status") == "good"; }));
    CHECK(asked() == 2);
}
