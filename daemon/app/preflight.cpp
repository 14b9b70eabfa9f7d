// Preflight checks of one lineage: store, CAs, names, targets.
#include "daemon/app/preflight.hpp"

#include "config/request.hpp"
#include "daemon/app/findings.hpp"
#include "daemon/app/preflight_names.hpp"
#include "libacme/async/timeout.hpp"

#include <fmt/format.h>

#include <sys/statvfs.h>

namespace certd {

using api::CheckFinding;
using Findings = std::vector<CheckFinding>;

namespace {

constexpr Duration ca_limit = seconds(20);

std::optional<Room> room_in(const Path& directory) {
    struct statvfs status {};
    if (::statvfs(directory.c_str(), &status) != 0) return std::nullopt;
    // File systems without a table of files count none at all.
    std::uint64_t files = status.f_files == 0 ? std::uint64_t{1} << 32U : status.f_favail;
    return Room{status.f_bavail * status.f_frsize, files};
}

// A CA that is asked only after others have failed does not block.
void add(Findings& findings, const CaSight& sight, CheckFinding finding) {
    if (!sight.is_first && finding.result == "blocked") finding.result = "warning";
    findings.push_back(std::move(finding));
}

Task<> look_for_account(Engine& engine, CaAnswer& answer) {
    std::vector<CaClients::AccountFacts> known;
    CaSight& sight = answer.sight;
    try {
        known = co_await engine.clients.accounts({sight.ca.name});
    } catch (const Failure& failure) {
        answer.suspended = failure.problem();
    }
    // Of another server under the same name: it will get an account of its own.
    if (known.empty() || known.front().directory_url != sight.ca.directory) co_return;
    sight.account_url = known.front().account.url;
    answer.suspended = known.front().suspended;
}

// Profile and rate limits as this lineage would meet them.
void check_order(Engine& engine, const LineageRecord& record, const CaSight& sight, Findings& findings) {
    const config::Ca& ca = sight.ca;
    const config::Profile& profile = record.spec->profile.name ? record.spec->profile : ca.profile;
    if (auto finding = profile_finding(sight, profile)) add(findings, sight, std::move(*finding));
    auto budget = budget_finding(ca, engine.scheduler.budget_wait(ca, record), engine.seams.clock.now());
    if (budget) add(findings, sight, std::move(*budget));
}

Task<> check_request(Engine& engine, const config::Lineage& spec, Findings& findings) {
    if (!spec.csr) co_return;
    config::ReadRequest read =
        co_await offload(engine.seams.workers, [&] { return config::read_request(spec.csr->path, spec.names); });
    findings.push_back(csr_finding(*spec.csr, read.request));
}

std::string rehearsal_text(const std::vector<RehearsedPlace>& rehearsed) {
    std::string text = "the deployment was rehearsed with the live certificate";
    for (const RehearsedPlace& place : rehearsed)
        text += "; " + describe(place);
    return text;
}

Task<CheckFinding> check_deployment(Engine& engine, config::ConfigPtr config, LineageRecord record) {
    const std::string check = "targets";
    if (record.spec->targets.empty()) {
        co_return warning(check, "The lineage has no target, so nothing checks that its certificate is served",
                          "Add a target with a verify step");
    }
    if (!record.live) co_return warning(check, "The deployment cannot be rehearsed before there is a certificate");
    LineageName name = value_or_fail(LineageName::parse(record.spec->name));
    auto files =
        co_await offload(engine.seams.workers, [&] { return engine.store.read_version(name, record.live->number); });
    if (!files) co_return blocked(check, files.error());
    DeployOrder order;
    order.config = std::move(config);
    order.spec = record.spec;
    order.version = record.live->number;
    order.places = places_of(record.spec->targets, &order.config->targets);
    order.current = record.state.targets;
    auto rehearsed = co_await engine.deployer.rehearse(std::move(order), *files, *record.live);
    if (rehearsed) co_return good(check, rehearsal_text(*rehearsed));
    // Nothing is known to be wrong: the deployment itself needs no such view.
    const Problem& problem = rehearsed.error();
    if (problem.code == "deploy.notRehearsed" && problem.parts.size() <= 1)
        co_return warning(check, describe(problem), problem.hint);
    co_return blocked(check, problem);
}

}  // namespace

Task<Findings> check_store(Engine& engine) {
    Findings findings;
    const Path& root = engine.store.root();
    Result<void> probed = co_await offload(engine.seams.workers, [&] { return engine.store.probe(); });
    findings.push_back(probed ? good("store.writable", fmt::format("{} can be written", root.string()))
                              : blocked("store.writable", probed.error()));
    std::optional<Room> room = co_await offload(engine.seams.workers, [&] { return room_in(root); });
    findings.push_back(room_finding(root.string(), room));
    co_return findings;
}

Task<CaAnswer> ask_ca(Engine& engine, config::Ca ca, bool is_first) {
    CaAnswer answer;
    answer.sight = {std::move(ca), {}, {}, is_first};
    const std::string late = "No answer from " + answer.sight.ca.directory;
    try {
        auto greeting = co_await with_timeout(engine.seams.clock, ca_limit, "net.timeout", late,
                                              engine.clients.greet(answer.sight.ca));
        answer.sight.directory = std::move(greeting.directory);
        answer.clock_ahead = greeting.clock_ahead;
    } catch (const Failure& failure) {
        answer.unreachable = failure.problem();
    }
    co_await look_for_account(engine, answer);
    co_return answer;
}

Findings ca_findings(const CaAnswer& answer) {
    Findings findings;
    const CaSight& sight = answer.sight;
    const std::string& name = sight.ca.name.text;
    const std::string reachable = fmt::format("ca.{}.reachable", name);
    add(findings, sight,
        answer.unreachable ? blocked(reachable, *answer.unreachable)
                           : good(reachable, fmt::format("{} answers", sight.ca.directory)));
    if (!answer.unreachable) add(findings, sight, clock_finding(name, answer.clock_ahead));
    add(findings, sight, account_finding(sight, answer.suspended));
    return findings;
}

Task<Findings> preflight_lineage(Engine& engine, config::ConfigPtr config, LineageRecord record,
                                 std::vector<CaSight> cas) {
    Findings findings;
    co_await check_request(engine, *record.spec, findings);
    for (const CaSight& sight : cas)
        check_order(engine, record, sight, findings);
    Findings names = co_await check_names(engine, config, record.spec, std::move(cas));
    std::ranges::move(names, std::back_inserter(findings));
    // What has been seen just now is newer than what the last renewal saw.
    if (auto persisted = engine.solvers.persisted(*record.spec); persisted.seen) {
        LineageName name = value_or_fail(LineageName::parse(record.spec->name));
        (void)co_await engine.scheduler.note_persisted(std::move(name), persisted.until);
    }
    findings.push_back(co_await check_deployment(engine, config, std::move(record)));
    co_return findings;
}

Task<Findings> preflight(Engine& engine, config::ConfigPtr config, LineageRecord record) {
    Findings findings = co_await check_store(engine);
    std::vector<CaSight> cas;
    for (const CaName& ca : record.spec->cas) {
        CaAnswer answer = co_await ask_ca(engine, config->cas.at(ca), cas.empty());
        std::ranges::move(ca_findings(answer), std::back_inserter(findings));
        cas.push_back(std::move(answer.sight));
    }
    Findings rest = co_await preflight_lineage(engine, config, std::move(record), std::move(cas));
    std::ranges::move(rest, std::back_inserter(findings));
    co_return findings;
}

}  // namespace certd
