// Many deployments to a live nginx, looked at all the while (faults F51, F52, F65): the same as the benchmark
// `tests/bench/run deploy`, with a small count.
#include "tests/e2e/world.hpp"
#include "tests/support/deployment_proof.hpp"

#include <fmt/format.h>

using namespace certd::test;

TEST_CASE("whoever looks while certificates are deployed one after another sees a pair, and gets an answer") {
    World world({PebbleOptions{.nonce_reject = 0, .always_valid = true}});
    const std::filesystem::path combined = world.nginx.fullchain().parent_path() / "combined.pem";
    world.issue_first({.install_more = fmt::format("      - {{ part: combined, path: {} }}\n", combined.string())});
    const ProofFigures figures = prove_deployments(world.certd, world.nginx, "shop", combined, 20);
    INFO(figures.first_fault << "; " << figures.looks << " looks, " << figures.handshakes << " handshakes");
    CHECK(figures.live_mismatches == 0);
    CHECK(figures.combined_mismatches == 0);
    CHECK(figures.lasting_mismatches == 0);
    CHECK(figures.missing == 0);
    CHECK(figures.refused == 0);
    CHECK(figures.unserved == 0);
    CHECK(figures.looks > 20);
    CHECK(figures.certificates >= 10);
}
