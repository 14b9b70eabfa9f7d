#include "libacme/base/problem.hpp"
#include "libacme/base/catalog.hpp"
#include "tests/support/catch.hpp"

#include <boost/system/system_error.hpp>

#include <stdexcept>

using namespace certd;

TEST_CASE("a problem takes kind, retry and hint from the catalogue") {
    Problem problem = certd::problem("acme.rateLimited", "Cannot place an order at letsencrypt", "slow\ndown");
    CHECK(problem.kind == ProblemKind::limit);
    CHECK(problem.retry == Retry::later);
    CHECK_FALSE(problem.hint.empty());
    CHECK(describe(problem) == "Cannot place an order at letsencrypt: slow\\ndown [acme.rateLimited]");
    CHECK(certd::problem("no.such", "x").kind == ProblemKind::internal);
}

TEST_CASE("every catalogued problem has a cause and a remedy and is found by its code") {
    for (const CatalogEntry& entry : catalog()) {
        CAPTURE(entry.code);
        CHECK(find_catalog(entry.code) == &entry);
        CHECK_FALSE(entry.cause.empty());
        CHECK_FALSE(entry.remedy.empty());
        CHECK_FALSE(entry.remedy.ends_with('.'));
        CHECK(problem_kind_from(to_string(entry.kind)) == entry.kind);
    }
    CHECK(find_catalog("") == nullptr);
    CHECK(find_catalog("zzz") == nullptr);
}

TEST_CASE("any exception becomes a problem") {
    auto of = [](auto error) { return problem_of(std::make_exception_ptr(error)); };
    CHECK(of(Failure(problem("tls.expired", "x"))).code == "tls.expired");
    CHECK(of(boost::system::system_error(make_error_code(boost::system::errc::operation_canceled))).code ==
          "control.cancelled");
    CHECK(of(boost::system::system_error(make_error_code(boost::system::errc::broken_pipe))).code ==
          "internal.unexpected");
    CHECK(of(std::bad_alloc()).code == "internal.memory");
    CHECK(of(std::runtime_error("odd")).remote == "odd");
    CHECK(of(42).code == "internal.unexpected");
}

TEST_CASE("value_or_fail gives the value or throws its problem") {
    CHECK(value_or_fail(Result<int>(3)) == 3);
    try {
        value_or_fail(Result<int>(failure("net.connect", "Cannot connect")));
        FAIL("did not throw");
    } catch (const Failure& failed) {
        CHECK(failed.problem().code == "net.connect");
        CHECK(std::string(failed.what()).find("Cannot connect") == 0);
    }
}

TEST_CASE("enums of problems have names that read back") {
    for (int i = 0; i < 3; ++i)
        CHECK(retry_from(to_string(static_cast<Retry>(i))) == static_cast<Retry>(i));
    CHECK_FALSE(retry_from("never"));
    CHECK_FALSE(problem_kind_from(""));
}
