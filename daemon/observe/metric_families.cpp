// The table, and its reference page.
#include "daemon/observe/metric_families.hpp"

#include <array>

#include <fmt/format.h>

namespace certd {

namespace {

using enum Metric;
using enum MetricKind;

// In the order of Metric.
constexpr std::array table = {
    MetricFamily{build, "certd_build", info, "version", "Version of certd."},
    MetricFamily{start_time, "certd_start_time_seconds", gauge, "", "When certd started."},
    MetricFamily{heartbeat, "certd_heartbeat_timestamp_seconds", gauge, "",
                 "Time of this scrape as certd's clock reads it."},
    MetricFamily{lineage_not_before, "certd_lineage_not_before_timestamp_seconds", gauge, "lineage",
                 "Start of validity of the live certificate."},
    MetricFamily{lineage_not_after, "certd_lineage_not_after_timestamp_seconds", gauge, "lineage",
                 "End of validity of the live certificate, on disk."},
    MetricFamily{lineage_next_renewal, "certd_lineage_next_renewal_timestamp_seconds", gauge, "lineage",
                 "Planned start of the next issuance."},
    MetricFamily{lineage_ari_window_start, "certd_lineage_ari_window_start_timestamp_seconds", gauge, "lineage",
                 "Start of the window in which the CA suggests to renew."},
    MetricFamily{lineage_ari_window_end, "certd_lineage_ari_window_end_timestamp_seconds", gauge, "lineage",
                 "End of the window in which the CA suggests to renew."},
    MetricFamily{lineage_last_success, "certd_lineage_last_success_timestamp_seconds", gauge, "lineage",
                 "Last time a renewal or deployment succeeded."},
    MetricFamily{lineage_generation, "certd_lineage_generation", gauge, "lineage", "Number of the live version."},
    MetricFamily{lineage_state, "certd_lineage_state", gauge, "lineage, state", "1 for the state the lineage is in."},
    MetricFamily{lineage_health, "certd_lineage_health", gauge, "lineage, health",
                 "1 for the health of the lineage: ok, warning or critical."},
    MetricFamily{lineage_consecutive_failures, "certd_lineage_consecutive_failures", gauge, "lineage",
                 "Failed attempts to issue in a row."},
    MetricFamily{lineage_missing_names, "certd_lineage_missing_names", gauge, "lineage",
                 "Names that the live certificate lacks because a CA refused them."},
    MetricFamily{lineage_renewal_attempts_left, "certd_lineage_renewal_attempts_left", gauge, "lineage",
                 "Attempts to renew and deploy that fit between the next one planned and the end of the live "
                 "certificate, should each of them fail."},
    MetricFamily{lineage_revoked, "certd_lineage_revoked", gauge, "lineage",
                 "1 when the live certificate is revoked by the CRL it names, 0 when it is not; left out when no CRL "
                 "could be looked at."},
    MetricFamily{crl_last_success, "certd_crl_last_success_timestamp_seconds", gauge, "lineage",
                 "When the CRL that the live certificate names was last got, whole and valid."},
    MetricFamily{target_serving_generation, "certd_target_serving_generation", gauge, "lineage, target, host",
                 "Version last seen served by the target, 0 when none was."},
    MetricFamily{target_in_sync, "certd_target_in_sync", gauge, "lineage, target, host",
                 "1 when the target serves the version it should."},
    MetricFamily{target_verified, "certd_target_verified_timestamp_seconds", gauge, "lineage, target, host",
                 "When the target was last seen serving what it should."},
    MetricFamily{target_served_not_after, "certd_target_served_not_after_timestamp_seconds", gauge,
                 "lineage, target, host",
                 "End of validity of the certificate last seen served by the target, where it is of the live or the "
                 "newest version."},
    MetricFamily{endpoint_in_order, "certd_endpoint_in_order", gauge, "lineage, target, address",
                 "1 when an endpoint that is only watched serves what it may."},
    MetricFamily{endpoint_not_after, "certd_endpoint_not_after_timestamp_seconds", gauge, "lineage, target, address",
                 "End of validity of what an endpoint that is only watched was last seen to serve."},
    MetricFamily{acme_requests, "certd_acme_requests", counter, "ca, action, code",
                 "Exchanges with CAs; code 0: no response."},
    MetricFamily{acme_request_duration, "certd_acme_request_duration_seconds", histogram, "ca, action",
                 "Duration of exchanges with CAs."},
    MetricFamily{acme_errors, "certd_acme_errors", counter, "ca, type", "Failed issuances by the type of the error."},
    MetricFamily{rate_bucket_tokens, "certd_rate_bucket_tokens", gauge, "ca, bucket",
                 "What is left of a rate limit of the CA, where least is left of it."},
    MetricFamily{renewals, "certd_renewals", counter, "result", "Issuances by result."},
    MetricFamily{renewal_duration, "certd_renewal_duration_seconds", histogram, "",
                 "Time from the start of a renewal to the certificate."},
    MetricFamily{deploy_steps, "certd_deploy_steps", counter, "step, result",
                 "Steps of deployments: begun, ok, failed."},
    MetricFamily{deploy_step_duration, "certd_deploy_step_duration_seconds", histogram, "step",
                 "Duration of the steps of deployments that ended well."},
    MetricFamily{deployment_duration, "certd_deployment_duration_seconds", histogram, "",
                 "Time from the first step of a deployment to a host to the commit there."},
    MetricFamily{rollbacks, "certd_rollbacks", counter, "", "Deployments that were rolled back by certd itself."},
    MetricFamily{hook_duration, "certd_hook_duration_seconds", histogram, "hook", "Duration of hooks."},
    MetricFamily{jobs_running, "certd_jobs_running", gauge, "", "Renewals, deployments and rollbacks at work."},
    MetricFamily{scheduler_lag, "certd_scheduler_lag_seconds", gauge, "", "How late the last due job was started."},
    MetricFamily{clock_jumps, "certd_clock_jumps", counter, "", "Jumps of the wall clock that were noticed."},
    MetricFamily{storage_errors, "certd_storage_errors", counter, "", "Problems of the state directory."},
    MetricFamily{notifications, "certd_notifications", counter, "notifier, result",
                 "Notifications that were delivered, attempts that failed, and messages that were dropped."},
    MetricFamily{notifications_queued, "certd_notifications_queued", gauge, "notifier",
                 "Messages that wait to be delivered."},
    MetricFamily{notifier_last_delivery, "certd_notifier_last_delivery_timestamp_seconds", gauge, "notifier",
                 "When a notifier last delivered."},
};

constexpr bool in_order() {
    for (std::size_t i = 0; i < table.size(); ++i) {
        if (table[i].metric != static_cast<Metric>(i)) return false;
    }
    return table.size() == static_cast<std::size_t>(notifier_last_delivery) + 1;
}
static_assert(in_order());

constexpr std::string_view introduction = R"(# Metrics

Generated from the table of metrics (`daemon/observe/metric_families.cpp`) by `certd --metrics-reference`; do not edit.

`GET /metrics` on the control socket, and over TCP with `metrics: { listen: "127.0.0.1:9402" }`, answers in Prometheus' text
format 0.0.4, or in OpenMetrics 1.0 to those whose `Accept` prefers it. `metrics: { textfile: /path/certd.prom }` writes
the same for node_exporter's textfile collector every `metrics.textfile_interval`, whole or not at all. Alert rules are in
`contrib/prometheus`, a dashboard in `contrib/grafana`.

Times are seconds since 1970, durations are seconds. Label values are names of the configuration and words of certd, never
what a CA or a program said. A gauge without a value (the end of a certificate that was never issued) is left out.

| metric | type | labels | what it says |
|---|---|---|---|
)";

std::string_view kind_word(MetricKind kind) {
    constexpr std::array<std::string_view, 4> words = {"info", "gauge", "counter", "histogram"};
    return words.at(static_cast<std::size_t>(kind));
}

}  // namespace

std::span<const MetricFamily> metric_families() {
    return table;
}

const MetricFamily& family_of(Metric metric) {
    return table.at(static_cast<std::size_t>(metric));
}

std::string sample_name(const MetricFamily& family) {
    std::string name(family.name);
    if (family.kind == MetricKind::counter) name += "_total";
    if (family.kind == MetricKind::info) name += "_info";
    return name;
}

std::string metrics_reference() {
    std::string page(introduction);
    for (const MetricFamily& family : table) {
        page += fmt::format("| `{}` | {} | {} | {} |\n", sample_name(family), kind_word(family.kind), family.labels,
                            family.help);
    }
    return page;
}

}  // namespace certd
