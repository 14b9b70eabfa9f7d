// Nonces: the pool, and what the session does about refused ones.
#include "libacme/protocol/nonce_pool.hpp"

#include "tests/unit/protocol/issuance_bed.hpp"

using namespace certd;
using namespace certd::test;
using acme::NoncePool;
using acme::RequestKind;

TEST_CASE("the pool gives out the newest nonce first and each once (A13, A18)") {
    NoncePool pool;
    pool.put("first", seconds(0));
    pool.put("second", seconds(1));
    CHECK(pool.take(seconds(2)) == "second");
    CHECK(pool.take(seconds(2)) == "first");
    CHECK_FALSE(pool.take(seconds(2)));
}

TEST_CASE("the pool holds ten nonces and forgets the oldest") {
    NoncePool pool;
    for (int i = 0; i < 25; ++i)
        pool.put("n" + std::to_string(i), seconds(i));
    CHECK(pool.size() == 10);
    for (int i = 24; i >= 15; --i)
        CHECK(pool.take(seconds(30)) == "n" + std::to_string(i));
    CHECK_FALSE(pool.take(seconds(30)));
}

TEST_CASE("nonces too old to be known any more are not tried") {
    NoncePool pool;
    pool.put("old", minutes(0));
    CHECK(pool.take(minutes(5)) == "old");
    pool.put("old", minutes(0));
    CHECK_FALSE(pool.take(minutes(6)));
    CHECK(pool.size() == 0);
}

TEST_CASE("what is no nonce is ignored (A15, F03)") {
    NoncePool pool;
    for (std::string text :
         {std::string(), std::string("abc="), std::string("a+/b"), std::string("ab\r\nX: y"), std::string("a b"),
          std::string("\xc3\xa4"), std::string(8192, 'a'), std::string("a\0b", 3)}) {
        pool.put(text, seconds(0));
        CHECK_FALSE(acme::is_usable_nonce(text));
    }
    CHECK(pool.size() == 0);
    pool.put(std::string(300, 'a'), seconds(0));
    CHECK(pool.size() == 1);
}

TEST_CASE("a warm session asks for no nonce of its own") {
    IssuanceBed bed;
    REQUIRE(bed.issue());
    CHECK(bed.ca.count(RequestKind::new_nonce) == 0);
}

TEST_CASE("an empty pool is filled by HEAD newNonce") {
    IssuanceBed bed;
    bed.clock.run_until(bed.io, bed.clock.now() + hours(1));
    REQUIRE(bed.issue());
    CHECK(bed.ca.count(RequestKind::new_nonce) == 1);
}

TEST_CASE("a refused nonce is replaced by that of the very answer (A14, F01)") {
    IssuanceBed bed;
    bed.ca.knobs.reject_next_nonces = 1;
    REQUIRE(bed.issue());
    CHECK(bed.ca.count(RequestKind::new_nonce) == 0);
    CHECK(bed.ca.count(RequestKind::new_order) == 2);
    CHECK(bed.ca.orders() == 1);
}

TEST_CASE("issuance survives refused nonces, be it every second (F01)") {
    int percent = GENERATE(5, 50);
    FakeCaOptions options;
    options.seed = 7;
    IssuanceBed bed(options);
    bed.ca.knobs.nonce_rejections_percent = percent;
    for (int i = 0; i < 5; ++i)
        CHECK(bed.issue());
    CHECK(bed.ca.orders() == 5);
    bed.check_nothing_left();
}

TEST_CASE("nonces refused for ever end after ten tries as a fault of the CA (F02)") {
    IssuanceBed bed;
    bed.ca.knobs.nonce_rejections_percent = 100;
    auto issued = bed.issue();
    REQUIRE_FALSE(issued);
    CHECK(issued.error().code == "acme.badNonce");
    CHECK(issued.error().kind == ProblemKind::ca);
    CHECK(issued.error().retry == Retry::later);
    CHECK(bed.ca.count(RequestKind::new_order) == 10);
}

TEST_CASE("a refusal without a usable nonce leads to HEAD newNonce, and garbage is never sent (F03)") {
    std::string offered = GENERATE(as<std::string>{}, "", "abc=", "a+/b", "a b", "line\x0b");
    IssuanceBed bed;
    bed.ca.knobs.reject_next_nonces = 2;
    bed.ca.knobs.nonce_of_rejections = offered;
    REQUIRE(bed.issue());
    CHECK(bed.ca.count(RequestKind::new_nonce) == 2);
    bed.check_nothing_left();
}

TEST_CASE("nonces of error answers are used (A18)") {
    IssuanceBed bed;
    bed.ca.knobs.order_limit = 0;
    REQUIRE_FALSE(bed.issue());
    bed.ca.knobs.order_limit = 100;
    REQUIRE(bed.issue());
    CHECK(bed.ca.count(RequestKind::new_nonce) == 0);
}

TEST_CASE("newNonce without a nonce is a fault of the CA") {
    IssuanceBed bed;
    bed.open_session();
    HttpResponse empty;
    empty.status = 200;
    bed.ca.fail_next(RequestKind::new_nonce, empty);
    PrivateKey key = bed.key();
    try {
        run(bed.io, bed.clock, bed.session->find_or_create_account(key, {}));
        FAIL("an account without a nonce");
    } catch (const Failure& failure) {
        CHECK(failure.problem().code == "acme.badResponse");
    }
}
