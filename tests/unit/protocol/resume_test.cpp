// Going on with the record of an order after a crash, a failure or a change of mind.
#include "tests/unit/protocol/issuance_bed.hpp"

using namespace certd;
using namespace certd::test;
using acme::OrderRecord;
using acme::RequestKind;

namespace {

// The record of an attempt that was interrupted when the CA was asked for `kind`.
OrderRecord interrupted_at(IssuanceBed& bed, RequestKind kind) {
    bed.ca.fail_next(kind, problem_answer(503, "serverInternal"), 10);
    REQUIRE_FALSE(bed.issue());
    bed.ca.knobs.intercept = nullptr;
    bed.restart();
    return bed.journal.back();
}

}  // namespace

TEST_CASE("a record without an order keeps its key and CSR") {
    IssuanceBed bed;
    bed.ca.fail_next(RequestKind::new_order, problem_answer(503, "serverInternal"));
    REQUIRE_FALSE(bed.issue());
    OrderRecord record = bed.journal.back();
    CHECK(record.order_url.empty());
    auto issued = bed.issue(record);
    REQUIRE(issued);
    CHECK(issued->key_pem == record.key_pem);
    CHECK(bed.journal.back().csr_der == record.csr_der);
}

TEST_CASE("a record whose names, key type or key do not fit makes a new key") {
    IssuanceBed bed;
    bed.ca.fail_next(RequestKind::new_order, problem_answer(503, "serverInternal"));
    REQUIRE_FALSE(bed.issue());
    OrderRecord record = bed.journal.back();
    SECTION("names") {
        bed.request.names.push_back(dns("www.example.com"));
    }
    SECTION("key type") {
        bed.request.key_type = KeyType::ecdsa_p384;
    }
    SECTION("a damaged key") {
        record.key_pem = "damaged";
    }
    SECTION("a CSR for another key") {
        record.key_pem = PrivateKey::generate(KeyType::ecdsa_p256).pem();
    }
    SECTION("a damaged CSR") {
        record.csr_der = {1, 2, 3};
    }
    auto issued = bed.issue(record);
    REQUIRE(issued);
    CHECK(issued->key_pem != record.key_pem);
    bed.check_nothing_left();
}

TEST_CASE("an order is taken up where it stands, with its key (C14)") {
    IssuanceBed bed;
    OrderRecord record;
    SECTION("pending") {
        bed.solver.failures["present"] = 1;
        REQUIRE_FALSE(bed.issue());
        record = bed.journal.back();
    }
    SECTION("ready") {
        record = interrupted_at(bed, RequestKind::finalize);
    }
    SECTION("processing") {
        bed.ca.knobs.issuance_time = hours(2);
        bed.request.order_limit = hours(48);
        record = interrupted_at(bed, RequestKind::order);
    }
    SECTION("valid") {
        record = interrupted_at(bed, RequestKind::certificate);
    }
    // Left-over one-off faults of the interruption are used up first.
    Result<acme::Issued> issued = bed.issue(record);
    for (int i = 0; i < 20 && !issued; ++i)
        issued = bed.issue(record);
    REQUIRE(issued);
    CHECK(issued->key_pem == record.key_pem);
    CHECK(issued->order_url == record.order_url);
    CHECK(bed.ca.orders() == 1);
    CHECK(bed.ca.count(RequestKind::challenge) <= 1);
    bed.check_nothing_left();
}

TEST_CASE("a valid order is downloaded with two requests") {
    IssuanceBed bed;
    REQUIRE(bed.issue());
    OrderRecord record = bed.journal.back();
    bed.ca.clear_log();
    auto issued = bed.issue(record);
    REQUIRE(issued);
    CHECK(bed.ca.log().size() == 2);
    CHECK(issued->key_pem == record.key_pem);
}

TEST_CASE("an order that cannot be finished is replaced, with a new key") {
    IssuanceBed bed;
    bed.solver.failures["present"] = 1;
    REQUIRE_FALSE(bed.issue());
    OrderRecord record = bed.journal.back();
    std::size_t orders = 2;
    SECTION("invalid") {
        bed.ca.knobs.tamper = [done = false](RequestKind kind, HttpResponse& response) mutable {
            if (kind != RequestKind::order || done) return;
            done = true;
            replacing(kind, "\"pending\"", "\"invalid\"")(kind, response);
        };
    }
    SECTION("expired") {
        bed.clock.run_until(bed.io, bed.clock.now() + days(8));
        bed.request.order_limit = days(30);
    }
    SECTION("unknown to the CA") {
        record.order_url = "https://ca.test/order/4711";
    }
    SECTION("at a URL that is refused") {
        record.order_url = "https://elsewhere.test/order/1";
    }
    SECTION("no URL at all") {
        record.order_url = "nonsense";
    }
    SECTION("of another account") {
        record.account_url = "https://ca.test/account/99";
    }
    SECTION("of another directory") {
        record.directory_url = "https://other.test/dir";
    }
    SECTION("with a dead authorization") {
        bed.ca.knobs.tamper = [done = false](RequestKind kind, HttpResponse& response) mutable {
            if (kind != RequestKind::authorization || done) return;
            done = true;
            replacing(kind, R"(},"status":"pending")", R"(},"status":"invalid")")(kind, response);
        };
    }
    SECTION("forgotten together with everything") {
        bed.ca.forget_everything();
        bed.restart();
        record.account_url = bed.session->account().url;
        orders = 1;
    }
    auto issued = bed.issue(record);
    REQUIRE(issued);
    CHECK(issued->key_pem != record.key_pem);
    CHECK(bed.ca.orders() == orders);
    bed.check_nothing_left();
}

TEST_CASE("an order for something else now, or too old, is let go of at the CA (C21)") {
    IssuanceBed bed;
    bed.solver.failures["present"] = 1;
    REQUIRE_FALSE(bed.issue());
    OrderRecord record = bed.journal.back();
    CHECK(bed.ca.pending_authorizations() == 1);
    SECTION("other names") {
        bed.request.names = {dns("www.example.com")};
    }
    SECTION("another key type") {
        bed.request.key_type = KeyType::ecdsa_p384;
    }
    SECTION("too old") {
        bed.clock.run_until(bed.io, bed.clock.now() + hours(25));
    }
    auto issued = bed.issue(record);
    REQUIRE(issued);
    CHECK(issued->key_pem != record.key_pem);
    CHECK(bed.ca.pending_authorizations() == 0);
    bed.check_nothing_left();
}

TEST_CASE("a failed validation of a resumed order is reported, not answered by another order") {
    IssuanceBed bed;
    bed.solver.failures["present"] = 1;
    REQUIRE_FALSE(bed.issue());
    bed.ca.knobs.validate = [](auto&&...) { return false; };
    auto issued = bed.issue(bed.journal.back());
    REQUIRE_FALSE(issued);
    CHECK(issued.error().code == "acme.unauthorized");
    CHECK(bed.ca.orders() == 1);
}

TEST_CASE("a CA that cannot be reached leaves the order for later") {
    IssuanceBed bed;
    bed.solver.failures["present"] = 1;
    REQUIRE_FALSE(bed.issue());
    OrderRecord record = bed.journal.back();
    bed.ca.knobs.unavailable = true;
    auto issued = bed.issue(record);
    REQUIRE_FALSE(issued);
    CHECK(issued.error().code == "net.connect");
    bed.ca.knobs.unavailable = false;
    issued = bed.issue(record);
    REQUIRE(issued);
    CHECK(issued->key_pem == record.key_pem);
    CHECK(bed.ca.orders() == 1);
}

TEST_CASE("a lost answer to finalize is asked for at the order (C14, F06)") {
    IssuanceBed bed;
    bed.ca.lose_response(RequestKind::finalize);
    auto issued = bed.issue();
    REQUIRE(issued);
    CHECK(issued->key_pem == bed.journal.back().key_pem);
    CHECK(bed.ca.count(RequestKind::finalize) == 1);
    CHECK(bed.ca.orders() == 1);
}

TEST_CASE("a lost answer to newOrder costs one order at most (F06)") {
    IssuanceBed bed;
    bed.ca.lose_response(RequestKind::new_order);
    REQUIRE(bed.issue());
    CHECK(bed.ca.orders() == 2);
}
