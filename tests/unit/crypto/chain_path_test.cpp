// Chains that somebody else shows, and the names they are for.
#include "libacme/crypto/chain_path.hpp"
#include "tests/support/catch.hpp"
#include "tests/unit/crypto/authority.hpp"

#include <algorithm>

using namespace certd;
using namespace certd::test;

TEST_CASE("a chain leads to its issuers in whichever order they were shown") {
    Authority authority;
    const Certificate leaf = authority.leaf(authority.leaf_template());
    const Chain whole{leaf, authority.certificate, authority.root};
    CHECK(leads_to(whole, authority.root, authority.now));
    CHECK(leads_to(whole, authority.certificate, authority.now));
    CHECK(leads_to(whole, leaf, authority.now));
    CHECK(leads_to(Chain{leaf, authority.root, authority.certificate}, authority.root, authority.now));
    CHECK(leads_to(Chain{leaf}, leaf, authority.now));
}

TEST_CASE("a chain without an intermediate, with another's or with one that has expired leads nowhere") {
    Authority authority, other;
    const Certificate leaf = authority.leaf(authority.leaf_template());
    CHECK_FALSE(leads_to(Chain{leaf}, authority.certificate, authority.now));
    CHECK_FALSE(leads_to(Chain{leaf, authority.root}, authority.root, authority.now));
    CHECK_FALSE(leads_to(Chain{leaf, other.certificate}, authority.certificate, authority.now));
    CHECK_FALSE(leads_to(Chain{leaf, authority.certificate}, authority.certificate, at("2037-01-01T00:00:00Z")));
    CHECK_FALSE(leads_to(Chain{}, authority.root, authority.now));
}

TEST_CASE("a chain that turns in circles comes to an end") {
    Authority authority;
    const Certificate leaf = authority.leaf(authority.leaf_template());
    const Chain circle{leaf, authority.certificate, authority.root, authority.root, authority.root};
    CHECK_FALSE(leads_to(circle, Authority().root, authority.now));
}

TEST_CASE("a leaf that is no CA issues nothing") {
    Authority authority;
    const Certificate leaf = authority.leaf(authority.leaf_template());
    CertificateTemplate below = authority.leaf_template();
    below.public_key_der = PrivateKey::generate(KeyType::ecdsa_p256).public_key_der();
    const Certificate forged = issue_certificate(below, authority.leaf_key, &leaf);
    CHECK_FALSE(leads_to(Chain{forged, leaf, authority.certificate}, authority.certificate, authority.now));
}

TEST_CASE("a certificate is for the names it lists, and a wildcard for one label") {
    const std::vector<Identifier> names{dns("example.com"), dns("*.example.com"), ip("192.0.2.1")};
    CHECK(is_for_name(names, "example.com"));
    CHECK(is_for_name(names, "WWW.example.com"));
    CHECK(is_for_name(names, "192.0.2.1"));
    CHECK_FALSE(is_for_name(names, "a.b.example.com"));
    CHECK_FALSE(is_for_name(names, "example.org"));
    CHECK_FALSE(is_for_name(names, "192.0.2.2"));
    CHECK_FALSE(is_for_name(names, ""));
    CHECK_FALSE(is_for_name({}, "example.com"));
}
