// A strict reader of the text formats of metrics: Prometheus 0.0.4 and OpenMetrics 1.0. What a lenient scraper would
// let pass is an error here.
#pragma once

#include <map>
#include <string>

namespace certd::test {

struct MetricsPage {
    struct Family {
        std::string type, unit, help;
    };
    std::map<std::string, Family> families;  // by the name in # TYPE
    std::map<std::string, double> samples;   // by name{labels}, as written
};

// Throws std::runtime_error with the line and what is wrong with it.
MetricsPage read_prometheus(const std::string& text);
MetricsPage read_openmetrics(const std::string& text);

}  // namespace certd::test
