// Due time, CA choice and back-off of the next issue.
#include "daemon/lineage/issue_need.hpp"

#include "daemon/lineage/ari.hpp"
#include "daemon/lineage/challenge_order.hpp"
#include "libacme/base/text.hpp"

#include <algorithm>

#include <fmt/format.h>

namespace certd {

namespace {

constexpr std::uint32_t failures_before_next_ca = 3;

const VersionFacts* newest_of(const PlanInput& input) {
    if (input.newest) return &*input.newest;
    return input.live ? &*input.live : nullptr;
}

bool is_rejected(const PlanInput& input, VersionNumber number) {
    return std::ranges::find(input.state.rejected, number) != input.state.rejected.end();
}

// A CA whose certificates are past their renewal time when they are issued must not be asked in a tight loop.
Time earliest_reissue(const VersionFacts& facts) {
    Duration remaining = facts.not_after - facts.issued_at;
    return saturating_add(facts.issued_at, std::clamp<Duration>(remaining / 2, minutes(1), days(1)));
}

struct Due {
    Time at;
    std::vector<std::string> reasons;
};

// The rules that want a certificate at once, whatever the age of the newest.
std::vector<std::string> reasons_for_now(const PlanInput& input, const VersionFacts& newest) {
    std::vector<std::string> reasons;
    if (input.state.renew_requested) reasons.emplace_back("renewal requested");
    if (std::string changes = name_changes(input.spec, newest); !changes.empty()) {
        reasons.push_back("names changed: " + changes);
    }
    if (newest.key_type != input.spec.key) {
        reasons.push_back(
            fmt::format("key type changed: {} instead of {}", to_string(input.spec.key), to_string(newest.key_type)));
    }
    return reasons;
}

std::string date(Time time) {
    return format_rfc3339(std::chrono::floor<seconds>(time));
}

// RFC 9773 §4.2: the instant drawn from the CA's window; in the past it means now.
Due due_by_window(const AriWindow& window, const VersionFacts& newest) {
    std::string text =
        fmt::format("the CA suggests a time in its window {} to {}", date(window.start), date(window.end));
    Due due{suggested_time(window, newest), {}};
    if (due.at < window.selected) {
        due.reasons.push_back("1/6 of the lifetime left, although " + text);
    } else {
        due.reasons.push_back(std::move(text));
    }
    if (!window.moved_earlier && window.explanation_url.empty()) return due;
    std::string note = window.moved_earlier ? "the CA moved its window earlier" : "the CA explains its window";
    if (!window.explanation_url.empty()) note += ": see " + window.explanation_url;
    due.reasons.push_back(std::move(note));
    return due;
}

Due due_by_lifetime(const PlanInput& input, const VersionFacts& newest) {
    return {renewal_time(newest, input.spec.name, input.jitter_limit),
            {is_short_lived(newest) ? "1/2 of the lifetime" : "2/3 of the lifetime"}};
}

Due due_by_age(const PlanInput& input, const VersionFacts& newest) {
    const AriWindow* window = window_of(input.state, newest);
    Due due = window ? due_by_window(*window, newest) : due_by_lifetime(input, newest);
    if (Time earliest = earliest_reissue(newest); due.at < earliest) {
        due.at = earliest;
        due.reasons.emplace_back("a certificate just issued is not replaced at once");
    }
    if (!input.live || (!input.state.held && !is_rejected(input, newest.number))) return due;

    // What is served is older than `newest` and stays so until the next issue.
    Time served = input.state.held ? emergency_point(*input.live)
                                   : renewal_time(*input.live, input.spec.name, input.jitter_limit);
    if (served < due.at) {
        due = {served,
               {fmt::format("version {}, which is live, {}", input.live->number.value,
                            input.state.held ? "has 1/6 of its lifetime left" : "has reached its renewal time")}};
    }
    if (input.state.held) {
        due.reasons.emplace_back(
            "held after a manual rollback: the version rolled back from is not deployed again, the next "
            "renewal issues a new one");
    }
    return due;
}

bool is_late(const PlanInput& input, const VersionFacts& newest, Time due) {
    Duration tolerance = std::max(days(1), newest.lifetime() / 30);
    return input.now > saturating_add(due, tolerance);
}

// Attempts under the configuration in force; a change of it clears back-off.
class Attempts {
   public:
    explicit Attempts(const PlanInput& input)
        : input_(input),
          void_(!input.state.attempts.empty() && !input.state.config_digest.empty() &&
                input.state.config_digest != policy_digest(input.spec)) {}

    const CaAttempts& at(const CaName& ca) const {
        static const CaAttempts none;
        auto found = input_.state.attempts.find(ca);
        return void_ || found == input_.state.attempts.end() ? none : found->second;
    }

    // When `ca` may be asked, at the earliest: by back-off, which stops at the emergency point of what is served unless
    // the CA itself asked for more, or the one attempt at that point has been made.
    Time ask_time(const CaName& ca) const {
        const CaAttempts& attempts = at(ca);
        if (!attempts.next_attempt) return Time::min();
        if (!input_.live) return *attempts.next_attempt;
        Time emergency = emergency_point(*input_.live);
        if (attempts.last_attempt.value_or(Time::min()) >= emergency) return *attempts.next_attempt;
        Time limit = std::max(emergency, wish(attempts));
        return std::min(*attempts.next_attempt, limit);
    }

    // Worth looking at the next CA: failed often, or told us to stay away beyond the emergency point.
    bool exhausted(const CaName& ca) const {
        const CaAttempts& attempts = at(ca);
        return attempts.failures >= failures_before_next_ca ||
               (input_.live && wish(attempts) > emergency_point(*input_.live));
    }

   private:
    static Time wish(const CaAttempts& attempts) {
        return attempts.problem && attempts.problem->not_before ? *attempts.problem->not_before : Time::min();
    }

    const PlanInput& input_;
    bool void_;
};

// The first of the list, or while it is in back-off after repeated failure the next that may be asked sooner.
std::optional<CaName> choose_ca(const PlanInput& input, const Attempts& attempts, Time due) {
    if (input.spec.cas.empty()) return std::nullopt;
    const CaName* chosen = &input.spec.cas.front();
    for (const CaName& next : input.spec.cas) {
        if (attempts.ask_time(*chosen) <= std::max(input.now, due) || !attempts.exhausted(*chosen)) break;
        if (attempts.ask_time(next) < attempts.ask_time(*chosen)) chosen = &next;
    }
    return *chosen;
}

std::string count(std::uint32_t failures) {
    return failures == 1 ? "1 failure" : fmt::format("{} failures", failures);
}

void explain_ca(const PlanInput& input, const Attempts& attempts, IssueNeed& need) {
    const CaName& first = input.spec.cas.front();
    if (*need.ca != first) {
        need.reasons.push_back(
            fmt::format("{} after {} at {}", need.ca->text, count(attempts.at(first).failures), first.text));
    }
    for (std::string& reason : challenge_reasons(input.spec, attempts.at(*need.ca).refused))
        need.reasons.push_back(std::move(reason));
    if (need.at <= need.due || need.at <= input.now) return;
    const CaAttempts& tried = attempts.at(*need.ca);
    bool asked = tried.problem && tried.problem->not_before && *tried.problem->not_before >= need.at;
    if (asked) {
        need.reasons.push_back(fmt::format("{} asked to wait", need.ca->text));
    } else if (tried.next_attempt > need.at) {
        need.reasons.emplace_back("back-off ends at the emergency point: 1/6 of the lifetime left");
    } else {
        need.reasons.push_back(fmt::format("back-off after {} at {}", count(tried.failures), need.ca->text));
    }
}

}  // namespace

std::string name_changes(const config::Lineage& spec, const VersionFacts& facts) {
    std::vector<Identifier> wanted = spec.names;
    std::ranges::sort(wanted);
    if (wanted == facts.names) return {};
    std::vector<Identifier> issued = facts.names;
    std::ranges::sort(issued);
    std::vector<std::string> changes;
    for (const Identifier& name : wanted) {
        if (!std::ranges::binary_search(issued, name)) changes.push_back("+ " + name.value);
    }
    for (const Identifier& name : issued) {
        if (!std::ranges::binary_search(wanted, name)) changes.push_back("- " + name.value);
    }
    return join(changes, ", ");
}

IssueNeed issue_need(const PlanInput& input) {
    const VersionFacts* newest = newest_of(input);
    Due due = newest ? due_by_age(input, *newest) : Due{input.now, {"no certificate yet"}};
    bool late = newest && is_late(input, *newest, due.at);
    if (newest) {
        std::vector<std::string> reasons = reasons_for_now(input, *newest);
        if (!reasons.empty()) due = {input.now, std::move(reasons)};
    }
    IssueNeed need{due.at, due.at, {}, std::move(due.reasons), late, 0, {}};

    Attempts attempts(input);
    need.ca = choose_ca(input, attempts, need.due);
    if (!need.ca) return need;
    need.at = std::max(need.due, attempts.ask_time(*need.ca));
    need.failures = attempts.at(*need.ca).failures;
    need.problem = attempts.at(*need.ca).problem;
    explain_ca(input, attempts, need);
    return need;
}

}  // namespace certd
