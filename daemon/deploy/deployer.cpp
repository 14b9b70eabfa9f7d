#include "daemon/deploy/deployer.hpp"

#include "daemon/deploy/commands.hpp"
#include "daemon/deploy/endpoint_look.hpp"
#include "daemon/deploy/hook_directory.hpp"
#include "daemon/deploy/hook_runner.hpp"
#include "daemon/deploy/order_run.hpp"
#include "daemon/deploy/rehearsal.hpp"
#include "daemon/deploy/rollout_order.hpp"
#include "daemon/deploy/rollout_run.hpp"
#include "daemon/deploy/undo.hpp"
#include "daemon/deploy/verify.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace certd {

struct Deployer::State : DeployShared {};

namespace {

constexpr Duration look_limit = seconds(10);

Event event_of(EventType type, Severity severity, const std::string& lineage, std::uint64_t job, std::string message) {
    Event event;
    event.type = type;
    event.severity = severity;
    event.lineage = lineage;
    event.job = job;
    event.message = std::move(message);
    return event;
}

void tell_started(const EventSink& events, const DeployOrder& order) {
    Event event = event_of(EventType::deploy_started, Severity::info, order.spec->name, order.job,
                           order.places.empty()
                               ? fmt::format("Switching live to version {}", order.version.value)
                               : fmt::format("Deploying version {} to {}", order.version.value, list(order.places)));
    event.data = Json::object({{"version", order.version.value}});
    events(std::move(event));
}

// Nothing was begun: the same problem at every place.
DeployOutcome refuse(DeployShared& shared, const DeployOrder& order, VersionNumber live, const Problem& cause) {
    DeployOutcome outcome;
    outcome.live = live;
    outcome.problem = cause;
    for (const Place& place : order.places.empty() ? std::vector<Place>{{}} : order.places) {
        outcome.targets.push_back(
            failed_state(state_before(order, place), order, cause, shared.clock.now(), HostState::failed));
    }
    Event event = event_of(EventType::deploy_failed, Severity::error, order.spec->name, order.job,
                           fmt::format("Version {} could not be deployed", order.version.value));
    event.problem = cause;
    event.data = Json::object({{"version", order.version.value}});
    shared.events(std::move(event));
    return outcome;
}

// The part of the order on this machine, which `live` belongs to, then each target's hosts. What fails in one place is
// no reason to leave another with the old certificate.
Task<DeployOutcome> deploy_everywhere(const OrderContext& context) {
    std::vector<Place> here;
    std::map<TargetName, std::vector<Place>> elsewhere;
    std::vector<TargetName> sequence;
    for (const Place& place : context.order.places) {
        if (place.is_local()) {
            here.push_back(place);
            continue;
        }
        auto [hosts, first] = elsewhere.try_emplace(place.target);
        hosts->second.push_back(place);
        if (first) sequence.push_back(place.target);
    }
    OrderRun run(context, std::move(here), OrderRun::Live::flips);
    DeployOutcome outcome = co_await run.run();
    for (const TargetName& name : sequence) {
        const config::Target& target = context.order.config->targets.at(name);
        RolloutRun rollout(context, target,
                           in_rollout_order(std::move(elsewhere.at(name)), target.rollout.order, context.lineage.text(),
                                            context.order.version, context.order.current));
        RolloutRun::Outcome ended = co_await rollout.run();
        std::ranges::move(ended.places, std::back_inserter(outcome.targets));
        outcome.complete = outcome.complete && !ended.problem;
        if (!outcome.problem) outcome.problem = std::move(ended.problem);
    }
    co_return outcome;
}

VersionNumber live_of(DeployShared& shared, const std::string& lineage) {
    const auto name = LineageName::parse(lineage);
    if (!name) return {};
    return shared.store.live(*name).value_or(VersionNumber{});
}

}  // namespace

Deployer::Deployer(Clock& clock, Workers& workers, Store& store, Host& local, EventSink events, Hosts* hosts)
    : state_(std::make_shared<State>(DeployShared{clock, workers, store, local, std::move(events), hosts})) {}

std::shared_ptr<Announcement> Deployer::announce(const config::Config& config, const std::vector<Place>& places) {
    auto announcement = std::make_shared<Announcement>();
    for (const Place& place : places) {
        if (const auto target = config.targets.find(place.target); target != config.targets.end())
            announcement->add(state_->round(target->second, place));
    }
    return announcement;
}

Task<DeployOutcome> Deployer::deploy(DeployOrder order) {
    const auto state = state_;
    tell_started(state->events, order);
    std::optional<Problem> cause = unknown_place(*state, order);
    if (!cause) {
        auto context = co_await prepare(*state, order);
        if (context) co_return co_await deploy_everywhere(*context);
        cause = context.error();
    }
    const auto live = co_await offload(state->workers, [&] { return live_of(*state, order.spec->name); });
    co_return refuse(*state, order, live, *cause);
}

Task<Result<std::vector<RehearsedPlace>>> Deployer::rehearse(DeployOrder order, VersionFiles files,
                                                             VersionFacts facts) {
    const auto state = state_;
    co_return co_await rehearse_order(*state, std::move(order), std::move(files), std::move(facts));
}

Task<Looked> Deployer::look(config::ConfigPtr config, Place place, VersionFacts live) {
    const auto state = state_;
    const config::Target& configured = config->targets.at(place.target);
    const ReloadRound::Member member = co_await state->round(configured, place).enter();
    const std::shared_ptr<Host> host = state->open(configured, place, {});
    VerifyRequest request;
    request.expected = expected_of(configured, live);
    request.object = fmt::format("version {}", live.number.value);
    request.timeout = std::min<Duration>(configured.verify.timeout, look_limit);
    request.interval = configured.verify.interval;
    Verification seen = co_await verify_served(state->clock, *host, std::move(request));
    Looked looked;
    looked.fingerprint = std::move(seen.served);
    if (seen.problem) looked.kind = looked.fingerprint.empty() ? Looked::Kind::unreachable : Looked::Kind::other;
    looked.problem = std::move(seen.problem);
    co_return looked;
}

Task<Result<std::vector<std::vector<EndpointSight>>>> Deployer::watch(config::ConfigPtr config, TargetName target,
                                                                      std::vector<config::VerifyAddress> addresses,
                                                                      LineageName lineage, VersionFacts live) {
    const auto state = state_;
    EndpointLook look(*state, config->targets.at(target).verify, std::move(lineage), std::move(live));
    co_return co_await look.at(std::move(addresses));
}

Task<> Deployer::recover(LineageName lineage, config::ConfigPtr config) {
    const auto state = state_;
    co_await undo_interrupted(*state, std::move(lineage), std::move(config));
}

Task<Result<void>> Deployer::run_hooks(std::vector<config::Hook> hooks, std::string what, HookContext context) {
    const auto state = state_;
    HookFacts facts;
    facts.event = what;
    facts.lineage = context.lineage.text();
    facts.lineage_path = state->store.live_path(context.lineage).string();
    facts.names = context.names;
    facts.version = std::move(context.version);
    facts.job = context.job;
    for (const auto& hook : hooks) {
        HookSubject subject{what, fmt::format("The {} hook", what), "hook.failed", {context.lineage.text()}};
        subject.job = context.job;
        auto done =
            co_await run_hook(state->clock, state->host, state->events, hook_command(hook, facts), std::move(subject));
        if (!done) co_return done;
    }
    co_return Result<void>{};
}

Task<Result<void>> Deployer::check_scripts(config::RenewalHooks hooks) {
    const auto state = state_;
    co_return co_await offload(state->workers, [&]() -> Result<void> {
        for (const char* kind : {"pre", "deploy", "post"}) {
            if (auto scripts = hook_scripts(hooks, kind); !scripts) return failure(scripts.error());
        }
        return {};
    });
}

namespace {

// All of them when `each`, else up to the first that fails; the first failure.
Task<Result<void>> run_scripts(DeployShared& shared, config::RenewalHooks hooks, HookSubject subject,
                               std::vector<std::string> environment, bool each) {
    const auto scripts = co_await offload(shared.workers, [&] { return hook_scripts(hooks, subject.hook); });
    if (!scripts) co_return failure(scripts.error());
    Result<void> all;
    for (const HookScript& script : *scripts) {
        auto done = co_await run_hook(shared.clock, shared.host, shared.events,
                                      script_command(hooks, script, environment), subject);
        if (all && !done) all = std::move(done);
        if (!all && !each) break;
    }
    co_return all;
}

HookSubject about_round(std::string kind, Deployer::ScriptContext context) {
    std::string text = fmt::format("The {} hook", kind);
    return {std::move(kind), std::move(text), "hook.failed", std::move(context.lineages), {}, context.job};
}

}  // namespace

Task<Result<void>> Deployer::run_pre(config::RenewalHooks hooks, ScriptContext context) {
    const auto state = state_;
    co_return co_await run_scripts(*state, std::move(hooks), about_round("pre", std::move(context)),
                                   round_environment("pre"), false);
}

Task<Result<void>> Deployer::run_post(HookRound round, ScriptContext context) {
    const auto state = state_;
    auto environment = round_environment("post", round.renewed_domains(), round.failed_domains());
    co_return co_await run_scripts(*state, std::move(round.hooks), about_round("post", std::move(context)),
                                   std::move(environment), true);
}

}  // namespace certd
