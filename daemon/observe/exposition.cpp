// Headers, samples, and the choice of format.
#include "daemon/observe/exposition.hpp"

#include "libacme/base/text.hpp"

#include <charconv>
#include <cmath>

#include <fmt/format.h>

namespace certd {

namespace {

std::string escape_label(std::string_view text) {
    std::string result;
    for (char letter : text) {
        if (letter == '\\' || letter == '"') result += '\\';
        if (letter == '\n') {
            result += "\\n";
        } else {
            result += letter;
        }
    }
    return result;
}

// OpenMetrics wants the bounds of buckets as floats, "1.0"; Prometheus takes either.
std::string bound_text(double bound) {
    return std::isinf(bound)            ? "+Inf"
           : bound == std::floor(bound) ? fmt::format("{:.1f}", bound)
                                        : fmt::format("{}", bound);
}

// "0.75" of "q=0.75"; what is no number counts as nothing (RFC 9110 §12.4.2).
double weight_of(std::string_view text) {
    double weight = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), weight);
    if (error != std::errc() || end != text.data() + text.size()) return 0;
    return weight >= 0 && weight <= 1 ? weight : 0;
}

struct MediaRange {
    std::string type;  // lower case
    std::string version;
    double weight = 1;
};

MediaRange parse_range(std::string_view text) {
    MediaRange range;
    bool first = true;
    for (std::string_view part : split(text, ';')) {
        part = trim(part);
        if (std::exchange(first, false)) {
            range.type = lower_ascii(part);
        } else if (part.starts_with("q=") || part.starts_with("Q=")) {
            range.weight = weight_of(trim(part.substr(2)));
        } else if (part.starts_with("version=")) {
            range.version = std::string(part.substr(8));
        }
    }
    return range;
}

}  // namespace

MetricsFormat accepted_format(std::string_view accept) {
    double open = 0, plain = 0;
    for (std::string_view item : split(accept, ',')) {
        const MediaRange range = parse_range(item);
        if (range.type == "application/openmetrics-text" && (range.version.empty() || range.version == "1.0.0"))
            open = std::max(open, range.weight);
        if (range.type == "text/plain") plain = std::max(plain, range.weight);
    }
    return open > 0 && open >= plain ? MetricsFormat::openmetrics : MetricsFormat::prometheus;
}

std::string_view content_type(MetricsFormat format) {
    return format == MetricsFormat::openmetrics ? "application/openmetrics-text; version=1.0.0; charset=utf-8"
                                                : "text/plain; version=0.0.4; charset=utf-8";
}

void Exposition::family(Metric metric) {
    current_ = &family_of(metric);
    const bool open = format_ == MetricsFormat::openmetrics;
    // Prometheus names a family as its samples are named, and has no word for an info.
    const std::string name = open ? std::string(current_->name) : sample_name(*current_);
    std::string_view kind = "gauge";
    if (current_->kind == MetricKind::counter) kind = "counter";
    if (current_->kind == MetricKind::histogram) kind = "histogram";
    if (current_->kind == MetricKind::info && open) kind = "info";
    text_ += fmt::format("# HELP {0} {1}\n# TYPE {0} {2}\n", name, current_->help, kind);
    if (open && !current_->unit().empty()) text_ += fmt::format("# UNIT {} {}\n", name, current_->unit());
}

void Exposition::sample(Labels labels, double value) {
    std::string_view suffix;
    if (current_->kind == MetricKind::counter) suffix = "_total";
    if (current_->kind == MetricKind::info) suffix = "_info";
    line(suffix, labels, {}, value);
}

void Exposition::histogram(Labels labels, const Histogram& histogram) {
    for (std::size_t i = 0; i < Histogram::bounds.size(); ++i)
        line("_bucket", labels, bound_text(Histogram::bounds[i]), static_cast<double>(histogram.buckets[i]));
    line("_bucket", labels, "+Inf", static_cast<double>(histogram.count));
    line("_sum", labels, {}, histogram.sum);
    line("_count", labels, {}, static_cast<double>(histogram.count));
}

void Exposition::line(std::string_view suffix, Labels labels, std::string_view bound, double value) {
    text_ += current_->name;
    text_ += suffix;
    std::string inner;
    for (const auto& [key, label] : labels)
        inner += fmt::format("{}{}=\"{}\"", inner.empty() ? "" : ",", key, escape_label(label));
    if (!bound.empty()) inner += fmt::format("{}le=\"{}\"", inner.empty() ? "" : ",", bound);
    if (!inner.empty()) text_ += "{" + inner + "}";
    text_ += fmt::format(" {}\n", value);
}

std::string Exposition::finish() && {
    if (format_ == MetricsFormat::openmetrics) text_ += "# EOF\n";
    return std::move(text_);
}

}  // namespace certd
