// Counting, and the text of a scrape.
#include "daemon/observe/metrics.hpp"

#include "libacme/base/catalog.hpp"

#include <algorithm>

#include <fmt/format.h>

namespace certd {

namespace {

constexpr std::array<double, 9> bounds = {0.005, 0.01, 0.05, 0.1, 0.5, 1, 5, 15, 60};

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

double unix_seconds(Time time) {
    return static_cast<double>(time.time_since_epoch().count()) / 1000;
}

// Writes families one after the other: header first, then its samples.
class Page {
   public:
    void family(std::string_view name, std::string_view type, std::string_view help) {
        name_ = name;
        text_ += fmt::format("# HELP {0} {2}\n# TYPE {0} {1}\n", name, type, help);
    }
    using Labels = std::initializer_list<std::pair<std::string_view, std::string_view>>;
    void sample(Labels labels, double value, std::string_view suffix = {}) {
        text_ += name_;
        text_ += suffix;
        if (labels.size() != 0) {
            text_ += '{';
            for (const auto& [key, label] : labels) {
                if (text_.back() != '{') text_ += ',';
                text_ += fmt::format("{}=\"{}\"", key, escape_label(label));
            }
            text_ += '}';
        }
        text_ += fmt::format(" {}\n", value);
    }
    std::string take() { return std::move(text_); }

   private:
    std::string name_, text_;
};

void lineage_times(Page& page, const std::vector<LineageGauges>& lineages) {
    struct Row {
        std::string_view name, help;
        std::optional<Time> LineageGauges::*time;
    };
    constexpr Row rows[] = {{"certd_lineage_not_before_timestamp_seconds", "Start of validity of the live certificate.",
                             &LineageGauges::not_before},
                            {"certd_lineage_not_after_timestamp_seconds", "End of validity of the live certificate.",
                             &LineageGauges::not_after},
                            {"certd_lineage_next_renewal_timestamp_seconds", "Planned start of the next issuance.",
                             &LineageGauges::next_renewal},
                            {"certd_lineage_ari_window_start_timestamp_seconds",
                             "Start of the window in which the CA suggests to renew.", &LineageGauges::ari_start},
                            {"certd_lineage_ari_window_end_timestamp_seconds",
                             "End of the window in which the CA suggests to renew.", &LineageGauges::ari_end},
                            {"certd_lineage_last_success_timestamp_seconds",
                             "Last time a renewal or deployment succeeded.", &LineageGauges::last_success}};
    for (const Row& row : rows) {
        page.family(row.name, "gauge", row.help);
        for (const LineageGauges& lineage : lineages) {
            if (lineage.*row.time) page.sample({{"lineage", lineage.lineage}}, unix_seconds(*(lineage.*row.time)));
        }
    }
}

void lineage_states(Page& page, const std::vector<LineageGauges>& lineages) {
    page.family("certd_lineage_generation", "gauge", "Number of the live version.");
    for (const LineageGauges& lineage : lineages)
        page.sample({{"lineage", lineage.lineage}}, lineage.version);
    page.family("certd_lineage_state", "gauge", "1 for the state the lineage is in.");
    for (const LineageGauges& lineage : lineages)
        page.sample({{"lineage", lineage.lineage}, {"state", lineage.state}}, 1);
    page.family("certd_lineage_consecutive_failures", "gauge", "Failed attempts to issue in a row.");
    for (const LineageGauges& lineage : lineages)
        page.sample({{"lineage", lineage.lineage}}, lineage.failures);
    page.family("certd_lineage_missing_names", "gauge",
                "Names that the live certificate lacks because a CA refused them.");
    for (const LineageGauges& lineage : lineages)
        page.sample({{"lineage", lineage.lineage}}, lineage.missing_names);
}

void targets(Page& page, const std::vector<LineageGauges>& lineages) {
    page.family("certd_target_serving_generation", "gauge", "Version last seen served by the target, 0 when none was.");
    for (const LineageGauges& lineage : lineages) {
        for (const auto& target : lineage.targets) {
            page.sample({{"lineage", lineage.lineage}, {"target", target.target}, {"host", target.host}},
                        target.version);
        }
    }
    page.family("certd_target_in_sync", "gauge", "1 when the target serves the version it should.");
    for (const LineageGauges& lineage : lineages) {
        for (const auto& target : lineage.targets) {
            page.sample({{"lineage", lineage.lineage}, {"target", target.target}, {"host", target.host}},
                        target.in_sync ? 1 : 0);
        }
    }
}

// The type label comes from the catalogue, never from the CA's text.
std::string error_type(const Problem& problem) {
    return problem.code.starts_with("acme.") && find_catalog(problem.code) ? problem.code.substr(5) : "other";
}

std::string ca_of(const Event& event) {
    return event.data.string_or("ca");
}

}  // namespace

void Metrics::on_event(const Event& event) {
    switch (event.type) {
        case EventType::renewal_issued:
            ++renewals_["issued"];
            break;
        case EventType::renewal_failed:
            ++renewals_["failed"];
            if (event.problem) ++acme_errors_[{ca_of(event), error_type(*event.problem)}];
            break;
        case EventType::deploy_step:
            ++deploy_steps_[{event.data.string_or("step"), "begun"}];
            break;
        case EventType::deploy_failed:
            ++deploy_steps_[{event.data.string_or("step"), "failed"}];
            break;
        case EventType::deploy_rolled_back:
            ++rollbacks_;
            break;
        case EventType::clock_jumped:
            ++clock_jumps_;
            break;
        default:
            break;
    }
    if (event.problem && event.problem->kind == ProblemKind::storage) ++storage_errors_;
}

void Metrics::on_request(const std::string& ca, std::string_view action, int status, Duration took) {
    ++requests_[{ca, std::string(action), std::to_string(status)}];
    Histogram& histogram = durations_[ca];
    double value = static_cast<double>(took.count()) / 1000;
    ++histogram.count;
    histogram.sum += value;
    for (std::size_t i = 0; i < bounds.size(); ++i) {
        if (value <= bounds[i]) ++histogram.buckets[i];
    }
}

std::uint64_t Metrics::requests() const {
    std::uint64_t total = 0;
    for (const auto& [key, count] : requests_)
        total += count;
    return total;
}

std::string Metrics::render(const std::vector<LineageGauges>& lineages, Time now, Time started) const {
    Page page;
    page.family("certd_build_info", "gauge", "Version of certd.");
    page.sample({{"version", CERTD_VERSION}}, 1);
    page.family("certd_start_time_seconds", "gauge", "When certd started.");
    page.sample({}, unix_seconds(started));
    page.family("certd_heartbeat_timestamp_seconds", "gauge", "Time of this scrape as certd's clock reads it.");
    page.sample({}, unix_seconds(now));
    lineage_times(page, lineages);
    lineage_states(page, lineages);
    targets(page, lineages);
    page.family("certd_acme_requests_total", "counter", "Exchanges with CAs; code 0: no response.");
    for (const auto& [key, count] : requests_) {
        const auto& [ca, action, code] = key;
        page.sample({{"ca", ca}, {"action", action}, {"code", code}}, static_cast<double>(count));
    }
    page.family("certd_acme_request_duration_seconds", "histogram", "Duration of exchanges with CAs.");
    for (const auto& [ca, histogram] : durations_) {
        for (std::size_t i = 0; i < bounds.size(); ++i) {
            page.sample({{"ca", ca}, {"le", fmt::format("{}", bounds[i])}}, static_cast<double>(histogram.buckets[i]),
                        "_bucket");
        }
        page.sample({{"ca", ca}, {"le", "+Inf"}}, static_cast<double>(histogram.count), "_bucket");
        page.sample({{"ca", ca}}, histogram.sum, "_sum");
        page.sample({{"ca", ca}}, static_cast<double>(histogram.count), "_count");
    }
    page.family("certd_acme_errors_total", "counter", "Failed issuances by the type of the error.");
    for (const auto& [key, count] : acme_errors_)
        page.sample({{"ca", key.first}, {"type", key.second}}, static_cast<double>(count));
    page.family("certd_renewals_total", "counter", "Issuances by result.");
    for (const auto& [result, count] : renewals_)
        page.sample({{"result", result}}, static_cast<double>(count));
    page.family("certd_deploy_steps_total", "counter", "Steps of deployments that were begun, and that failed.");
    for (const auto& [key, count] : deploy_steps_)
        page.sample({{"step", key.first}, {"result", key.second}}, static_cast<double>(count));
    page.family("certd_rollbacks_total", "counter", "Deployments that were rolled back by certd itself.");
    page.sample({}, static_cast<double>(rollbacks_));
    page.family("certd_clock_jumps_total", "counter", "Jumps of the wall clock that were noticed.");
    page.sample({}, static_cast<double>(clock_jumps_));
    page.family("certd_storage_errors_total", "counter", "Problems of the state directory.");
    page.sample({}, static_cast<double>(storage_errors_));
    page.family("certd_scheduler_lag_seconds", "gauge", "How late the last due job was started.");
    page.sample({}, static_cast<double>(scheduler_lag_.count()) / 1000);
    return page.take();
}

}  // namespace certd
