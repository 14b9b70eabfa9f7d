#include "daemon/deploy/target_deployment.hpp"

#include "daemon/deploy/commands.hpp"
#include "daemon/deploy/encoding.hpp"
#include "daemon/deploy/haproxy_reload.hpp"
#include "daemon/deploy/hook_directory.hpp"
#include "daemon/deploy/hook_runner.hpp"
#include "daemon/deploy/owner.hpp"
#include "daemon/deploy/parts.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace certd {

namespace {

constexpr Duration look_limit = seconds(10);  // at what is served before anything changes

StepReport badly(Problem cause) {
    return {Transaction::Ended::badly, std::move(cause), std::nullopt};
}

}  // namespace

StepReport StepReport::of(Result<void> result) {
    return result ? StepReport{} : badly(std::move(result).error());
}

Problem install_problem(const Place& place, const Problem& cause) {
    if (cause.code == "deploy.install") return cause;
    Problem result = problem("deploy.install",
                             fmt::format("Cannot install the files of {}: {}", text(place), cause.what), cause.remote);
    result.hint = cause.hint;
    result.parts.push_back(cause);
    return result;
}

Result<std::vector<InstalledFile>> files_for(const config::Target& target, const VersionFiles& files,
                                             const VersionFacts& facts) {
    std::vector<InstalledFile> all;
    for (const auto& step : target.install) {
        auto of_key = files_of(step, files, facts.key_type);
        if (!of_key) return failure(of_key.error());
        auto content = encoded(step, **of_key);
        if (!content) return failure(content.error());
        InstalledFile file{step.path, *std::move(content), {}};
        if (!target.hosts.empty()) {
            file.attributes.mode = step.mode;
            file.owner_name = step.owner.value_or("");
            file.group_name = step.group.value_or("");
        } else {
            auto attributes = attributes_of(step);
            if (!attributes) return failure(attributes.error());
            file.attributes = *attributes;
        }
        all.push_back(std::move(file));
    }
    return all;
}

TargetDeployment::TargetDeployment(const OrderContext& context, const config::Target& target, Place place)
    : context_(context),
      target_(target),
      place_(std::move(place)),
      host_(context.shared.open(target, place_,
                                {context.lineage.text(), target.name, context.order.version,
                                 context.order.manual_rollback || context.order.backwards})),
      round_(context.shared.round(target, place_)) {}

TargetShape shape_of(const config::Target& target) {
    return {!target.install.empty(), !target.exec.empty() || !target.renewal_hooks.empty(), !target.test.empty(),
            !target.reload.empty(), !target.verify.addresses.empty()};
}

Task<StepReport> TargetDeployment::perform(DeployStep step) {
    Store& store = context_.shared.store;
    Workers& workers = context_.shared.workers;
    const auto& lineage = context_.lineage;
    switch (step) {
        case DeployStep::back_up:
            co_return co_await back_up();
        case DeployStep::flip_live:
            co_return StepReport::of(
                co_await offload(workers, [&] { return store.set_live(lineage, context_.order.version); }));
        case DeployStep::install:
            co_return co_await install();
        case DeployStep::exec:
            co_return co_await exec(false);
        case DeployStep::test:
            co_return co_await test();
        case DeployStep::reload:
            co_return StepReport::of(co_await take_up(expected_of(target_, context_.facts), [this] {
                return round_.reload(context_.shared.clock, member_, [this] { return reload(); });
            }));
        case DeployStep::reload_restored:
            co_return StepReport::of(
                co_await round_.alone([this] { return take_up(seen_before_, [this] { return reload(); }); }));
        case DeployStep::verify:
            co_return co_await verify();
        case DeployStep::restore:
            co_return StepReport::of(co_await round_.alone([this] { return put_back(*host_, journal_.backups); }));
        case DeployStep::unflip_live:
            co_return StepReport::of(co_await offload(workers, [&]() -> Result<void> {
                const auto live = store.live(lineage);
                if (live && *live == context_.previous) return {};
                return store.set_live(lineage, context_.previous);
            }));
        case DeployStep::exec_restored:
            co_return co_await exec(true);
        case DeployStep::verify_restored:
            co_return co_await verify_restored();
        case DeployStep::commit:
        case DeployStep::close:
            co_return co_await drop_journal();
        case DeployStep::done:
            break;
    }
    co_return StepReport{};
}

Task<StepReport> TargetDeployment::back_up() {
    member_ = co_await round_.enter();
    if (context_.order.announcement) context_.order.announcement->arrived(round_);
    auto resolved = co_await resolve_files();
    if (!resolved) co_return badly(install_problem(place_, resolved.error()));
    std::vector<std::string> paths;
    for (const auto& file : files_)
        paths.push_back(file.path);
    auto backups = co_await read_backups(*host_, paths);
    if (!backups) co_return badly(install_problem(place_, backups.error()));
    auto left_over = co_await left_over_journal();
    if (!left_over) co_return badly(install_problem(place_, left_over.error()));
    // What `live` names at this moment: once an earlier target of the order has committed, a crash must not take it
    // back.
    auto live = co_await offload(context_.shared.workers, [&] { return context_.shared.store.live(context_.lineage); });
    if (!live) co_return badly(install_problem(place_, live.error()));
    journal_ = {target_.name, context_.order.version, *live, std::move(*backups), place_.host};
    if (*left_over) journal_.backups = prefer_older(std::move(journal_.backups), (*left_over)->backups);
    seen_before_ = co_await look_at(context_.shared.clock, *host_, endpoints_before(),
                                    std::min(look_limit, target_.verify.timeout));
    co_return co_await save_journal();
}

// Also where the previous version had a kind of certificate that the new one has not.
std::vector<Endpoint> TargetDeployment::endpoints_before() const {
    std::vector<Endpoint> endpoints;
    const auto add = [&](const VersionFacts& facts) {
        for (auto& expected : expected_of(target_, facts)) {
            if (std::ranges::find(endpoints, expected.endpoint) == endpoints.end())
                endpoints.push_back(std::move(expected.endpoint));
        }
    };
    add(context_.facts);
    if (context_.previous_facts && !context_.previous_facts->further.empty()) add(*context_.previous_facts);
    return endpoints;
}

Task<StepReport> TargetDeployment::save_journal() {
    // From here on a crash is undone by recover(); nothing has been changed yet.
    auto saved = co_await offload(
        context_.shared.workers, [&] { return context_.shared.store.save_deploy_journal(context_.lineage, journal_); });
    if (!saved) co_return badly(install_problem(place_, saved.error()));
    StepReport report;
    report.before = before();
    co_return report;
}

Before TargetDeployment::before() const {
    if (journal_.backups.empty()) return {Before::Paths::none, false};
    if (none_existed(journal_.backups)) return {Before::Paths::absent, false};
    const Time now = context_.shared.clock.now();
    // The rule of OrderContext::expired, asked of "now" as the old certificate's end.
    return {Before::Paths::present, held_expired(now) && context_.expired(now)};
}

// A keystore does not show what is in it: there it was the version before.
bool TargetDeployment::held_expired(Time now) const {
    const auto is_keystore = [](const config::InstallStep& step) { return step.part == config::Part::pkcs12; };
    const bool hidden = std::ranges::any_of(target_.install, is_keystore);
    const auto& previous = context_.previous_facts;
    return holds_expired(journal_.backups, now) || (hidden && previous && previous->valid_until() <= now);
}

Task<Result<std::optional<DeployJournal>>> TargetDeployment::left_over_journal() {
    auto journals = co_await offload(context_.shared.workers,
                                     [&] { return context_.shared.store.deploy_journals(context_.lineage); });
    // A journal that cannot be read must not block deployments for ever; the one of this deployment replaces it.
    if (!journals && journals.error().code == "storage.corrupt") co_return std::nullopt;
    if (!journals) co_return failure(journals.error());
    for (auto& journal : *journals) {
        if (journal.place() == place_) co_return std::move(journal);
    }
    co_return std::nullopt;
}

Task<Result<void>> TargetDeployment::resolve_files() {
    auto files =
        co_await offload(context_.shared.workers, [&] { return files_for(target_, context_.files, context_.facts); });
    if (!files) co_return failure(files.error());
    files_ = std::move(*files);
    co_return Result<void>{};
}

Task<StepReport> TargetDeployment::install() {
    auto installed = co_await host_->install(files_);
    if (!installed) co_return badly(install_problem(place_, installed.error()));
    co_return StepReport{};
}

Task<StepReport> TargetDeployment::exec(bool restoring) {
    auto facts = co_await offload(context_.shared.workers, [&] { return hook_facts(restoring); });
    if (!facts) co_return badly(facts.error());
    if (!target_.renewal_hooks.empty()) co_return co_await run_scripts(*std::move(facts));
    for (const auto& hook : target_.exec) {
        Command command = hook_command(hook, *facts);
        if (hook.input == config::HookInput::bundle) {
            auto input = co_await offload(context_.shared.workers, [&] { return bundle_for(*facts); });
            if (!input) co_return badly(input.error());
            command.input = *std::move(input);
        }
        auto report = co_await run_hook(std::move(command), "exec", subject("The exec command"));
        if (report.problem) co_return report;
    }
    co_return StepReport{};
}

// The deploy scripts of a hook directory, which certbot tells by their environment alone.
Task<StepReport> TargetDeployment::run_scripts(HookFacts facts) {
    const auto scripts =
        co_await offload(context_.shared.workers, [&] { return hook_scripts(target_.renewal_hooks, "deploy"); });
    if (!scripts) {
        Problem cause =
            problem("deploy.exec", "The deploy hooks cannot be run: " + scripts.error().what, scripts.error().remote);
        cause.hint = scripts.error().hint;
        cause.parts.push_back(scripts.error());
        co_return badly(std::move(cause));
    }
    for (const HookScript& script : *scripts) {
        auto report = co_await run_hook(script_command(target_.renewal_hooks, script, hook_environment(facts)),
                                        "deploy", "The deploy hook");
        if (report.problem) co_return report;
    }
    co_return StepReport{};
}

Task<StepReport> TargetDeployment::run_hook(Command command, std::string hook, std::string subject) {
    HookSubject about{std::move(hook), std::move(subject), "deploy.exec", {context_.lineage.text()}, place_};
    about.job = context_.order.job;
    co_return StepReport::of(co_await certd::run_hook(context_.shared.clock, *host_, context_.shared.events,
                                                      std::move(command), std::move(about)));
}

// With the files of the version that the command is about.
Result<std::string> TargetDeployment::bundle_for(const HookFacts& facts) {
    if (facts.version->number == context_.facts.number) return bundle_input(facts, context_.files);
    const auto files = context_.shared.store.read_version(context_.lineage, facts.version->number);
    if (!files) return failure(files.error());
    return bundle_input(facts, *files);
}

// On the way back the commands make again what they had made of the previous version, so there must be one.
Result<HookFacts> TargetDeployment::hook_facts(bool restoring) {
    HookFacts facts;
    facts.event = restoring ? "restore" : "deploy";
    facts.lineage = context_.lineage.text();
    facts.version = restoring ? context_.previous_facts : context_.facts;
    if (!facts.version)
        return failure("deploy.exec",
                       subject("The exec command") + " cannot be run again: there is no previous version");
    const auto live = context_.shared.store.live(context_.lineage);
    const bool live_names_it = live && *live == facts.version->number;
    facts.lineage_path =
        live_names_it ? context_.shared.store.live_path(context_.lineage).string()
                      : context_.shared.store.version_directory(context_.lineage, facts.version->number).string();
    facts.names = facts.version->names;
    facts.target = target_.name.text;
    facts.host = place_.host;
    facts.job = context_.order.job;
    return facts;
}

Task<StepReport> TargetDeployment::test() {
    co_return co_await run(plain_command(target_.test, target_.command_timeout), "deploy.test",
                           subject("The test command"));
}

// Over haproxy's runtime API, where it is configured, else or should that fail by the reload.
Task<Result<void>> TargetDeployment::take_up(std::vector<Expected> expected, ReloadRound::Run reload) {
    if (target_.reload.haproxy.empty()) co_return co_await reload();
    const Duration begun = context_.shared.clock.monotonic();
    auto taken = co_await take_up_by_haproxy(context_.shared.clock, *host_, target_, std::move(expected));
    if (taken) {
        const Duration took = context_.shared.clock.monotonic() - begun;
        context_.tell(EventType::deploy_step, Severity::info, place_,
                      fmt::format("haproxy took up the files of {} without a reload", text(place_)),
                      Json::object({{"step", "haproxy"}, {"within_step", true}, {"took_ms", took.count()}}));
        co_return taken;
    }
    const Problem& cause = taken.error();
    if (!target_.reload.runs_program()) {
        Problem failed =
            problem("deploy.reload",
                    fmt::format("haproxy did not take up the files of {}: {}", text(place_), cause.what), cause.remote);
        failed.hint = cause.hint;
        failed.parts.push_back(cause);
        co_return failure(std::move(failed));
    }
    context_.tell(
        EventType::deploy_step, Severity::warning, place_,
        fmt::format("haproxy did not take up the files of {} by its runtime API and is reloaded", text(place_)),
        Json::object({{"step", "haproxy-fallback"}, {"within_step", true}}), cause);
    auto reloaded = co_await reload();
    if (!reloaded) reloaded.error().parts.push_back(cause);
    co_return reloaded;
}

Task<Result<void>> TargetDeployment::reload() {
    for (auto& command : reload_commands(target_.reload, target_.command_timeout)) {
        auto report = co_await run(command, "deploy.reload", subject("The reload command"));
        if (report.problem) co_return failure(std::move(*report.problem));
    }
    co_return Result<void>{};
}

Task<StepReport> TargetDeployment::verify() {
    VerifyRequest request;
    request.expected = expected_of(target_, context_.facts);
    request.object = fmt::format("version {}", context_.order.version.value);
    request.timeout = target_.verify.timeout;
    request.interval = target_.verify.interval;
    auto seen = co_await verify_served(context_.shared.clock, *host_, request);
    served_ = seen.served;
    if (seen.problem) co_return badly(*seen.problem);
    verified_at_ = context_.shared.clock.now();
    context_.tell(EventType::deploy_verified, Severity::info, place_,
                  fmt::format("{} serves version {}", text(place_), context_.order.version.value),
                  Json::object({{"fingerprint_sha256", served_}, {"endpoints", request.expected.size()}}));
    co_return StepReport{};
}

Task<StepReport> TargetDeployment::verify_restored() {
    if (seen_before_.empty()) co_return StepReport{Transaction::Ended::unknown, std::nullopt, std::nullopt};
    VerifyRequest request{seen_before_, "the old certificate", target_.verify.timeout, target_.verify.interval};
    auto seen = co_await verify_served(context_.shared.clock, *host_, request);
    served_ = seen.served;
    if (seen.problem) co_return badly(*seen.problem);
    verified_at_ = context_.shared.clock.now();
    co_return StepReport{};
}

Task<StepReport> TargetDeployment::drop_journal() {
    auto dropped = co_await offload(
        context_.shared.workers, [&] { return context_.shared.store.drop_deploy_journal(context_.lineage, place_); });
    if (!dropped) co_return badly(install_problem(place_, dropped.error()));
    co_return StepReport{};
}

Task<StepReport> TargetDeployment::run(Command command, std::string code, std::string subject) {
    const std::string said = command_text(command.argv);
    auto output = co_await run_checked(*host_, std::move(command), std::move(code), std::move(subject));
    if (!output) co_return badly(output.error());
    if (!output->empty()) {
        context_.tell(EventType::deploy_step, Severity::debug, place_, said + " said something",
                      Json::object({{"command", said}, {"output", *output}}));
    }
    co_return StepReport{};
}

std::string TargetDeployment::subject(std::string_view what) const {
    return fmt::format("{} of {}", what, text(place_));
}

}  // namespace certd
