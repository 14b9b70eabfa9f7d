#include "daemon/observe/exposition.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/exposition_reader.hpp"

#include <set>

using namespace certd;
using namespace certd::test;

TEST_CASE("OpenMetrics is given to those who prefer it, and plain text to everybody else") {
    const auto open = MetricsFormat::openmetrics, plain = MetricsFormat::prometheus;
    // As Prometheus asks.
    CHECK(
        accepted_format("application/openmetrics-text;version=1.0.0;q=0.75,application/openmetrics-text;version=0.0.1;"
                        "q=0.5,text/plain;version=0.0.4;q=0.25,*/*;q=0.1") == open);
    CHECK(accepted_format("application/openmetrics-text") == open);
    CHECK(accepted_format("Application/OpenMetrics-Text; version=1.0.0") == open);
    CHECK(accepted_format("") == plain);
    CHECK(accepted_format("*/*") == plain);
    CHECK(accepted_format("text/plain, application/openmetrics-text;q=0.2") == plain);
    CHECK(accepted_format("application/openmetrics-text;version=0.0.1") == plain);
    CHECK(accepted_format("application/openmetrics-text;q=0") == plain);
    CHECK(accepted_format("application/openmetrics-text;q=nonsense") == plain);
    CHECK(accepted_format(";;,,;q=") == plain);
}

TEST_CASE("each kind of metric is written as its format wants it") {
    Histogram histogram;
    histogram.observe(milliseconds(30));
    histogram.observe(seconds(2));
    for (MetricsFormat format : {MetricsFormat::prometheus, MetricsFormat::openmetrics}) {
        Exposition page(format);
        page.family(Metric::build);
        page.sample({{"version", "1"}}, 1);
        page.family(Metric::rollbacks);
        page.sample({}, 3);
        page.family(Metric::acme_request_duration);
        page.histogram({{"ca", "main"}, {"action", "newOrder"}}, histogram);
        page.family(Metric::deployment_duration);
        page.histogram({}, histogram);
        const std::string text = std::move(page).finish();
        INFO(text);
        const bool open = format == MetricsFormat::openmetrics;
        const MetricsPage read = open ? read_openmetrics(text) : read_prometheus(text);
        CHECK(read.families.at(open ? "certd_build" : "certd_build_info").type == (open ? "info" : "gauge"));
        CHECK(read.families.at(open ? "certd_rollbacks" : "certd_rollbacks_total").type == "counter");
        CHECK(read.families.at("certd_deployment_duration_seconds").unit == (open ? "seconds" : ""));
        CHECK(read.samples.at("certd_build_info{version=\"1\"}") == 1);
        CHECK(read.samples.at("certd_rollbacks_total") == 3);
        CHECK(read.samples.at("certd_deployment_duration_seconds_bucket{le=\"1.0\"}") == 1);
        CHECK(read.samples.at(
                  "certd_acme_request_duration_seconds_bucket{ca=\"main\",action=\"newOrder\",le=\"+Inf\"}") == 2);
    }
}

TEST_CASE("label values are escaped") {
    Exposition page(MetricsFormat::openmetrics);
    page.family(Metric::lineage_generation);
    page.sample({{"lineage", "a\"b\\c\nd"}}, 1);
    const std::string text = std::move(page).finish();
    CHECK(text.find("{lineage=\"a\\\"b\\\\c\\nd\"} 1\n") != std::string::npos);
    CHECK_NOTHROW(read_openmetrics(text));
}

TEST_CASE("no metric is in the table twice, and each has a sentence of its own") {
    std::set<std::string_view> names, sentences;
    for (const MetricFamily& family : metric_families()) {
        CHECK(names.insert(family.name).second);
        CHECK(sentences.insert(family.help).second);
        CHECK(family.help.ends_with('.'));
        CHECK(family.help.find_first_of("\\\n\"") == std::string_view::npos);  // what HELP would have to escape
        CHECK(family.name.starts_with("certd_"));
        CHECK(metrics_reference().find("`" + sample_name(family) + "`") != std::string::npos);
    }
}

TEST_CASE("the reader of the tests refuses what a lenient scraper would let pass") {
    const std::string head = "# HELP a_total x\n# TYPE a_total counter\n";
    CHECK_NOTHROW(read_prometheus(head + "a_total 1\n"));
    CHECK_THROWS(read_prometheus(head + "a_total 1"));               // no line feed
    CHECK_THROWS(read_prometheus(head + "a_total 1\na_total 2\n"));  // twice
    CHECK_THROWS(read_prometheus(head + "b_total 1\n"));             // another family
    CHECK_THROWS(read_prometheus(head + "a_total -1\n"));            // below zero
    CHECK_THROWS(read_prometheus(head + "a_total one\n"));
    CHECK_THROWS(read_prometheus(head + "\na_total 1\n"));           // an empty line
    CHECK_THROWS(read_prometheus(head + "a_total{x=\"\\q\"} 1\n"));  // an unknown escape
    CHECK_THROWS(read_prometheus("a_total 1\n"));
    CHECK_THROWS(read_openmetrics(head + "a_total 1\n# EOF\n"));          // a family named as its sample
    CHECK_THROWS(read_openmetrics("# HELP a x\n# TYPE a gauge\na 1\n"));  // no # EOF
    CHECK_THROWS(read_openmetrics("# HELP a x\n# TYPE a gauge\na 1\n# EOF\n# EOF\n"));
    CHECK_THROWS(read_openmetrics("# HELP a x\n# TYPE a gauge\n# UNIT a seconds\na 1\n# EOF\n"));
    const std::string histogram = "# HELP a x\n# TYPE a histogram\n";
    CHECK_NOTHROW(read_prometheus(histogram + "a_bucket{le=\"1\"} 1\na_bucket{le=\"+Inf\"} 2\na_sum 3\na_count 2\n"));
    CHECK_THROWS(read_prometheus(histogram + "a_bucket{le=\"1\"} 3\na_bucket{le=\"+Inf\"} 2\na_sum 3\na_count 2\n"));
    CHECK_THROWS(read_prometheus(histogram + "a_bucket{le=\"1\"} 1\na_sum 3\na_count 1\n"));
    CHECK_THROWS(read_prometheus(histogram + "a_bucket{le=\"+Inf\"} 2\na_sum 3\na_count 3\n"));
    CHECK_THROWS(
        read_openmetrics(histogram + "a_bucket{le=\"1\"} 1\na_bucket{le=\"+Inf\"} 2\na_sum 3\na_count 2\n# EOF\n"));
}
