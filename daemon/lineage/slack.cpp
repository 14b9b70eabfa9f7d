// Both schedules, played through to the end of the certificate.
#include "daemon/lineage/slack.hpp"

#include "daemon/lineage/backoff.hpp"

namespace certd {

namespace {

constexpr std::uint32_t most = 1000;

std::uint32_t issue_attempts(const PlanInput& input, Time from, Time end) {
    std::uint32_t failures = 0;
    for (const auto& [ca, attempts] : input.state.attempts)
        failures = std::max(failures, attempts.failures);
    std::uint32_t count = 0;
    for (Time at = from; at < end && count < most; ++count)
        at = next_issue_attempt(++failures, Problem{}, at, input.live->lifetime(), input.spec.name);
    return count;
}

std::uint32_t deploy_attempts(const PlanInput& input, const config::Target& target, Time from, Time end,
                              std::uint32_t enough) {
    std::uint32_t count = 0;
    Time at = config::next_opening(target.maintenance, from);
    while (at < end && count < enough) {
        ++count;
        at = config::next_opening(target.maintenance, next_deploy_attempt(count, Problem{}, at, input.spec.name));
    }
    return count;
}

}  // namespace

std::optional<RenewalSlack> renewal_slack(const PlanInput& input, Time from) {
    if (!input.live) return std::nullopt;
    const Time begin = std::max(from, input.now);
    const Time end = input.live->valid_until();
    RenewalSlack slack;
    slack.issue = issue_attempts(input, begin, end);
    for (const TargetName& name : input.spec.targets) {
        if (input.targets == nullptr) break;
        const auto target = input.targets->find(name);
        if (target == input.targets->end() || target->second.maintenance.empty()) continue;
        const std::uint32_t count = deploy_attempts(input, target->second, begin, end, slack.issue);
        if (slack.deploy && *slack.deploy <= count) continue;
        slack.deploy = count;
        slack.narrowest = name;
    }
    return slack;
}

}  // namespace certd
