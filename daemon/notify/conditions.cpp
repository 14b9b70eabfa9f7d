// One function per kind of trouble.
#include "daemon/notify/conditions.hpp"

#include "daemon/notify/target_conditions.hpp"
#include "libacme/base/text.hpp"

#include <algorithm>

#include <fmt/format.h>

namespace certd {

namespace {

constexpr std::uint32_t failures_to_tell = 2;       // the first one is often gone a minute later
constexpr Duration longest_queue = hours(1);        // from due to started
constexpr Duration longest_job = hours(2);          // without the pauses of its rollouts
constexpr Duration longest_patience = minutes(10);  // with a job before what it has done so far is told
constexpr std::string_view wants_action = "acme.userActionRequired";

std::string stamp(Time time) {
    return format_rfc3339(std::chrono::floor<seconds>(time));
}

std::string when(Time at, Time now) {
    return at <= now ? "now" : fmt::format("at {} (in {})", stamp(at), format_approximate(at - now));
}

std::string served_sentence(const VersionFacts* live, Time now) {
    if (live == nullptr) return "no certificate yet";
    Time until = live->valid_until();
    return until <= now ? fmt::format("version {}, which expired at {}", live->number.value, stamp(until))
                        : fmt::format("version {}, valid until {} ({} left)", live->number.value, stamp(until),
                                      format_approximate(until - now));
}

std::string next_sentence(const LineageSight& sight, Time now) {
    const Plan& plan = sight.plan;
    if (sight.running) return fmt::format("certd is at work: {}", sight.running->step);
    if (sight.state.paused) return fmt::format("nothing, until `certctl resume {}`", sight.spec.name);
    if (plan.action == Action::issue)
        return fmt::format("a certificate is ordered{} {}", plan.ca ? " from " + plan.ca->text : "",
                           when(plan.at, now));
    if (plan.action == Action::deploy)
        return fmt::format("version {} is deployed {}", plan.version.value, when(plan.at, now));
    return "nothing is planned";
}

// The attempts at one of the lineage's CAs that say most about why it has no new certificate.
struct Failing {
    CaName ca;
    const CaAttempts* attempts = nullptr;
};
Failing failing_of(const LineageSight& sight) {
    Failing worst;
    for (const CaName& ca : sight.spec.cas) {
        auto found = sight.state.attempts.find(ca);
        if (found == sight.state.attempts.end() || found->second.failures == 0 || !found->second.problem) continue;
        const CaAttempts& attempts = found->second;
        if (sight.state.last_success && attempts.last_attempt && *attempts.last_attempt <= *sight.state.last_success)
            continue;
        if (worst.attempts == nullptr || attempts.failures > worst.attempts->failures) worst = {ca, &attempts};
    }
    return worst;
}

bool is_urgent(const LineageSight& sight, Time now) {
    return sight.live != nullptr && emergency_point(*sight.live) <= now;
}

// The CA is the cause, and an incident of its own.
bool is_explained(const Failing& failing, const Causes& causes) {
    if (causes.suspended.contains(failing.ca)) return failing.attempts->problem->code == wants_action;
    ProblemKind kind = failing.attempts->problem->kind;
    bool unanswered = kind == ProblemKind::network || kind == ProblemKind::tls;
    return unanswered && (causes.down.contains(failing.ca) || causes.silent.contains(failing.ca));
}

std::optional<Condition> renewal_condition(const LineageSight& sight, const Causes& causes, Time now) {
    Failing failing = failing_of(sight);
    if (failing.attempts == nullptr) return std::nullopt;
    bool blocked = failing.attempts->problem->retry == Retry::after_change;
    bool urgent = is_urgent(sight, now);
    bool worth_telling = blocked || urgent || sight.live == nullptr || failing.attempts->failures >= failures_to_tell;
    if (!worth_telling) return std::nullopt;
    Condition condition;
    condition.consequence = is_explained(failing, causes) && !urgent;
    condition.key = lineage_key(sight.spec.name, "renewal");
    condition.kind = blocked ? IncidentKind::blocked : IncidentKind::renewal;
    condition.severity = urgent ? Severity::critical : blocked ? Severity::error : Severity::warning;
    condition.title = blocked ? fmt::format("renewal at {} is blocked until somebody acts", failing.ca.text)
                              : fmt::format("renewal at {} fails", failing.ca.text);
    condition.resolved = "renewal works again";
    condition.problem = failing.attempts->problem;
    return condition;
}

std::optional<Condition> expiry_condition(const LineageSight& sight, Time now) {
    if (!is_urgent(sight, now)) return std::nullopt;
    Time until = sight.live->valid_until();
    bool expired = until <= now;
    Condition condition;
    condition.key = lineage_key(sight.spec.name, "expiry");
    condition.kind = expired ? IncidentKind::expired : IncidentKind::expiring;
    condition.severity = expired ? Severity::critical : Severity::error;
    condition.title = expired ? "the certificate has expired" : "the certificate expires soon and is not renewed";
    condition.resolved = "the certificate is renewed";
    std::string facts = fmt::format("Version {} is valid until {}", sight.live->number.value, stamp(until));
    condition.problem =
        expired ? problem("lineage.expired", std::move(facts)) : problem("lineage.expiring", std::move(facts));
    if (sight.plan.problem) condition.problem->parts.push_back(*sight.plan.problem);
    return condition;
}

Duration pauses_of(const LineageSight& sight) {
    Duration total{};
    if (sight.targets == nullptr) return total;
    for (const TargetName& name : sight.spec.targets) {
        auto target = sight.targets->find(name);
        if (target == sight.targets->end()) continue;
        total += target->second.rollout.pause_between * static_cast<int>(target->second.hosts.size());
    }
    return total;
}

std::optional<Condition> progress_condition(const LineageSight& sight, Time now, Time watched_since) {
    const Plan& plan = sight.plan;
    Condition condition;
    condition.key = lineage_key(sight.spec.name, "progress");
    condition.kind = IncidentKind::stalled;
    condition.severity = Severity::error;
    condition.resolved = "makes progress again";
    if (sight.running) {
        Duration took = now - sight.running->since;
        if (took < longest_job + pauses_of(sight)) return std::nullopt;
        condition.title = "a job does not come to an end";
        condition.problem =
            problem("schedule.longJob", fmt::format("The job runs since {}", stamp(sight.running->since)));
    } else if (sight.state.paused) {
        if (sight.live == nullptr || renewal_time(*sight.live, sight.spec.name, sight.jitter_limit) > now)
            return std::nullopt;
        condition.severity = Severity::warning;
        condition.title = "paused although it is due for renewal";
        condition.problem = problem("lineage.paused", "Nothing is done for the lineage");
    } else {
        bool late =
            plan.action != Action::none && saturating_add(std::max(plan.at, watched_since), longest_queue) <= now;
        if (!late) return std::nullopt;
        condition.title = "what is due is not started";
        condition.problem = problem("schedule.notStarted", fmt::format("It was due at {}", stamp(plan.at)));
    }
    return condition;
}

// A clock that cannot be right is one incident, however many lineages show it.
std::optional<Condition> clock_condition(const LineageSight& sight) {
    if (!sight.plan.problem || sight.plan.problem->code != "schedule.clock") return std::nullopt;
    Condition condition;
    condition.key = clock_key;
    condition.kind = IncidentKind::clock;
    condition.severity = Severity::error;
    condition.title = "this machine's clock is wrong";
    condition.resolved = "the clock is right again";
    condition.problem = sight.plan.problem;
    return condition;
}

std::optional<Condition> attention_condition(const LineageSight& sight) {
    const Plan& plan = sight.plan;
    bool told_otherwise = plan.state != State::waiting || failing_of(sight).attempts != nullptr;
    if (plan.health == Health::ok || told_otherwise || !plan.problem) return std::nullopt;
    Condition condition;
    condition.key = lineage_key(sight.spec.name, "attention");
    condition.kind = IncidentKind::attention;
    condition.severity = plan.health == Health::critical ? Severity::critical : Severity::warning;
    condition.title = "needs attention";
    condition.resolved = "is as it should be again";
    condition.problem = plan.problem;
    return condition;
}

}  // namespace

std::string lineage_key(const std::string& lineage, std::string_view rest) {
    return fmt::format("lineage/{}/{}", lineage, rest);
}

std::string delivery_key(const std::string& notifier) {
    return "notify/" + notifier;
}

Causes causes_of(const DaemonSight& daemon) {
    Causes causes;
    for (const auto& [ca, health] : daemon.ca_health) {
        if (is_down(health)) causes.down.insert(ca);
        if (health.failures > 0) causes.silent.insert(ca);
    }
    return causes;
}

void add_causes(Causes& causes, const LineageState& state) {
    for (const auto& [ca, attempts] : state.attempts) {
        if (attempts.failures > 0 && attempts.problem && attempts.problem->code == wants_action)
            causes.suspended.insert(ca);
    }
}

std::vector<Condition> lineage_conditions(const LineageSight& sight, const Causes& causes, Time now,
                                          Time watched_since) {
    if (std::optional<Condition> clock = clock_condition(sight)) return {*std::move(clock)};
    std::vector<Condition> conditions = target_conditions(sight);
    // How a deployment that is being tried ends, and what comes then, is known in a moment.
    bool trying = sight.running && now - sight.running->since < longest_patience;
    for (Condition& condition : conditions)
        condition.consequence = trying && condition.kind != IncidentKind::served;
    auto add = [&](std::optional<Condition> condition) {
        if (condition) conditions.push_back(*std::move(condition));
    };
    add(renewal_condition(sight, causes, now));
    add(expiry_condition(sight, now));
    add(progress_condition(sight, now, watched_since));
    if (conditions.empty()) add(attention_condition(sight));
    for (Condition& condition : conditions) {
        condition.lineage = sight.spec.name;
        if (condition.served.empty()) condition.served = served_sentence(sight.live, now);
        if (sight.live != nullptr) condition.served_until = sight.live->valid_until();
        condition.next = next_sentence(sight, now);
    }
    return conditions;
}

std::vector<Condition> daemon_conditions(const DaemonSight& daemon, const Causes& causes, Time now) {
    std::vector<Condition> conditions;
    for (const CaName& ca : causes.down) {
        const CaHealth& health = daemon.ca_health.at(ca);
        Condition condition;
        condition.key = "ca/" + ca.text;
        condition.kind = IncidentKind::ca;
        condition.severity = Severity::error;
        condition.title = fmt::format("{} does not answer", ca.text);
        condition.resolved = fmt::format("{} answers again", ca.text);
        condition.problem = health.problem;
        condition.next = fmt::format("one lineage asks for all {}; those with another CA go there",
                                     when(rests_until(health, now), now));
        conditions.push_back(std::move(condition));
    }
    for (const CaName& ca : causes.suspended) {
        Condition condition;
        condition.key = fmt::format("ca/{}/account", ca.text);
        condition.kind = IncidentKind::account;
        condition.severity = Severity::critical;
        condition.title = fmt::format("{} wants something done before it issues again", ca.text);
        condition.resolved = fmt::format("{} issues again", ca.text);
        condition.problem = problem(wants_action, fmt::format("No orders are placed at {}", ca.text));
        condition.next = "it is tried again once a day, and after `certctl resume NAME`";
        conditions.push_back(std::move(condition));
    }
    if (daemon.config_problem) {
        Condition condition;
        condition.key = "config";
        condition.kind = IncidentKind::config;
        condition.severity = Severity::error;
        condition.title = "the configuration on disk was refused";
        condition.resolved = "the configuration on disk is in force";
        condition.problem = daemon.config_problem;
        condition.next = "the one before stays in force; `certctl reload` tries again";
        conditions.push_back(std::move(condition));
    }
    if (daemon.since_last_pass >= longest_silence) {
        Condition condition;
        condition.key = "scheduler";
        condition.kind = IncidentKind::stalled;
        condition.severity = Severity::critical;
        condition.title = "certd makes no progress";
        condition.resolved = "certd makes progress again";
        condition.problem = problem("schedule.stuck", fmt::format("The timetable was last looked at {} ago",
                                                                  format_approximate(daemon.since_last_pass)));
        conditions.push_back(std::move(condition));
    }
    return conditions;
}

}  // namespace certd
