// Whether clients would accept a chain.
#include "libacme/net/tls_path.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/temp_directory.hpp"
#include "tests/support/test_authority.hpp"

using namespace certd;
using namespace certd::test;

namespace {

Chain chain_of(const TestAuthority& authority) {
    return parse_chain(authority.issue({"cdn.example.com"}).chain_pem).value();
}

Time from_now(Duration later) {
    return TestAuthority::usual_validity().from + hours(1) + later;
}

}  // namespace

TEST_CASE("a chain that leads to a root of the bundle is accepted, another one is not, and it is said why") {
    TempDirectory directory;
    const TestAuthority known, unknown("Unknown");
    const TrustedRoots roots(known.write_bundle(directory.path()));
    CHECK(roots.fault_of(chain_of(known), from_now(hours(1))).empty());
    CHECK(roots.fault_of(chain_of(unknown), from_now(hours(1))) == "unable to get local issuer certificate");
    CHECK(roots.fault_of({}, from_now(hours(1))) == "no certificate");
}

TEST_CASE("a chain is judged at the time that is asked about") {
    TempDirectory directory;
    const TestAuthority known;
    const TrustedRoots roots(known.write_bundle(directory.path()));
    CHECK(roots.fault_of(chain_of(known), from_now(days(31))) == "certificate has expired");
    CHECK(roots.fault_of(chain_of(known), from_now(-days(2))) == "certificate is not yet valid");
}

TEST_CASE("without a bundle only the system's roots count, and one that is missing is told") {
    const TestAuthority authority;
    CHECK_FALSE(TrustedRoots().fault_of(chain_of(authority), from_now(hours(1))).empty());
    CHECK_THROWS_AS(TrustedRoots("/nonexistent/ca.pem"), Failure);
}
