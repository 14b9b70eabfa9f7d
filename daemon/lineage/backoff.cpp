// The back-off schedules and how an attempt changes the counters.
#include "daemon/lineage/backoff.hpp"

#include "daemon/lineage/plan.hpp"

#include <algorithm>
#include <array>
#include <limits>

namespace certd {

namespace {

constexpr std::array<Duration, 4> issue_steps{minutes(1), minutes(10), minutes(100), days(1)};
constexpr std::array<Duration, 5> deploy_steps{minutes(1), minutes(5), minutes(15), minutes(30), hours(1)};
constexpr Duration longest_wish = days(30);  // of a CA: a Retry-After beyond it is taken for a mistake

template <std::size_t Count>
Duration step_after(const std::array<Duration, Count>& steps, std::uint32_t failures) {
    return steps.at(std::clamp<std::size_t>(failures, 1, Count) - 1);
}

// A certificate of hours cannot wait for days between attempts.
Duration affordable(Duration step, Duration lifetime) {
    if (lifetime <= Duration::zero()) return step;
    return std::min(step, std::max<Duration>(minutes(1), lifetime / 24));
}

// The fraction added depends on the seed alone, or the waits of one lineage would not grow steadily.
Duration jittered(Duration step, const std::string& seed) {
    return step + jitter_for(seed, {}, step / 10);
}

Time not_before_wish(Time time, const Problem& problem, Time now) {
    if (!problem.not_before) return time;
    return std::max(time, std::min(*problem.not_before, saturating_add(now, longest_wish)));
}

Time next_attempt(Duration step, const Problem& problem, Time now, const std::string& seed) {
    Duration wait = problem.retry == Retry::at_once ? Duration(seconds(1)) : jittered(step, seed);
    return not_before_wish(saturating_add(now, wait), problem, now);
}

std::uint32_t one_more(std::uint32_t failures) {
    return failures == std::numeric_limits<std::uint32_t>::max() ? failures : failures + 1;
}

}  // namespace

Time next_issue_attempt(std::uint32_t failures, const Problem& problem, Time now, Duration lifetime,
                        const std::string& seed) {
    Duration step =
        problem.retry == Retry::after_change ? days(1) : affordable(step_after(issue_steps, failures), lifetime);
    return next_attempt(step, problem, now, seed);
}

Time next_deploy_attempt(std::uint32_t failures, const Problem& problem, Time now, const std::string& seed) {
    return next_attempt(step_after(deploy_steps, failures), problem, now, seed);
}

void record_issue_failure(LineageState& state, const CaName& ca, const Problem& problem, Time now, Duration lifetime,
                          const std::string& lineage) {
    CaAttempts& attempts = state.attempts[ca];
    if (problem.retry != Retry::at_once) {
        attempts.failures = one_more(attempts.failures);
        attempts.problem = problem;
        attempts.staging_first = shows_at_staging(problem);
        state.last_problem = problem;
    }
    attempts.last_attempt = now;
    attempts.next_attempt = next_issue_attempt(attempts.failures, problem, now, lifetime, lineage + "/" + ca.text);
}

void record_issue_success(LineageState& state, const CaName& ca, Time now) {
    state.attempts.erase(ca);
    state.last_problem.reset();
    state.last_success = now;
}

bool shows_at_staging(const Problem& problem) {
    constexpr std::array<std::string_view, 5> of_orders = {"acme.badCSR", "acme.badPublicKey", "acme.compound",
                                                           "acme.noChallenge", "acme.orderInvalid"};
    if (problem.kind == ProblemKind::validation || problem.code.starts_with("dns.")) return true;
    return std::ranges::find(of_orders, problem.code) != of_orders.end();
}

void note_policy(LineageState& state, const std::string& digest) {
    if (!state.config_digest.empty() && state.config_digest != digest) {
        state.attempts.clear();
        state.refused_names.clear();
    }
    state.config_digest = digest;
}

}  // namespace certd
