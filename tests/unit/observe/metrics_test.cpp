#include "daemon/observe/metrics.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/exposition_reader.hpp"

using namespace certd;
using namespace certd::test;

namespace {

LineageGauges gauges() {
    LineageGauges lineage;
    lineage.lineage = "example.com";
    lineage.state = "waiting";
    lineage.health = "ok";
    lineage.version = 4;
    lineage.not_after = Time{days(20000)};
    lineage.ari_start = Time{days(19970)};
    lineage.ari_end = Time{days(19972)};
    lineage.attempts_left = 31;
    lineage.targets = {{"web", "local", 4, true, Time{days(19990)}, Time{days(20000)}},
                       {"mail", "local", 3, false, std::nullopt, std::nullopt}};
    return lineage;
}

Scrape scrape() {
    return {Time{days(19999)}, Time{days(19998)}, {gauges()}, {{"main", "orders", 297}}, 2};
}

std::map<std::string, double> samples(const Metrics& metrics, const Scrape& scrape) {
    return read_prometheus(metrics.render(scrape)).samples;
}

}  // namespace

TEST_CASE("a scrape is valid in both formats and says the same in both") {
    Metrics metrics;
    metrics.on_request("main", "newOrder", 201, milliseconds(30));
    const MetricsPage plain = read_prometheus(metrics.render(scrape()));
    const MetricsPage open = read_openmetrics(metrics.render(scrape(), MetricsFormat::openmetrics));
    CHECK(plain.samples == open.samples);
    CHECK(plain.families.size() == metric_families().size());
    CHECK(open.families.size() == metric_families().size());
}

TEST_CASE("the gauges of a lineage and its targets are in a scrape") {
    const auto found = samples(Metrics(), scrape());
    CHECK(found.at("certd_lineage_not_after_timestamp_seconds{lineage=\"example.com\"}") == 20000.0 * 86400);
    CHECK(found.at("certd_lineage_ari_window_start_timestamp_seconds{lineage=\"example.com\"}") == 19970.0 * 86400);
    CHECK(found.at("certd_lineage_ari_window_end_timestamp_seconds{lineage=\"example.com\"}") == 19972.0 * 86400);
    CHECK(found.at("certd_lineage_generation{lineage=\"example.com\"}") == 4);
    CHECK(found.at("certd_lineage_state{lineage=\"example.com\",state=\"waiting\"}") == 1);
    CHECK(found.at("certd_lineage_health{lineage=\"example.com\",health=\"ok\"}") == 1);
    CHECK(found.at("certd_lineage_renewal_attempts_left{lineage=\"example.com\"}") == 31);
    CHECK(found.at("certd_target_in_sync{lineage=\"example.com\",target=\"mail\",host=\"local\"}") == 0);
    CHECK(found.at("certd_target_serving_generation{lineage=\"example.com\",target=\"mail\",host=\"local\"}") == 3);
    CHECK(
        found.at(
            "certd_target_served_not_after_timestamp_seconds{lineage=\"example.com\",target=\"web\",host=\"local\"}") ==
        20000.0 * 86400);
    CHECK_FALSE(found.contains(
        "certd_target_served_not_after_timestamp_seconds{lineage=\"example.com\",target=\"mail\",host=\"local\"}"));
    CHECK(found.at("certd_rate_bucket_tokens{ca=\"main\",bucket=\"orders\"}") == 297);
    CHECK(found.at("certd_jobs_running") == 2);
    CHECK(found.at("certd_heartbeat_timestamp_seconds") == 19999.0 * 86400);
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
    const auto found = samples(metrics, {});
    CHECK(found.at("certd_acme_requests_total{ca=\"main\",action=\"newOrder\",code=\"201\"}") == 2);
    CHECK(found.at("certd_acme_request_duration_seconds_count{ca=\"main\",action=\"newOrder\"}") == 3);
    CHECK(found.at("certd_acme_request_duration_seconds_bucket{ca=\"main\",action=\"newOrder\",le=\"0.005\"}") == 1);
    CHECK(found.at("certd_acme_errors_total{ca=\"main\",type=\"rateLimited\"}") == 1);
    CHECK(found.at("certd_acme_errors_total{ca=\"main\",type=\"other\"}") == 1);
    CHECK(found.at("certd_renewals_total{result=\"failed\"}") == 2);
    CHECK(metrics.requests() == 3);
}

TEST_CASE("renewals and hooks are timed") {
    Metrics metrics;
    Event event;
    event.type = EventType::renewal_started;
    event.job = 3;
    event.at = Time{days(20000)};
    metrics.on_event(event);
    event.type = EventType::renewal_issued;
    event.at += seconds(4);
    metrics.on_event(event);
    Event hook;
    hook.type = EventType::hook_finished;
    hook.data = Json::object({{"hook", "post-issue"}, {"took_ms", 250}});
    metrics.on_event(hook);
    const auto found = samples(metrics, {});
    CHECK(found.at("certd_renewal_duration_seconds_sum") == 4);
    CHECK(found.at("certd_renewals_total{result=\"issued\"}") == 1);
    CHECK(found.at("certd_hook_duration_seconds_sum{hook=\"post-issue\"}") == 0.25);
}

TEST_CASE("steps, rollbacks, clock jumps and storage problems are counted") {
    Metrics metrics;
    Event event;
    event.type = EventType::deploy_step;
    event.data = Json::object({{"step", "reload"}});
    metrics.on_event(event);
    event.type = EventType::deploy_failed;
    metrics.on_event(event);
    event.type = EventType::deploy_rolled_back;
    metrics.on_event(event);
    event.type = EventType::clock_jumped;
    event.problem = problem("storage.full", "x");
    metrics.on_event(event);
    const auto found = samples(metrics, {});
    CHECK(found.at("certd_deploy_steps_total{step=\"reload\",result=\"begun\"}") == 1);
    CHECK(found.at("certd_deploy_steps_total{step=\"reload\",result=\"failed\"}") == 1);
    CHECK(found.at("certd_rollbacks_total") == 1);
    CHECK(found.at("certd_clock_jumps_total") == 1);
    CHECK(found.at("certd_storage_errors_total") == 1);
}

TEST_CASE(
    "endpoints that are only watched have gauges of their own, the end of what they serve only when it is known") {
    LineageGauges lineage = gauges();
    lineage.endpoints = {{"cdn", "192.0.2.1:443", true, Time{days(20000)}}, {"cdn", "192.0.2.2:443", false, {}}};
    Scrape scrape;
    scrape.lineages = {lineage};
    const auto found = samples(Metrics(), scrape);
    const std::string first = "{lineage=\"example.com\",target=\"cdn\",address=\"192.0.2.1:443\"}";
    const std::string second = "{lineage=\"example.com\",target=\"cdn\",address=\"192.0.2.2:443\"}";
    CHECK(found.at("certd_endpoint_in_order" + first) == 1);
    CHECK(found.at("certd_endpoint_in_order" + second) == 0);
    CHECK(found.at("certd_endpoint_not_after_timestamp_seconds" + first) == 20000.0 * 86400);
    CHECK_FALSE(found.contains("certd_endpoint_not_after_timestamp_seconds" + second));
}
