// Lists of revoked certificates: what is read from good ones, and that no other is believed.
#include "libacme/crypto/crl.hpp"
#include "libacme/crypto/der.hpp"
#include "libacme/crypto/pem.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/crl_maker.hpp"
#include "tests/unit/crypto/authority.hpp"

using namespace certd;
using namespace certd::test;

namespace {

const std::string url = "http://crl.test/7.crl";

// A good list of an authority, with one certificate in it; tests change one thing.
struct Scene {
    Authority authority;
    Certificate leaf = issue(url);
    CrlSpec spec = good();

    Certificate issue(const std::string& crl_url) const {
        CertificateTemplate subject = authority.leaf_template();
        subject.crl_url = crl_url;
        return authority.leaf(subject);
    }
    CrlSpec good() const {
        CrlSpec made;
        made.this_update = authority.now - hours(2);
        made.next_update = authority.now + days(7);
        made.entries = {{"0badcafe", authority.now - days(3), 4}};
        return made;
    }
    void revoke(std::optional<int> reason) {
        spec.entries.push_back({leaf.serial(), authority.now - hours(5), reason});
    }
    void add(CrlExtension extension) { spec.extensions.push_back(std::move(extension)); }
    std::string list() const { return std::string(as_text(make_crl(authority.certificate, authority.key, spec))); }
    Result<CrlAnswer> read(const std::string& text) const {
        return read_crl(text, {url, std::span(&authority.certificate, 1), {leaf.serial()}, authority.now});
    }
    Result<CrlAnswer> read() const { return read(list()); }
    std::string fault() const {
        Result<CrlAnswer> answer = read();
        REQUIRE_FALSE(answer);
        return answer.error().code + ": " + answer.error().what;
    }
};

}  // namespace

TEST_CASE("a certificate names its CRL, and what could not be fetched is left out") {
    Scene scene;
    CHECK(crl_urls(scene.leaf) == std::vector<std::string>{url});
    CHECK(crl_urls(scene.issue("")).empty());
    CHECK(crl_urls(scene.issue("ldap://crl.test/cn=x")).empty());
    CHECK(crl_urls(scene.issue("https://crl.test/x")).size() == 1);
}

TEST_CASE("a list that lacks the certificate says that it is good, until the next is due") {
    Scene scene;
    Result<CrlAnswer> answer = scene.read();
    REQUIRE(answer);
    CHECK(answer->revoked.empty());
    CHECK(answer->entries == 1);
    CHECK(answer->issuer == 0);
    CHECK(answer->this_update == scene.authority.now - hours(2));
    CHECK(answer->next_update == scene.authority.now + days(7));
}

TEST_CASE("a list without entries is one") {
    Scene scene;
    scene.spec.entries.clear();
    REQUIRE(scene.read());
    CHECK(scene.read()->entries == 0);
}

TEST_CASE("a certificate in the list is revoked, with date and reason") {
    Scene scene;
    scene.revoke(1);
    scene.spec.entries.push_back({"0c0ffee0", scene.authority.now, std::nullopt});
    for (const std::string& list : {scene.list(), pem_block("X509 CRL", as_bytes(scene.list()))}) {
        Result<CrlAnswer> answer = scene.read(list);
        REQUIRE(answer);
        CHECK(answer->entries == 3);
        REQUIRE(answer->revoked.size() == 1);
        CHECK(answer->revoked.at(scene.leaf.serial()) ==
              CrlHit{scene.authority.now - hours(5), CrlReason::key_compromise});
    }
    CHECK(to_string(CrlReason::key_compromise) == "keyCompromise");
}

TEST_CASE("one without a reason is revoked as well, and so is one on hold") {
    Scene bare, held;
    bare.revoke(std::nullopt);
    held.revoke(6);
    CHECK(bare.read()->revoked.at(bare.leaf.serial()).reason == CrlReason::unspecified);
    CHECK(held.read()->revoked.at(held.leaf.serial()).reason == CrlReason::certificate_hold);
}

TEST_CASE("one that was taken off the list is not revoked") {
    Scene scene;
    scene.revoke(6);
    scene.revoke(8);
    REQUIRE(scene.read());
    CHECK(scene.read()->revoked.empty());
}

TEST_CASE("only the certificate's issuer is believed") {
    Scene scene;
    scene.revoke(1);
    Authority other;  // of the same name
    std::string forged(as_text(make_crl(scene.authority.certificate, other.key, scene.spec)));
    Result<CrlAnswer> answer = scene.read(forged);
    REQUIRE_FALSE(answer);
    CHECK(answer.error().code == "crl.invalid");
    CHECK(answer.error().what == "The CRL cannot be used: it is not signed by the issuer of the certificate");

    std::string of_root(as_text(make_crl(scene.authority.root, scene.authority.root_key, scene.spec)));
    CHECK_FALSE(scene.read(of_root));

    // Which of several signed it is told.
    std::vector<Certificate> issuers{scene.authority.root, scene.authority.certificate};
    Result<CrlAnswer> second = read_crl(scene.list(), {url, issuers, {}, scene.authority.now});
    REQUIRE(second);
    CHECK(second->issuer == 1);
}

TEST_CASE("an issuer whose key may not sign lists is not believed") {
    Scene scene;
    CertificateTemplate subject = Authority::ca_template("Test intermediate");
    subject.public_key_der = scene.authority.key.public_key_der();
    subject.ca = false;  // digitalSignature only
    scene.authority.certificate = issue_certificate(subject, scene.authority.root_key, &scene.authority.root);
    CHECK(scene.fault() == "crl.invalid: The CRL cannot be used: it is not signed by the issuer of the certificate");
}

TEST_CASE("what has run out, lies ahead or has no end is refused") {
    Scene stale, ahead, slightly_ahead, endless;
    stale.spec.next_update = stale.authority.now;
    CHECK(stale.fault() == "crl.stale: The CRL has run out at 2026-11-23T12:00:00Z");
    ahead.spec.this_update = ahead.authority.now + hours(2);
    CHECK(ahead.fault() == "crl.invalid: The CRL cannot be used: it is of 2026-11-23T14:00:00Z, which lies ahead");
    slightly_ahead.spec.this_update = slightly_ahead.authority.now + minutes(30);
    CHECK(slightly_ahead.read());
    endless.spec.next_update.reset();
    CHECK(endless.fault() == "crl.invalid: The CRL cannot be used: it does not say when it runs out");
}

TEST_CASE("a list for some distribution points must name the one that was asked") {
    Scene ours, all, other;
    ours.add({"2.5.29.28", true, issuing_point(url, 1)});  // onlyContainsUserCerts
    ours.revoke(1);
    REQUIRE(ours.read());
    CHECK(ours.read()->revoked.size() == 1);
    all.add({"2.5.29.28", true, issuing_point("")});
    CHECK(all.read());
    other.add({"2.5.29.28", true, issuing_point("http://crl.test/8.crl")});
    CHECK(other.fault() == "crl.invalid: The CRL cannot be used: it is for another distribution point");
}

TEST_CASE("lists of other kinds are refused by name") {
    struct Kind {
        CrlExtension extension;
        std::string fault;
    };
    static constexpr std::uint8_t base[] = {0x02, 0x01, 0x01};
    const std::vector<Kind> kinds = {
        {{"2.5.29.28", true, issuing_point("", 2)}, "it is for certificates of CAs only"},
        {{"2.5.29.28", true, issuing_point("", 3)}, "it is for some reasons of revocation only"},
        {{"2.5.29.28", true, issuing_point("", 4)}, "it is an indirect one, for the certificates of several CAs"},
        {{"2.5.29.28", true, issuing_point("", 5)}, "it is for attribute certificates only"},
        {{"2.5.29.28", true, {0x30, 0x05}}, "its issuing distribution point is malformed"},
        {{"2.5.29.27", true, Bytes(base, base + 3)}, "it is a delta, which says nothing without another list"},
        {{"1.2.3.4", true, {0x05, 0x00}}, "it has a critical extension that is not understood"},
    };
    for (const Kind& kind : kinds) {
        Scene scene;
        scene.add(kind.extension);
        CHECK(scene.fault() == "crl.invalid: The CRL cannot be used: " + kind.fault);
    }
    Scene harmless;
    harmless.add({"1.2.3.4", false, {0x05, 0x00}});
    CHECK(harmless.read());
}

TEST_CASE("an entry with a critical extension that is not understood makes the list useless") {
    Scene scene, harmless;
    scene.spec.entries.front().extensions = {{"2.5.29.29", true, {0x30, 0x00}}};  // certificateIssuer
    CHECK(scene.fault() ==
          "crl.invalid: The CRL cannot be used: an entry has a critical extension that is not understood");
    harmless.spec.entries.front().extensions = {{"2.5.29.24", false, {0x18, 0x00}}};  // invalidityDate
    CHECK(harmless.read());
}

TEST_CASE("garbage, and a list cut off or changed anywhere, says nothing") {
    Scene scene;
    scene.revoke(1);
    for (const char* garbage :
         {"", "x", "<html>404</html>", "-----BEGIN X509 CRL-----\n", "-----BEGIN CERTIFICATE-----"}) {
        INFO(garbage);
        REQUIRE_FALSE(scene.read(garbage));
        CHECK(scene.read(garbage).error().code == "crl.invalid");
    }
    const std::string whole = scene.list();
    for (std::size_t length = 0; length < whole.size(); ++length)
        CHECK_FALSE(scene.read(whole.substr(0, length)));
    for (std::size_t at = 0; at < whole.size(); ++at) {
        std::string changed = whole;
        changed[at] = static_cast<char>(changed[at] ^ 1);
        CHECK_FALSE(scene.read(changed));
    }
    CHECK_FALSE(scene.read(whole + "x"));
    CHECK(scene.read(whole));
}
