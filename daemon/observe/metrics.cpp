// Counting, and the page of a scrape.
#include "daemon/observe/metrics.hpp"

#include "libacme/base/catalog.hpp"

#include <fmt/format.h>

namespace certd {

namespace {

constexpr std::size_t renewing_limit = 4096;  // jobs at once; more are not timed

double unix_seconds(Time time) {
    return static_cast<double>(time.time_since_epoch().count()) / 1000;
}

// The type label comes from the catalogue, never from the CA's text.
std::string error_type(const Problem& problem) {
    return problem.code.starts_with("acme.") && find_catalog(problem.code) ? problem.code.substr(5) : "other";
}

void lineage_times(Exposition& page, const std::vector<LineageGauges>& lineages) {
    struct Row {
        Metric metric;
        std::optional<Time> LineageGauges::*time;
    };
    constexpr Row rows[] = {{Metric::lineage_not_before, &LineageGauges::not_before},
                            {Metric::lineage_not_after, &LineageGauges::not_after},
                            {Metric::lineage_next_renewal, &LineageGauges::next_renewal},
                            {Metric::lineage_ari_window_start, &LineageGauges::ari_start},
                            {Metric::lineage_ari_window_end, &LineageGauges::ari_end},
                            {Metric::lineage_last_success, &LineageGauges::last_success},
                            {Metric::crl_last_success, &LineageGauges::crl_confirmed}};
    for (const Row& row : rows) {
        page.family(row.metric);
        for (const LineageGauges& lineage : lineages) {
            if (lineage.*row.time) page.sample({{"lineage", lineage.lineage}}, unix_seconds(*(lineage.*row.time)));
        }
    }
}

void lineage_states(Exposition& page, const std::vector<LineageGauges>& lineages) {
    page.family(Metric::lineage_generation);
    for (const LineageGauges& lineage : lineages)
        page.sample({{"lineage", lineage.lineage}}, lineage.version);
    page.family(Metric::lineage_state);
    for (const LineageGauges& lineage : lineages)
        page.sample({{"lineage", lineage.lineage}, {"state", lineage.state}}, 1);
    page.family(Metric::lineage_health);
    for (const LineageGauges& lineage : lineages)
        page.sample({{"lineage", lineage.lineage}, {"health", lineage.health}}, 1);
    page.family(Metric::lineage_consecutive_failures);
    for (const LineageGauges& lineage : lineages)
        page.sample({{"lineage", lineage.lineage}}, lineage.failures);
    page.family(Metric::lineage_missing_names);
    for (const LineageGauges& lineage : lineages)
        page.sample({{"lineage", lineage.lineage}}, lineage.missing_names);
    page.family(Metric::lineage_revoked);
    for (const LineageGauges& lineage : lineages) {
        if (lineage.revoked) page.sample({{"lineage", lineage.lineage}}, *lineage.revoked ? 1 : 0);
    }
    page.family(Metric::lineage_renewal_attempts_left);
    for (const LineageGauges& lineage : lineages) {
        if (lineage.attempts_left) page.sample({{"lineage", lineage.lineage}}, *lineage.attempts_left);
    }
}

// `value_of` gives nothing for a target that has no such sample.
template <class ValueOf>
void target_family(Exposition& page, const std::vector<LineageGauges>& lineages, Metric metric, ValueOf value_of) {
    page.family(metric);
    for (const LineageGauges& lineage : lineages) {
        for (const LineageGauges::Target& target : lineage.targets) {
            if (const std::optional<double> value = value_of(target))
                page.sample({{"lineage", lineage.lineage}, {"target", target.target}, {"host", target.host}}, *value);
        }
    }
}

void targets(Exposition& page, const std::vector<LineageGauges>& lineages) {
    using Target = LineageGauges::Target;
    using Value = std::optional<double>;
    const auto moment = [](std::optional<Time> time) { return time ? Value(unix_seconds(*time)) : std::nullopt; };
    target_family(page, lineages, Metric::target_serving_generation,
                  [](const Target& it) { return Value(it.version); });
    target_family(page, lineages, Metric::target_in_sync, [](const Target& it) { return Value(it.in_sync ? 1 : 0); });
    target_family(page, lineages, Metric::target_verified, [&](const Target& it) { return moment(it.verified_at); });
    target_family(page, lineages, Metric::target_served_not_after,
                  [&](const Target& it) { return moment(it.served_not_after); });
}

void endpoints(Exposition& page, const std::vector<LineageGauges>& lineages) {
    page.family(Metric::endpoint_in_order);
    for (const LineageGauges& lineage : lineages) {
        for (const auto& endpoint : lineage.endpoints) {
            page.sample({{"lineage", lineage.lineage}, {"target", endpoint.target}, {"address", endpoint.address}},
                        endpoint.in_order ? 1 : 0);
        }
    }
    page.family(Metric::endpoint_not_after);
    for (const LineageGauges& lineage : lineages) {
        for (const auto& endpoint : lineage.endpoints) {
            if (!endpoint.not_after) continue;
            page.sample({{"lineage", lineage.lineage}, {"target", endpoint.target}, {"address", endpoint.address}},
                        unix_seconds(*endpoint.not_after));
        }
    }
}

void notifier_families(Exposition& page, const std::vector<NotifierGauges>& notifiers) {
    page.family(Metric::notifications);
    for (const NotifierGauges& notifier : notifiers) {
        const auto count = [&](std::string_view result, std::uint64_t value) {
            page.sample({{"notifier", notifier.notifier}, {"result", std::string(result)}}, static_cast<double>(value));
        };
        count("delivered", notifier.delivered);
        count("failed", notifier.failed);
        count("dropped", notifier.dropped);
    }
    page.family(Metric::notifications_queued);
    for (const NotifierGauges& notifier : notifiers)
        page.sample({{"notifier", notifier.notifier}}, static_cast<double>(notifier.queued));
    page.family(Metric::notifier_last_delivery);
    for (const NotifierGauges& notifier : notifiers) {
        if (notifier.last_delivery)
            page.sample({{"notifier", notifier.notifier}}, unix_seconds(*notifier.last_delivery));
    }
}

}  // namespace

void Metrics::on_event(const Event& event) {
    deploys_.on_event(event);
    switch (event.type) {
        case EventType::renewal_started:
        case EventType::renewal_issued:
        case EventType::renewal_failed:
            note_renewal(event);
            break;
        case EventType::hook_finished:
            if (const std::int64_t* took = event.data["took_ms"].if_int())
                hooks_[event.data.string_or("hook")].observe(Duration(*took));
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

void Metrics::note_renewal(const Event& event) {
    if (event.type == EventType::renewal_started) {
        if (renewing_.size() < renewing_limit) renewing_[event.job] = event.at;
        return;
    }
    const auto began = renewing_.find(event.job);
    if (event.type == EventType::renewal_issued) {
        ++renewals_["issued"];
        if (began != renewing_.end()) renewal_durations_.observe(event.at - began->second);
    } else {
        ++renewals_["failed"];
        if (event.problem) ++acme_errors_[{event.data.string_or("ca"), error_type(*event.problem)}];
    }
    if (began != renewing_.end()) renewing_.erase(began);
}

void Metrics::on_request(const std::string& ca, std::string_view action, int status, Duration took) {
    ++requests_[{ca, std::string(action), std::to_string(status)}];
    durations_[{ca, std::string(action)}].observe(took);
}

std::uint64_t Metrics::requests() const {
    std::uint64_t total = 0;
    for (const auto& [key, count] : requests_)
        total += count;
    return total;
}

std::string Metrics::render(const Scrape& scrape, MetricsFormat format) const {
    Exposition page(format);
    page.family(Metric::build);
    page.sample({{"version", CERTD_VERSION}}, 1);
    page.family(Metric::start_time);
    page.sample({}, unix_seconds(scrape.started));
    page.family(Metric::heartbeat);
    page.sample({}, unix_seconds(scrape.now));
    lineage_times(page, scrape.lineages);
    lineage_states(page, scrape.lineages);
    targets(page, scrape.lineages);
    endpoints(page, scrape.lineages);
    page.family(Metric::rate_bucket_tokens);
    for (const RateGauge& rate : scrape.rates)
        page.sample({{"ca", rate.ca}, {"bucket", rate.bucket}}, rate.tokens);
    page.family(Metric::jobs_running);
    page.sample({}, static_cast<double>(scrape.jobs));
    notifier_families(page, scrape.notifiers);
    write_counters(page);
    return std::move(page).finish();
}

void Metrics::write_counters(Exposition& page) const {
    page.family(Metric::acme_requests);
    for (const auto& [key, count] : requests_) {
        const auto& [ca, action, code] = key;
        page.sample({{"ca", ca}, {"action", action}, {"code", code}}, static_cast<double>(count));
    }
    page.family(Metric::acme_request_duration);
    for (const auto& [key, histogram] : durations_)
        page.histogram({{"ca", key.first}, {"action", key.second}}, histogram);
    page.family(Metric::acme_errors);
    for (const auto& [key, count] : acme_errors_)
        page.sample({{"ca", key.first}, {"type", key.second}}, static_cast<double>(count));
    page.family(Metric::renewals);
    for (const auto& [result, count] : renewals_)
        page.sample({{"result", result}}, static_cast<double>(count));
    page.family(Metric::renewal_duration);
    page.histogram({}, renewal_durations_);
    page.family(Metric::deploy_steps);
    for (const auto& [key, count] : deploys_.counts)
        page.sample({{"step", key.first}, {"result", key.second}}, static_cast<double>(count));
    page.family(Metric::deploy_step_duration);
    for (const auto& [step, histogram] : deploys_.steps)
        page.histogram({{"step", step}}, histogram);
    page.family(Metric::deployment_duration);
    page.histogram({}, deploys_.deployments);
    page.family(Metric::rollbacks);
    page.sample({}, static_cast<double>(rollbacks_));
    page.family(Metric::hook_duration);
    for (const auto& [hook, histogram] : hooks_)
        page.histogram({{"hook", hook}}, histogram);
    page.family(Metric::scheduler_lag);
    page.sample({}, static_cast<double>(scheduler_lag_.count()) / 1000);
    page.family(Metric::clock_jumps);
    page.sample({}, static_cast<double>(clock_jumps_));
    page.family(Metric::storage_errors);
    page.sample({}, static_cast<double>(storage_errors_));
}

}  // namespace certd
