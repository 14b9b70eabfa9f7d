// The certificate: what must not become a version, and the choice among chains.
#include "libacme/protocol/download.hpp"
#include "tests/unit/protocol/issuance_bed.hpp"

using namespace certd;
using namespace certd::test;
using acme::RequestKind;

TEST_CASE("a wrong certificate is never accepted (C17, C18, C20, F12, S22)") {
    struct Case {
        CertificateFault fault;
        std::string code;
    };
    auto example = GENERATE(
        Case{CertificateFault::other_key, "crypto.wrongKey"}, Case{CertificateFault::missing_name, "crypto.wrongNames"},
        Case{CertificateFault::extra_name, "crypto.wrongNames"}, Case{CertificateFault::expired, "crypto.expired"},
        Case{CertificateFault::not_yet_valid, "crypto.notYetValid"},
        Case{CertificateFault::previous_serial, "crypto.sameSerial"},
        Case{CertificateFault::empty_chain, "crypto.chainMalformed"},
        Case{CertificateFault::reversed_chain, "crypto.caLeaf"}, Case{CertificateFault::ca_leaf, "crypto.caLeaf"},
        Case{CertificateFault::private_key_inside, "crypto.chainMalformed"},
        Case{CertificateFault::text_around, "crypto.chainMalformed"});
    IssuanceBed bed;
    bed.request.names = {dns("a.example.com"), dns("b.example.com")};
    auto first = bed.issue();
    REQUIRE(first);
    bed.request.previous_serial = first->chain.front().serial();
    bed.ca.knobs.certificate_fault = example.fault;
    bed.ca.clear_log();
    auto issued = bed.issue();
    REQUIRE_FALSE(issued);
    CHECK(issued.error().code == example.code);
    CHECK(bed.ca.count(RequestKind::new_order) == 1);

    // The order is spent: the next attempt, though given its record, places a new one with a new key.
    bed.ca.knobs.certificate_fault = CertificateFault::none;
    auto next = bed.issue(bed.journal.back());
    REQUIRE(next);
    bed.check_nothing_left();
}

TEST_CASE("all chains offered are kept, the default first (C19)") {
    IssuanceBed bed;
    bed.ca.knobs.alternates = 3;
    auto issued = bed.issue();
    REQUIRE(issued);
    CHECK(issued->chain.back().issuer_common_name() == "Fake Root 0");
    CHECK(issued->alternates.size() == 3);
    CHECK(bed.ca.count(RequestKind::certificate) == 4);
}

TEST_CASE("the chain up to the preferred root is chosen (C19)") {
    IssuanceBed bed;
    bed.ca.knobs.alternates = 2;
    bed.request.preferred_chain = "Fake Root 2";
    auto issued = bed.issue();
    REQUIRE(issued);
    CHECK(issued->chain.back().issuer_common_name() == "Fake Root 2");
    REQUIRE(issued->alternates.size() == 2);
    CHECK(value_or_fail(parse_chain(issued->alternates.front())).back().issuer_common_name() == "Fake Root 0");
}

TEST_CASE("a preference that cannot be met is noted and does not block (C19)") {
    IssuanceBed bed;
    bed.request.preferred_chain = "No Such Root";
    auto issued = bed.issue();
    REQUIRE(issued);
    CHECK(bed.progress_mentions("offers no chain up to 'No Such Root'"));
}

TEST_CASE("faulty alternates cost a bounded number of requests and never the certificate (F13)") {
    IssuanceBed bed;
    bed.ca.knobs.alternates = 2;
    std::size_t kept = 0;
    SECTION("a loop") {
        bed.ca.knobs.alternate_fault = AlternateFault::loop;
        kept = 2;
    }
    SECTION("a thousand") {
        bed.ca.knobs.alternate_fault = AlternateFault::thousand;
        kept = 10;
    }
    SECTION("another leaf") {
        bed.ca.knobs.alternate_fault = AlternateFault::other_leaf;
    }
    SECTION("not there") {
        bed.ca.knobs.alternate_fault = AlternateFault::missing;
    }
    auto issued = bed.issue();
    REQUIRE(issued);
    CHECK(issued->alternates.size() == kept);
    CHECK(bed.ca.count(RequestKind::certificate) <= 11);
    if (kept == 0) CHECK(bed.progress_mentions("An alternate chain was left out"));
}

TEST_CASE("alternate links to elsewhere are not followed (S4, S18)") {
    IssuanceBed bed;
    bed.ca.knobs.tamper = [](RequestKind kind, HttpResponse& response) {
        if (kind != RequestKind::certificate) return;
        response.headers.add(
            "Link", "<http://ca.test/cert/0/1>;rel=\"alternate\", <https://169.254.169.254/latest>;rel=\"alternate\"");
        response.headers.add("Link", "<file:///etc/passwd>;rel=alternate");
        response.headers.add("Link", "</cert/0/1>;rel=\"alternate\"");
    };
    auto issued = bed.issue();
    REQUIRE(issued);
    CHECK(issued->alternates.size() == 1);
    CHECK(bed.ca.count(RequestKind::certificate) == 2);
}

TEST_CASE("a chain is chosen by the fingerprint of a certificate in it, however it is written") {
    IssuanceBed bed;
    bed.ca.knobs.alternates = 2;
    auto issued = bed.issue();
    REQUIRE(issued);
    std::string fingerprint = parse_chain(issued->alternates.back())->back().fingerprint_sha256();
    SECTION("as it is") {}
    SECTION("with colons in upper case") {
        std::string text;
        for (std::size_t i = 0; i < fingerprint.size(); ++i) {
            if (i > 0 && i % 2 == 0) text += ':';
            text += static_cast<char>(std::toupper(static_cast<unsigned char>(fingerprint[i])));
        }
        fingerprint = text;
    }
    bed.request.preferred_chain = fingerprint;
    auto chosen = bed.issue();
    REQUIRE(chosen);
    CHECK(chosen->chain.back().issuer_common_name() == "Fake Root 2");
}

TEST_CASE("the shortest chain is the first of those with the fewest certificates") {
    IssuanceBed bed;
    Chain chain = bed.issue().value().chain;
    Chain longer = chain;
    longer.push_back(chain.back());
    std::vector<Chain> chains{longer, chain, chain};
    CHECK(acme::preferred_chain(chains, "shortest") == 1);
    chains.pop_back();
    chains.pop_back();
    CHECK(acme::preferred_chain(chains, "shortest") == 0);
}
