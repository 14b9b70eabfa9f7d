// The two text formats in which monitoring reads metrics: Prometheus 0.0.4 and OpenMetrics 1.0. Knows how families and
// samples are written, not which there are (metric_families.hpp).
#pragma once

#include "daemon/observe/histogram.hpp"
#include "daemon/observe/metric_families.hpp"

#include <initializer_list>
#include <string>
#include <string_view>
#include <utility>

namespace certd {

enum class MetricsFormat { prometheus, openmetrics };

// What an Accept header asks for; OpenMetrics only where it is preferred to, or as welcome as, plain text (RFC 9110
// §12.5.1).
MetricsFormat accepted_format(std::string_view accept);
std::string_view content_type(MetricsFormat format);

class Exposition {
   public:
    explicit Exposition(MetricsFormat format) : format_(format) {}

    using Labels = std::initializer_list<std::pair<std::string_view, std::string_view>>;
    // Begins a family: its samples follow. Each family once.
    void family(Metric metric);
    void sample(Labels labels, double value);
    void histogram(Labels labels, const Histogram& histogram);

    std::string finish() &&;

   private:
    void line(std::string_view suffix, Labels labels, std::string_view bound, double value);

    MetricsFormat format_;
    const MetricFamily* current_ = nullptr;
    std::string text_;
};

}  // namespace certd
