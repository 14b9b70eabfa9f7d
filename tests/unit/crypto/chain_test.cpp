// Chains: nothing smuggled in, nothing wrong let through (RFC 8555 §7.4.2, §11.4; faults F12, S7, S22).
#include "libacme/crypto/certificate.hpp"

#include "tests/support/catch.hpp"
#include "tests/unit/crypto/authority.hpp"

#include <chrono>

using namespace certd;
using namespace certd::test;

namespace {

std::string code_of(const Result<void>& result) {
    return result ? "none" : result.error().code;
}

Chain chain_of(const Authority& authority, const CertificateTemplate& subject) {
    return {authority.leaf(subject), authority.certificate};
}

}  // namespace

TEST_CASE("a chain is read back as written, also with an empty line between certificates") {
    Authority authority;
    Certificate leaf = authority.leaf(authority.leaf_template());
    Chain chain = {leaf, authority.certificate, authority.root};
    auto read = parse_chain(chain_pem(chain));
    REQUIRE(read);
    CHECK(read->size() == 3);
    CHECK(chain_pem(*read) == chain_pem(chain));
    CHECK(parse_chain(leaf.pem() + "\n" + authority.certificate.pem())->size() == 2);
    std::string no_final_newline = leaf.pem();
    no_final_newline.pop_back();
    CHECK(parse_chain(no_final_newline));
}

TEST_CASE("nothing but certificates may be in a download") {
    Authority authority;
    std::string leaf = authority.leaf(authority.leaf_template()).pem(), issuer = authority.certificate.pem();
    std::string key = authority.leaf_key.pem();
    std::string old_key = "-----BEGIN RSA PRIVATE KEY-----\nAAAA\n-----END RSA PRIVATE KEY-----\n";
    std::string inner = leaf;
    inner.insert(inner.find("-----END"), "-----BEGIN CERTIFICATE-----\n");
    std::string header = leaf;
    header.insert(header.find('\n') + 1, "Proc-Type: 4,ENCRYPTED\n\n");
    std::string padded = leaf;
    padded.insert(padded.find('\n') + 1, "====\n");
    for (const std::string& text : {
             std::string(),
             std::string("\n\n"),
             leaf + key,
             key + leaf,
             leaf + old_key + issuer,
             leaf + "include /etc/shadow;\n" + issuer,
             "subject=CN = example.com\n" + leaf,
             leaf + "#",
             leaf + " ",
             " " + leaf,
             leaf + "-----BEGIN CERTIFICATE-----\n",
             leaf.substr(0, leaf.size() / 2),
             inner,
             header,
             padded,
             std::string("-----BEGIN TRUSTED CERTIFICATE-----\nAAAA\n-----END TRUSTED CERTIFICATE-----\n"),
             std::string("-----BEGIN X509 CERTIFICATE-----\nAAAA\n-----END X509 CERTIFICATE-----\n"),
             std::string("-----BEGIN CERTIFICATE-----\n-----END CERTIFICATE-----\n"),
             std::string("-----BEGIN CERTIFICATE-----\nMAA=\n-----END CERTIFICATE-----\n"),
             std::string("-----BEGIN CERTIFICATE-----\nMAA=\n-----END X509 CRL-----\n"),
             leaf + std::string(1, '\0'),
             std::string("<html><body>502 Bad Gateway</body></html>"),
             "\xef\xbb\xbf" + leaf,
         }) {
        auto chain = parse_chain(text);
        INFO(text);
        REQUIRE_FALSE(chain);
        CHECK(chain.error().code == "crypto.chainMalformed");
    }
}

TEST_CASE("a chain of ten certificates is read, of eleven refused, and so is one above 64 KiB") {
    Authority authority;
    std::string root = authority.root.pem(), text;
    for (int count = 0; count < 10; ++count)
        text += root;
    CHECK(parse_chain(text)->size() == 10);
    auto eleven = parse_chain(text + root);
    REQUIRE_FALSE(eleven);
    CHECK(eleven.error().what == "The certificate chain is malformed: more than 10 blocks");
    auto large = parse_chain(root + std::string(std::size_t{1} << 20, '\n'));
    REQUIRE_FALSE(large);
    CHECK(large.error().what == "The certificate chain is larger than 64 KiB");
}

TEST_CASE("the worst inputs below the size limit are refused at once") {
    std::string begins, lines = "-----BEGIN CERTIFICATE-----\n", dashes(65000, '-');
    while (begins.size() < 65000)
        begins += "-----BEGIN CERTIFICATE-----\n";
    while (lines.size() < 65000)
        lines += "A\n";
    auto start = std::chrono::steady_clock::now();
    for (int count = 0; count < 10; ++count) {
        for (const std::string* text : {&begins, &lines, &dashes})
            CHECK_FALSE(parse_chain(*text));
    }
    // A few milliseconds each with sanitizers; quadratic behaviour would take minutes.
    CHECK(std::chrono::steady_clock::now() - start < std::chrono::seconds(10));
}

TEST_CASE("a chain as ordered passes, in whatever order the names are") {
    Authority authority;
    CHECK(code_of(check_chain(chain_of(authority, authority.leaf_template()), authority.expectation())) == "none");
}

TEST_CASE("IP addresses and wildcards count as names") {
    Authority authority;
    CertificateTemplate subject = authority.leaf_template();
    subject.names = {ip("2001:db8::1"), dns("*.example.com"), ip("192.0.2.1")};
    ChainExpectation expected = authority.expectation();
    expected.names = subject.names;
    CHECK(code_of(check_chain(chain_of(authority, subject), expected)) == "none");
    expected.names[0] = ip("2001:db8::2");
    CHECK(code_of(check_chain(chain_of(authority, subject), expected)) == "crypto.wrongNames");
}

TEST_CASE("a certificate for another key is refused") {
    Authority authority;
    CertificateTemplate subject = authority.leaf_template();
    subject.public_key_der = PrivateKey::generate(KeyType::ecdsa_p256).public_key_der();
    CHECK(code_of(check_chain(chain_of(authority, subject), authority.expectation())) == "crypto.wrongKey");
}

TEST_CASE(
    "a certificate with a name missing, added or changed is refused, and the names it has are reported as theirs") {
    Authority authority;
    CertificateTemplate subject = authority.leaf_template();
    for (const std::vector<Identifier>& names :
         {std::vector{dns("example.com")},
          std::vector{dns("example.com"), dns("www.example.com"), dns("evil.example")},
          std::vector{dns("example.com"), dns("www.example.org")},
          {}}) {
        subject.names = names;
        CHECK(code_of(check_chain(chain_of(authority, subject), authority.expectation())) == "crypto.wrongNames");
    }
    subject.names = {dns("other.example")};
    auto checked = check_chain(chain_of(authority, subject), authority.expectation());
    REQUIRE_FALSE(checked);
    CHECK(checked.error().what == "The certificate's names are not those ordered (example.com, www.example.com)");
    CHECK(checked.error().remote == "other.example");
}

TEST_CASE("a certificate that has expired or starts beyond the clock's skew is refused") {
    Authority authority;
    CertificateTemplate subject = authority.leaf_template();
    subject.not_after = authority.now;
    CHECK(code_of(check_chain(chain_of(authority, subject), authority.expectation())) == "crypto.expired");

    subject = authority.leaf_template();
    subject.not_before = authority.now + days(2);
    CHECK(code_of(check_chain(chain_of(authority, subject), authority.expectation())) == "crypto.notYetValid");
    subject.not_before = authority.now + hours(1);
    CHECK(code_of(check_chain(chain_of(authority, subject), authority.expectation())) == "none");
}

TEST_CASE("the previous certificate delivered again is refused") {
    Authority authority;
    Chain chain = chain_of(authority, authority.leaf_template());
    ChainExpectation expected = authority.expectation();
    expected.previous_serial = chain.front().serial();
    CHECK(code_of(check_chain(chain, expected)) == "crypto.sameSerial");
}

TEST_CASE("a CA certificate as leaf is refused, also when the chain is merely reversed") {
    Authority authority;
    CertificateTemplate subject = authority.leaf_template();
    subject.ca = true;
    CHECK(code_of(check_chain(chain_of(authority, subject), authority.expectation())) == "crypto.caLeaf");
    Chain reversed = {authority.certificate, authority.leaf(authority.leaf_template())};
    CHECK(code_of(check_chain(reversed, authority.expectation())) == "crypto.caLeaf");
}

TEST_CASE("every certificate must be issued by the one after it, but the root may be missing") {
    Authority authority, other;
    Certificate leaf = authority.leaf(authority.leaf_template());
    ChainExpectation expected = authority.expectation();
    CHECK(code_of(check_chain(Chain{}, expected)) == "crypto.brokenChain");
    CHECK(code_of(check_chain(Chain{leaf}, expected)) == "none");
    CHECK(code_of(check_chain(Chain{leaf, authority.certificate, authority.root}, expected)) == "none");
    CHECK(code_of(check_chain(Chain{leaf, authority.root}, expected)) == "crypto.brokenChain");
    CHECK(code_of(check_chain(Chain{leaf, authority.root, authority.certificate}, expected)) == "crypto.brokenChain");
    CHECK(code_of(check_chain(Chain{leaf, other.certificate}, expected)) == "crypto.brokenChain");
    CHECK(code_of(check_chain(Chain{leaf, leaf}, expected)) == "crypto.brokenChain");
}

TEST_CASE("an issuer that is no CA breaks the chain even with a good signature") {
    Authority authority;
    CertificateTemplate middle = authority.leaf_template();
    middle.common_name = "No CA";
    middle.public_key_der = authority.key.public_key_der();
    Certificate impostor = issue_certificate(middle, authority.root_key, &authority.root);
    Certificate leaf = issue_certificate(authority.leaf_template(), authority.key, &impostor);
    REQUIRE(leaf.issued_by(impostor));
    CHECK(code_of(check_chain(Chain{leaf, impostor}, authority.expectation())) == "crypto.brokenChain");
}
