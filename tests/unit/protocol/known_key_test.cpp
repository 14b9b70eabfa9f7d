// Issuance with a key that exists already: one to be used again, or the operator's, of which there is a request only.
#include "libacme/crypto/csr.hpp"
#include "tests/unit/protocol/issuance_bed.hpp"

using namespace certd;
using namespace certd::test;
using acme::RequestKind;

namespace {

PrivateKey ec() {
    return PrivateKey::generate(KeyType::ecdsa_p256);
}

bool is_for(const acme::Issued& issued, const PrivateKey& key) {
    return issued.chain.front().public_key_der() == key.public_key_der();
}

}  // namespace

TEST_CASE("a known key is certified again and keeps its age") {
    IssuanceBed bed;
    PrivateKey known = ec();
    Time made = bed.clock.now() - days(40);
    bed.request.key = acme::KnownKey{known.pem(), made};
    auto issued = bed.issue();
    REQUIRE(issued);
    CHECK(is_for(*issued, known));
    CHECK(issued->key_created == made);
    CHECK(PrivateKey::from_pem(issued->key_pem)->public_key_der() == known.public_key_der());
    bed.check_nothing_left();
}

TEST_CASE("a known key of another type, a damaged one and the account's own give way to a new key (RFC 8555 §11.1)") {
    IssuanceBed bed;
    PrivateKey known = bed.key();
    std::string pem = known.pem();
    SECTION("the account's") {}
    SECTION("another type") {
        known = PrivateKey::generate(KeyType::ecdsa_p384);
        pem = known.pem();
    }
    SECTION("damaged") {
        pem = "damaged";
    }
    bed.request.key = acme::KnownKey{pem, bed.clock.now() - days(40)};
    auto issued = bed.issue();
    REQUIRE(issued);
    CHECK_FALSE(is_for(*issued, known));
    CHECK(issued->key_created > bed.clock.now() - days(1));
    bed.check_nothing_left();
}

TEST_CASE("an operator's request is sent as it is, and what comes back has his key and none here") {
    IssuanceBed bed;
    PrivateKey his = ec();
    bed.request.csr_der = make_csr(his, bed.request.names);
    auto issued = bed.issue();
    REQUIRE(issued);
    CHECK(is_for(*issued, his));
    CHECK(issued->key_pem.empty());
    CHECK_FALSE(issued->key_created);
    for (const acme::OrderRecord& record : bed.journal) {
        CHECK(record.key_pem.empty());
        CHECK(record.csr_der == bed.request.csr_der);
    }
    bed.check_nothing_left();
}

TEST_CASE("a certificate for another key than that of the operator's request is refused (F12)") {
    IssuanceBed bed;
    bed.request.csr_der = make_csr(ec(), bed.request.names);
    bed.ca.knobs.certificate_fault = CertificateFault::other_key;
    auto issued = bed.issue();
    REQUIRE_FALSE(issued);
    CHECK(issued.error().code == "crypto.wrongKey");
}

TEST_CASE("an operator's request for the account's key is refused before anything is ordered (RFC 8555 §11.1)") {
    IssuanceBed bed;
    bed.request.csr_der = make_csr(bed.key(), bed.request.names);
    auto issued = bed.issue();
    REQUIRE_FALSE(issued);
    CHECK(issued.error().code == "crypto.csrKey");
    CHECK(bed.ca.count(RequestKind::new_order) == 0);
}

TEST_CASE("an order for an operator's request is resumed for the same one, and given up for any other") {
    IssuanceBed bed;
    PrivateKey his = ec();
    bed.request.csr_der = make_csr(his, bed.request.names);
    bed.ca.fail_next(RequestKind::finalize, problem_answer(503, "serverInternal"), 10);
    REQUIRE_FALSE(bed.issue());
    acme::OrderRecord record = bed.journal.back();
    REQUIRE_FALSE(record.order_url.empty());
    std::size_t orders = 1;
    SECTION("the same") {}
    SECTION("another key") {
        his = ec();
        bed.request.csr_der = make_csr(his, bed.request.names);
        orders = 2;
    }
    SECTION("no request any more") {
        bed.request.csr_der.clear();
        orders = 2;
    }
    SECTION("certd's own before") {
        record.key_pem = his.pem();
        his = ec();
        bed.request.csr_der = make_csr(his, bed.request.names);
        orders = 2;
    }
    bed.restart();
    // The intercepted answers may not have been used up.
    bed.ca.knobs.intercept = nullptr;
    Result<acme::Issued> issued = bed.issue(record);
    for (int attempt = 0; !issued && attempt < 10; ++attempt)
        issued = bed.issue(bed.journal.back());
    REQUIRE(issued);
    CHECK(bed.ca.orders() == orders);
    CHECK(issued->key_pem.empty() == !bed.request.csr_der.empty());
    CHECK(is_for(*issued, his) == !bed.request.csr_der.empty());
}
