// Progress lines of jobs.
#include "ctl/progress.hpp"

#include "tests/support/catch.hpp"
#include "tests/unit/ctl/samples.hpp"

using namespace certd;
using namespace certd::ctl;
using namespace certd::test;

namespace {

api::Event step(std::string message, Duration at) {
    api::Event event;
    event.at = sample_now() + at;
    event.type = "renewal.step";
    event.severity = "debug";
    event.message = std::move(message);
    event.data = Json::object({{"step", "ordering"}});
    return event;
}

}  // namespace

TEST_CASE("on a terminal a step becomes a line with its time once it has ended") {
    Progress progress(plain(80), true);
    CHECK(progress.event("example.com", step("Placing an order", Duration(0)), Duration(0)).empty());
    CHECK(progress.live_line(milliseconds(1100), 80) == "⠙ example.com: Placing an order 1.1s");
    CHECK(progress.event("example.com", step("Validating example.com", milliseconds(300)), milliseconds(2000)) ==
          "✓ example.com: Placing an order (0.3s)\n");
    CHECK(progress.succeeded("example.com", {"example.com", "issued", 5, "Issued version 5"}, milliseconds(4000)) ==
          "✓ example.com: Validating example.com (2.0s)\n✓ example.com: Issued version 5 (4.0s)\n");
    CHECK(progress.live_line(milliseconds(5000), 80).empty());
}

TEST_CASE("a failing step is marked, and the problem told with its remedy") {
    Progress progress(plain(80), true);
    progress.event("example.com", step("Testing the configuration of web", Duration(0)), Duration(0));
    std::string text = progress.failed("example.com", nginx_problem(), seconds(1));
    CHECK(
        text.starts_with("✗ example.com: Testing the configuration of web (1.0s)\n✗ example.com: The test command of "
                         "target web failed"));
}

TEST_CASE("when the output is no terminal each event is a line of its own") {
    Progress progress(plain(0), false);
    CHECK(progress.event("example.com", step("Placing an order", Duration(0)), Duration(0)) ==
          "· example.com: Placing an order\n");
    api::Event failed = step("Renewal failed", Duration(0));
    failed.type = "renewal.failed";
    failed.severity = "error";
    CHECK(progress.event("example.com", failed, Duration(0)) == "✗ example.com: Renewal failed\n");
}

TEST_CASE("the live line never reaches the last column and says how many more there are") {
    Progress progress(plain(40), true);
    progress.event("one.example.com", step("Validating a name that is much longer than the line", Duration(0)),
                   Duration(0));
    progress.event("two.example.com", step("Validating another one that is too long", Duration(0)), Duration(1));
    std::string line = progress.live_line(seconds(3), 40);
    CHECK(display_width(line) <= 39);
    CHECK(line.ends_with("3.0s (and 1 more)"));
}

TEST_CASE("joining a running job is told") {
    Progress progress(plain(80), true);
    CHECK(progress.started("example.com", {"example.com", 7, false}, Duration(0)).empty());
    CHECK(progress.started("example.com", {"example.com", 7, true}, Duration(0)) ==
          "example.com: joined the operation already running (job 7)\n");
}

TEST_CASE("why a renewal has failed is told once on a terminal") {
    Progress progress(plain(80), true);
    api::Event failed = step("Renewal at local failed", Duration(0));
    failed.type = "renewal.failed";
    failed.severity = "error";
    failed.problem = nginx_problem();
    CHECK(progress.event("a", failed, Duration(0)) == "✗ a: Renewal at local failed\n");
    CHECK(progress.failed("a", nginx_problem(), Duration(0)).starts_with("✗ a: The test command of target web failed"));
}
