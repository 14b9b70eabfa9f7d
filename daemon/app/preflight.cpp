// Preflight checks of one lineage: store, CAs, challenge, targets.
#include "daemon/app/preflight.hpp"

#include "libacme/async/timeout.hpp"
#include "libacme/base/text.hpp"
#include "libacme/crypto/digest.hpp"

#include <fmt/format.h>

namespace certd {

namespace {

constexpr Duration check_limit = seconds(20);
constexpr Duration dns_check_limit = minutes(3);  // DNS has to carry the record to all servers

api::CheckFinding finding_of(std::string check, const Result<void>& result, std::string good) {
    if (result) return {std::move(check), "ok", std::move(good), {}};
    return {std::move(check), "failed", describe(result.error()), result.error().hint};
}

// The Problem of a step that throws, or success.
Task<Result<void>> attempt(Task<> step) {
    std::exception_ptr error;
    try {
        co_await std::move(step);
    } catch (const Failure& failed) {
        co_return failure(failed.problem());
    }
    co_return Result<void>();
}

Task<api::CheckFinding> check_ca(Engine& engine, config::Ca ca) {
    std::string check = "ca." + ca.name.text + ".reachable";
    bool terms = false;
    Result<void> result = co_await attempt([](Engine& used, config::Ca asked, bool& has_terms) -> Task<> {
        acme::Directory directory =
            co_await with_timeout(used.seams.clock, check_limit, "net.timeout", "No answer from " + asked.directory,
                                  used.clients.directory(asked));
        has_terms = !directory.terms_of_service.empty();
    }(engine, ca, terms));
    if (result && terms && !ca.agree_tos) {
        Problem problem = certd::problem("acme.termsNotAgreed", fmt::format("{} has terms of service", ca.name.text));
        co_return api::CheckFinding{check, "failed", describe(problem), problem.hint};
    }
    co_return finding_of(check, result, fmt::format("{} answers", ca.directory));
}

Task<> rehearse_solver(acme::Solver& solver, acme::ChallengeTask task) {
    std::exception_ptr error;
    try {
        co_await solver.present(task);
        co_await solver.wait_visible(task);
    } catch (...) {
        error = std::current_exception();
    }
    co_await solver.clean_up(task);
    if (error) std::rethrow_exception(error);
}

// The type that `solver` answers for `name`; empty: none.
std::string type_of(const acme::Solver& solver, const Identifier& name) {
    for (std::string type : {"http-01", "dns-01", "tls-alpn-01"}) {
        if (solver.can_solve(type, name, name.is_wildcard())) return type;
    }
    return {};
}

// The first way of proof of the first name.
Task<api::CheckFinding> check_challenge(Engine& engine, const config::Lineage& spec) {
    const Identifier& name = spec.names.front();
    std::vector<acme::Solver*> solvers = engine.solvers.solvers(config::challenge_for(spec, name));
    std::string type = solvers.empty() ? std::string() : type_of(*solvers.front(), name);
    if (type.empty()) {
        Problem problem = certd::problem("acme.noChallenge", "No solver is configured that could answer");
        co_return api::CheckFinding{"challenge", "failed", describe(problem), problem.hint};
    }
    acme::ChallengeTask task;
    task.identifier = name;
    task.wildcard = name.is_wildcard();
    if (task.wildcard) task.identifier.value.erase(0, 2);
    task.type = type;
    bool by_dns = type == "dns-01";
    task.token = base64url(random_bytes(24));
    task.key_authorization = task.token + ".preflight";
    Result<void> result = co_await attempt(with_timeout(engine.seams.clock, by_dns ? dns_check_limit : check_limit,
                                                        "net.timeout", "The challenge response did not become visible",
                                                        rehearse_solver(*solvers.front(), task)));
    co_return finding_of("challenge." + type, result,
                         by_dns ? "a challenge record can be put in place and is shown by all name servers"
                                : "a challenge response can be presented and is answered from here");
}

Task<api::CheckFinding> check_deployment(Engine& engine, config::ConfigPtr config, LineageRecord record) {
    if (record.spec->targets.empty()) {
        co_return api::CheckFinding{"targets", "warning",
                                    "The lineage has no target, so nothing checks that its certificate is served",
                                    "Add a target with a verify step"};
    }
    if (!record.live)
        co_return api::CheckFinding{
            "targets", "warning", "The deployment cannot be rehearsed before there is a certificate", {}};
    LineageName name = value_or_fail(LineageName::parse(record.spec->name));
    auto files =
        co_await offload(engine.seams.workers, [&] { return engine.store.read_version(name, record.live->number); });
    if (!files) co_return finding_of("targets", failure(files.error()), {});
    DeployOrder order;
    order.config = std::move(config);
    order.spec = record.spec;
    order.version = record.live->number;
    order.targets = record.spec->targets;
    order.current = record.state.targets;
    co_return finding_of("targets", co_await engine.deployer.rehearse(std::move(order), *files, *record.live),
                         "the deployment was rehearsed with the live certificate");
}

}  // namespace

Task<std::vector<api::CheckFinding>> preflight(Engine& engine, config::ConfigPtr config, LineageRecord record) {
    std::vector<api::CheckFinding> findings;
    Result<void> store = co_await offload(engine.seams.workers, [&] { return engine.store.probe(); });
    findings.push_back(
        finding_of("store.writable", store, fmt::format("{} can be written", engine.store.root().string())));
    for (const CaName& ca : record.spec->cas)
        findings.push_back(co_await check_ca(engine, config->cas.at(ca)));
    findings.push_back(co_await check_challenge(engine, *record.spec));
    findings.push_back(co_await check_deployment(engine, config, record));
    co_return findings;
}

}  // namespace certd
