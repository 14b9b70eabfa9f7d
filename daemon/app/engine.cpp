// Engine: the wiring.
#include "daemon/app/engine.hpp"

#include "daemon/lineage/endpoint.hpp"
#include "daemon/lineage/subset.hpp"

#include <algorithm>

namespace certd {

namespace {

// When the certificate that a place serves ends, as far as it is one of ours.
std::optional<Time> served_until(const LineageRecord& record, const TargetState& target) {
    for (const auto& version : {record.live, record.newest}) {
        if (!version) continue;
        for (const CertificateFacts& facts : version->certificates()) {
            if (facts.fingerprint == target.served_fingerprint) return facts.not_after;
        }
    }
    return std::nullopt;
}

LineageGauges gauges_of(const std::string& name, const Entry& entry, const Plan& plan,
                        const std::optional<RenewalSlack>& slack, const Targets& targets,
                        const std::optional<CrlSight>& crl) {
    const LineageRecord& record = entry.record;
    LineageGauges gauges;
    gauges.lineage = name;
    gauges.state = to_string(plan.state);
    gauges.health = to_string(plan.health);
    if (slack) gauges.attempts_left = slack->attempts();
    gauges.version = record.state.live.value;
    if (record.live) {
        gauges.not_before = record.live->not_before;
        gauges.not_after = record.live->valid_until();
    }
    if (plan.action == Action::issue) gauges.next_renewal = plan.at;
    gauges.last_success = record.state.last_success;
    if (const AriWindow* window = record.newest ? window_of(record.state, *record.newest) : nullptr) {
        gauges.ari_start = window->start;
        gauges.ari_end = window->end;
    }
    if (record.live) {
        std::size_t missing = missing_names(*record.spec, record.state, *record.live).size();
        gauges.missing_names = static_cast<std::uint32_t>(missing);
    }
    if (crl && record.live) {
        if (crl->status == CrlSight::Status::good || crl->status == CrlSight::Status::revoked)
            gauges.revoked = crl->status == CrlSight::Status::revoked;
        gauges.crl_confirmed = crl->crl.checked_at;
    }
    for (const auto& [ca, attempts] : record.state.attempts)
        gauges.failures = std::max(gauges.failures, attempts.failures);
    for (const TargetState& target : record.state.targets) {
        bool in_sync = target.state == HostState::deployed && target.version == record.state.live;
        gauges.targets.push_back({target.target.text, target.host, target.version.value, in_sync, target.verified_at,
                                  served_until(record, target)});
    }
    for (const EndpointState& endpoint : endpoints_in(*record.spec, &targets, record.state)) {
        if (!endpoint.looked_at) continue;
        gauges.endpoints.push_back(
            {endpoint.target.text, endpoint.address, !endpoint.problem, endpoint.served_not_after});
    }
    return gauges;
}

}  // namespace

Engine::Engine(asio::any_io_executor executor, Seams given, Path state_directory)
    : seams(std::move(given)),
      started(seams.clock.now()),
      bus(seams.clock),
      store(seams.files, std::move(state_directory)),
      deployer(seams.clock, seams.workers, store, seams.host, bus.sink(), seams.hosts),
      dns_solvers({seams.clock, seams.workers, seams.host}),
      solvers(seams.workers, seams.host, seams.listener),
      clients(
          seams.clock, seams.workers, store, seams.transports,
          [this](const std::string& ca, acme::RequestKind kind, int status, Duration took) {
              metrics.on_request(ca, acme::to_string(kind), status, took);
          },
          bus.sink()),
      renewal(seams.clock, seams.workers, store, clients, solvers, deployer, bus.sink()),
      hook_rounds(executor, {seams.clock, seams.workers, store, deployer, bus.sink()}),
      records(seams.workers, store),
      crls({seams.clock, seams.workers, store, CrlFiles(seams.files, store.root()), seams.crl_transports}),
      pipeline(seams.clock, seams.workers, store, records, renewal, deployer, hook_rounds, bus.sink()),
      scheduler(std::move(executor),
                {seams.clock, seams.workers, store, records, pipeline, deployer, hook_rounds, clients, bus,
                 [this](Duration lag) { metrics.on_scheduler_lag(lag); }, seams.longest_sleep,
                 [this](const std::string& lineage) {
                     if (job_ended) job_ended(lineage);
                 },
                 &crls}) {
    solvers.set_dns(&dns_solvers);
    bus.add_sink([this](const Event& event) { metrics.on_event(event); });
    bus.add_sink([this](const Event& event) { records.note(event); });
    bus.add_sink([this](const Event& event) { rollouts.take(event); });
    solvers.set_tls_listener(seams.tls_listener);
}

void Engine::open_store() {
    value_or_fail(store.open());
    Recovery recovery = store.recover();
    for (const std::string& note : recovery.notes) {
        Event event;
        event.type = EventType::store_recovered;
        event.severity = Severity::notice;
        event.message = note;
        bus.publish(std::move(event));
    }
    for (const auto& [lineage, problem] : recovery.damaged) {
        Event event;
        event.type = EventType::store_damaged;
        event.severity = Severity::critical;
        event.lineage = lineage;
        event.message = "Damage was found in the state directory";
        event.problem = problem;
        bus.publish(std::move(event));
    }
}

std::string Engine::metrics_page(MetricsFormat format) const {
    Scrape scrape{seams.clock.now(),
                  started,
                  {},
                  rate_gauges(),
                  scheduler.running(),
                  notifiers ? notifiers() : std::vector<NotifierGauges>()};
    scrape.lineages.reserve(scheduler.entries().size());
    for (const auto& [name, entry] : scheduler.entries()) {
        scrape.lineages.push_back(gauges_of(name, *entry, scheduler.plan_of(*entry), scheduler.slack_of(*entry),
                                            scheduler.config().targets, scheduler.crl_sight(*entry)));
    }
    return metrics.render(scrape, format);
}

std::vector<RateGauge> Engine::rate_gauges() const {
    std::vector<RateGauge> gauges;
    for (const auto& [name, ca] : scheduler.config().cas) {
        const BudgetModel* model = budget_model(ca.limits);
        if (model == nullptr) continue;
        const std::vector<BucketUse> uses = scheduler.budget_of(ca);
        for (const Bucket* bucket : {&model->orders, &model->domain, &model->exact_set, &model->failures}) {
            std::uint32_t used = 0;
            for (const BucketUse& use : uses) {
                if (use.kind == bucket->kind) used = std::max(used, use.used);
            }
            gauges.push_back(
                {name.text, std::string(bucket->kind), bucket->capacity - std::min(used, bucket->capacity)});
        }
    }
    return gauges;
}

}  // namespace certd
