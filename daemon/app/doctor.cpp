// Doctor: gathers the facts of each group, bounded in time and number.
#include "daemon/app/doctor.hpp"

#include "daemon/app/doctor_findings.hpp"
#include "daemon/app/doctor_looks.hpp"
#include "daemon/app/preflight.hpp"
#include "daemon/app/revocation_view.hpp"
#include "daemon/app/views.hpp"
#include "daemon/deploy/commands.hpp"
#include "daemon/schedule/rollback.hpp"
#include "libacme/async/timeout.hpp"
#include "libacme/protocol/concurrently.hpp"

#include <algorithm>
#include <iterator>

#include <fmt/format.h>

namespace certd {

using api::CheckFinding;
using Findings = std::vector<CheckFinding>;

namespace {

constexpr std::size_t cas_at_once = 8;

void append(Findings& findings, Findings more) {
    std::ranges::move(more, std::back_inserter(findings));
}

// Those that lineages use, and whether one asks them first.
std::map<CaName, bool> used_cas(const config::Config& config) {
    std::map<CaName, bool> used;
    for (const auto& [name, lineage] : config.lineages) {
        for (const CaName& ca : lineage->cas)
            used[ca] = used[ca] || ca == lineage->cas.front();
    }
    return used;
}

Task<RollbackFacts> rollback_facts(Engine& engine, const LineageRecord& record, const LineageName& name) {
    RollbackFacts facts;
    if (!record.live) co_return facts;
    facts.live = record.live->number.value;
    auto versions = co_await offload(engine.seams.workers, [&] { return engine.store.versions(name); });
    if (!versions) {
        facts.versions = facts.live;
        facts.problem = versions.error();
        co_return facts;
    }
    facts.versions = versions->size();
    auto chosen = choose_rollback(record.state, *versions, VersionNumber{}, engine.seams.clock.now());
    if (chosen) facts.to = chosen->value;
    if (!chosen) facts.problem = chosen.error();
    co_return facts;
}

}  // namespace

Task<api::DoctorReport> Doctor::examine() {
    const std::uint64_t before = examined_;
    Gate::Pass pass = co_await gate_.enter();
    if (examined_ == before) {
        last_ = co_await look();
        ++examined_;
    }
    co_return *last_;
}

Task<api::DoctorReport> Doctor::look() {
    Engine& engine = parts_.engine;
    const config::ConfigPtr config = engine.scheduler.config_pointer();
    api::DoctorReport report;
    report.at = engine.seams.clock.now();
    report.groups.push_back({"service", {}, co_await look_at_service()});
    report.groups.push_back({"programs", {}, co_await look_at_programs(config)});
    report.groups.push_back({"state", {}, co_await look_at_state()});
    std::map<CaName, CaSight> sights;
    report.groups.push_back({"cas", {}, co_await look_at_cas(config, sights)});
    report.groups.push_back({"monitoring", {}, co_await look_at_monitoring(config)});
    report.groups.push_back(
        {"notification", {}, notification_findings(parts_.notifications().notifiers, engine.seams.clock.now())});
    co_await look_at_lineages(config, sights, report);
    std::erase_if(report.groups, [](const api::DoctorGroup& group) { return group.findings.empty(); });
    co_return report;
}

Task<Findings> Doctor::look_at_service() {
    Engine& engine = parts_.engine;
    ServiceFacts facts = co_await offload(engine.seams.workers, [] { return own_service(); });
    if (facts.systemd && !facts.unit.empty()) {
        auto shown = co_await run_checked(engine.seams.host, show_unit(facts.unit, parts_.limits.service),
                                          "process.start", "systemctl");
        if (shown) read_unit(facts, *shown);
        if (!shown) facts.silent = shown.error();
    }
    Findings findings = service_findings(facts);
    auto loaded = co_await offload(engine.seams.workers, [&] { return parts_.load(); });
    findings.push_back(
        config_finding(parts_.config_file, loaded ? std::optional<Problem>() : std::optional<Problem>(loaded.error())));
    co_return findings;
}

Task<Findings> Doctor::look_at_programs(config::ConfigPtr config) {
    co_return co_await offload(parts_.engine.seams.workers, [&] { return all_programs(*config); });
}

Task<Findings> Doctor::look_at_state() {
    Engine& engine = parts_.engine;
    Findings findings = co_await check_store(engine);
    const Path& root = engine.store.root();
    StateSurvey survey = co_await offload(engine.seams.workers, [&] { return survey_state(engine.seams.files, root); });
    findings.push_back(state_finding(root.string(), survey));
    co_return findings;
}

Task<Findings> Doctor::look_at_cas(config::ConfigPtr config, std::map<CaName, CaSight>& sights) {
    Engine& engine = parts_.engine;
    std::vector<std::pair<config::Ca, bool>> cas;
    for (const auto& [name, first] : used_cas(*config))
        cas.emplace_back(config->cas.at(name), first);
    std::vector<CaAnswer> answers(cas.size());
    co_await acme::for_each_concurrently(cas.size(), cas_at_once, [&](std::size_t i) -> Task<> {
        answers[i] = co_await ask_ca(engine, cas[i].first, cas[i].second);
    });
    Findings findings;
    for (CaAnswer& answer : answers) {
        append(findings, ca_findings(answer));
        const config::Ca& ca = answer.sight.ca;
        auto left = budget_left_finding(ca, engine.scheduler.budget_of(ca), engine.seams.clock.now());
        if (left) findings.push_back(*std::move(left));
        sights.emplace(ca.name, answer.sight);
    }
    co_return findings;
}

Task<Findings> Doctor::look_at_monitoring(config::ConfigPtr config) {
    Engine& engine = parts_.engine;
    std::optional<Time> written;
    if (config->metrics.textfile)
        written = co_await offload(engine.seams.workers, [&] { return written_at(*config->metrics.textfile); });
    co_return monitoring_findings(config->metrics, written, engine.seams.clock.now());
}

Task<Findings> Doctor::look_at_lineage(config::ConfigPtr config, LineageName name, std::vector<CaSight> cas,
                                       Duration limit) {
    Engine& engine = parts_.engine;
    const Entry* entry = engine.scheduler.find(name);
    Findings findings;
    if (entry == nullptr || !entry->configured) co_return findings;  // a reload has taken it away
    LineageRecord record = entry->record;
    findings.push_back(
        standing_finding(lineage_view(*entry, engine.scheduler.plan_of(*entry), true, &config->targets)));
    if (auto finding = revocation_finding(revocation_view(engine.scheduler.crl_sight(*entry))))
        findings.push_back(*std::move(finding));
    findings.push_back(slack_finding(*record.spec, *config, engine.scheduler.slack_of(*entry),
                                     record.live ? record.live->lifetime() : Duration::zero()));
    findings.push_back(rollback_finding(*record.spec, co_await rollback_facts(engine, record, name)));
    std::optional<Problem> late;
    try {
        append(findings, co_await with_timeout(engine.seams.clock, limit, "net.timeout",
                                               "Not everything could be looked at within " + format_approximate(limit),
                                               preflight_lineage(engine, config, std::move(record), std::move(cas))));
    } catch (const Failure& failure) {
        late = failure.problem();
    }
    if (late) findings.push_back(unseen_finding(name.text(), *late));
    co_return findings;
}

Task<> Doctor::look_at_lineages(config::ConfigPtr config, const std::map<CaName, CaSight>& sights,
                                api::DoctorReport& report) {
    Engine& engine = parts_.engine;
    std::vector<std::shared_ptr<const config::Lineage>> lineages;
    for (const auto& [name, lineage] : config->lineages)
        lineages.push_back(lineage);
    std::vector<Findings> found(lineages.size());
    const Duration end = engine.seams.clock.monotonic() + parts_.limits.all;
    co_await acme::for_each_concurrently(lineages.size(), parts_.limits.at_once, [&](std::size_t i) -> Task<> {
        const config::Lineage& spec = *lineages[i];
        const Duration left = end - engine.seams.clock.monotonic();
        if (left <= Duration::zero()) {
            found[i] = {
                unseen_finding(spec.name, problem("net.timeout", "It was not looked at: the lineages before it took " +
                                                                     format_approximate(parts_.limits.all)))};
            co_return;
        }
        std::vector<CaSight> cas;
        for (const CaName& ca : spec.cas) {
            cas.push_back(sights.at(ca));
            cas.back().is_first = cas.size() == 1;
        }
        found[i] = co_await look_at_lineage(config, value_or_fail(LineageName::parse(spec.name)), std::move(cas),
                                            std::min(left, parts_.limits.each));
    });
    for (std::size_t i = 0; i < lineages.size(); ++i)
        report.groups.push_back({"lineage", lineages[i]->name, std::move(found[i])});
}

}  // namespace certd
