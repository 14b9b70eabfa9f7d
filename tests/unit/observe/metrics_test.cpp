#include "daemon/observe/metrics.hpp"
#include "libacme/base/text.hpp"
#include "tests/support/catch.hpp"

#include <map>
#include <set>

using namespace certd;

namespace {

struct Scrape {
    std::map<std::string, double> samples;  // with labels, as written
    std::set<std::string> families;
};

// Prometheus text 0.0.4, strictly: each family once, header before samples, each sample once, a number at the end.
Scrape parse(const std::string& page) {
    Scrape scrape;
    std::string family;
    REQUIRE(page.ends_with('\n'));
    for (std::string_view line : split(page, '\n')) {
        if (line.empty()) continue;
        if (line.starts_with("# HELP ")) {
            family = std::string(split(line.substr(7), ' ').front());
            CHECK(scrape.families.insert(family).second);
        } else if (line.starts_with("# TYPE ")) {
            CHECK(split(line.substr(7), ' ').front() == family);
        } else {
            CHECK(line.starts_with(family));
            std::size_t space = line.rfind(' ');
            REQUIRE(space != std::string_view::npos);
            double value = std::stod(std::string(line.substr(space + 1)));
            CHECK(scrape.samples.emplace(std::string(line.substr(0, space)), value).second);
        }
    }
    return scrape;
}

LineageGauges gauges() {
    LineageGauges lineage;
    lineage.lineage = "example.com";
    lineage.state = "waiting";
    lineage.version = 4;
    lineage.not_after = Time{days(20000)};
    lineage.ari_start = Time{days(19970)};
    lineage.ari_end = Time{days(19972)};
    lineage.targets = {{"web", "local", 4, true}, {"mail", "local", 3, false}};
    return lineage;
}

}  // namespace

TEST_CASE("a scrape is valid Prometheus text with the lineage's gauges") {
    Metrics metrics;
    Scrape scrape = parse(metrics.render({gauges()}, Time{days(19999)}, Time{days(19998)}));
    CHECK(scrape.samples.at("certd_lineage_not_after_timestamp_seconds{lineage=\"example.com\"}") == 20000.0 * 86400);
    CHECK(scrape.samples.at("certd_lineage_ari_window_start_timestamp_seconds{lineage=\"example.com\"}") ==
          19970.0 * 86400);
    CHECK(scrape.samples.at("certd_lineage_ari_window_end_timestamp_seconds{lineage=\"example.com\"}") ==
          19972.0 * 86400);
    CHECK(scrape.samples.at("certd_lineage_generation{lineage=\"example.com\"}") == 4);
    CHECK(scrape.samples.at("certd_lineage_state{lineage=\"example.com\",state=\"waiting\"}") == 1);
    CHECK(scrape.samples.at("certd_target_in_sync{lineage=\"example.com\",target=\"mail\",host=\"local\"}") == 0);
    CHECK(scrape.samples.at(
              "certd_target_serving_generation{lineage=\"example.com\",target=\"mail\",host=\"local\"}") == 3);
    CHECK(scrape.families.contains("certd_heartbeat_timestamp_seconds"));
}

TEST_CASE("exchanges and events are counted under labels from the catalogue only") {
    Metrics metrics;
    metrics.on_request("main", "newOrder", 201, milliseconds(30));
    metrics.on_request("main", "newOrder", 201, milliseconds(3));
    metrics.on_request("main", "newOrder", 0, seconds(100));
    Event failed;
    failed.type = EventType::renewal_failed;
    failed.data = Json::object({{"ca", "main"}});
    failed.problem = problem("acme.rateLimited", "x");
    metrics.on_event(failed);
    failed.problem->code = "acme.\"evil\n";
    metrics.on_event(failed);
    Event step;
    step.type = EventType::deploy_step;
    step.data = Json::object({{"step", "reload"}});
    metrics.on_event(step);
    step.type = EventType::deploy_failed;
    metrics.on_event(step);
    Scrape scrape = parse(metrics.render({}, Time{}, Time{}));
    CHECK(scrape.samples.at("certd_acme_requests_total{ca=\"main\",action=\"newOrder\",code=\"201\"}") == 2);
    CHECK(scrape.samples.at("certd_acme_request_duration_seconds_count{ca=\"main\"}") == 3);
    CHECK(scrape.samples.at("certd_acme_request_duration_seconds_bucket{ca=\"main\",le=\"0.005\"}") == 1);
    CHECK(scrape.samples.at("certd_acme_request_duration_seconds_bucket{ca=\"main\",le=\"+Inf\"}") == 3);
    CHECK(scrape.samples.at("certd_acme_errors_total{ca=\"main\",type=\"rateLimited\"}") == 1);
    CHECK(scrape.samples.at("certd_acme_errors_total{ca=\"main\",type=\"other\"}") == 1);
    CHECK(scrape.samples.at("certd_deploy_steps_total{step=\"reload\",result=\"failed\"}") == 1);
    CHECK(scrape.samples.at("certd_deploy_steps_total{step=\"reload\",result=\"begun\"}") == 1);
    CHECK(metrics.requests() == 3);
}

TEST_CASE("label values are escaped") {
    Metrics metrics;
    LineageGauges lineage = gauges();
    lineage.lineage = "a\"b\\c\nd";
    CHECK(metrics.render({lineage}, Time{}, Time{}).find("{lineage=\"a\\\"b\\\\c\\nd\"}") != std::string::npos);
}
