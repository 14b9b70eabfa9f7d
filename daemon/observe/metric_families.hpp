// Every metric of certd, one row each: what the pages of a scrape and the reference page (contrib/docs/METRICS.md) are
// written from. Labels are taken from the configuration and our own words, never from what others said.
#pragma once

#include <span>
#include <string>
#include <string_view>

namespace certd {

enum class Metric {
    build,
    start_time,
    heartbeat,
    lineage_not_before,
    lineage_not_after,
    lineage_next_renewal,
    lineage_ari_window_start,
    lineage_ari_window_end,
    lineage_last_success,
    lineage_generation,
    lineage_state,
    lineage_health,
    lineage_consecutive_failures,
    lineage_missing_names,
    lineage_renewal_attempts_left,
    lineage_revoked,
    crl_last_success,
    target_serving_generation,
    target_in_sync,
    target_verified,
    target_served_not_after,
    endpoint_in_order,
    endpoint_not_after,
    acme_requests,
    acme_request_duration,
    acme_errors,
    rate_bucket_tokens,
    renewals,
    renewal_duration,
    deploy_steps,
    deploy_step_duration,
    deployment_duration,
    rollbacks,
    hook_duration,
    jobs_running,
    scheduler_lag,
    clock_jumps,
    storage_errors,
    notifications,
    notifications_queued,
    notifier_last_delivery
};

enum class MetricKind { info, gauge, counter, histogram };

struct MetricFamily {
    Metric metric;
    std::string_view name;  // with its unit, without _total, _info, _bucket …
    MetricKind kind;
    std::string_view labels;  // "lineage, target, host"
    std::string_view help;    // one sentence
    std::string_view unit() const { return name.ends_with("_seconds") ? "seconds" : ""; }
};

std::span<const MetricFamily> metric_families();
const MetricFamily& family_of(Metric metric);
std::string sample_name(const MetricFamily& family);  // of its plain samples: "certd_rollbacks_total"

// contrib/docs/METRICS.md
std::string metrics_reference();

}  // namespace certd
