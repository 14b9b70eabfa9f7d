// Due time, CA choice and back-off of the next issue.
#include "daemon/lineage/issue_need.hpp"

#include "daemon/lineage/ari.hpp"
#include "daemon/lineage/challenge_order.hpp"
#include "daemon/lineage/subset.hpp"
#include "libacme/base/text.hpp"

#include <algorithm>
#include <array>

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
    Duration remaining = facts.valid_until() - facts.issued_at;
    return saturating_add(facts.issued_at, std::clamp<Duration>(remaining / 2, minutes(1), days(1)));
}

struct Due {
    Time at;
    std::vector<std::string> reasons;
};

// What was asked for is compared: a CA that does not offer it gives its default every time.
std::string profile_change(const PlanInput& input, const VersionFacts& newest) {
    if (input.cas == nullptr) return {};
    auto ca = input.cas->find(newest.ca);
    if (ca == input.cas->end() || ca->second.directory != newest.directory_url) return {};
    std::string wanted = profile_at(input.spec, ca->second);
    if (wanted == newest.profile) return {};
    auto shown = [](const std::string& profile) { return profile.empty() ? std::string("the default") : profile; };
    return fmt::format("{} instead of {}", shown(wanted), shown(newest.profile));
}

std::string listed(const std::vector<KeyType>& types) {
    std::vector<std::string> texts;
    for (KeyType type : types)
        texts.emplace_back(to_string(type));
    return join(texts, ", ");
}

std::string count(std::uint32_t failures) {
    return failures == 1 ? "1 failure" : fmt::format("{} failures", failures);
}

// Of a request that cannot be used it is not known what it wants.
std::vector<std::string> key_changes(const config::Lineage& spec, const VersionFacts& newest) {
    std::vector<std::string> changes;
    if (spec.csr && spec.csr->problem) return changes;
    if (newest.csr_key_sha256 != (spec.csr ? spec.csr->key_sha256 : "")) {
        changes.emplace_back(!spec.csr                       ? "certd makes the key again, in place of a request"
                             : newest.csr_key_sha256.empty() ? "a certificate request is given, in place of certd's key"
                                                             : "the certificate request is for another key");
    }
    if (std::vector<KeyType> issued = newest.key_types(); issued != spec.keys) {
        bool one = issued.size() == 1 && spec.keys.size() == 1;
        changes.push_back(
            fmt::format("key type{} changed: {} instead of {}", one ? "" : "s", listed(spec.keys), listed(issued)));
    }
    return changes;
}

// The rules that want a certificate at once, whatever the age of the newest.
std::vector<std::string> reasons_for_now(const PlanInput& input, const VersionFacts& newest) {
    std::vector<std::string> reasons;
    bool revoked = input.revoked != nullptr && wants_replacement(*input.revoked, input.state);
    if (revoked) reasons.push_back(text(*input.revoked));
    if (input.state.renew_requested && !revoked) reasons.emplace_back("renewal requested");
    std::vector<Identifier> wanted = expected_names(input.spec, input.state, newest);
    if (std::string changes = name_changes(std::move(wanted), newest); !changes.empty()) {
        reasons.push_back("names changed: " + changes);
    }
    for (std::string& change : key_changes(input.spec, newest))
        reasons.push_back(std::move(change));
    if (std::string change = profile_change(input, newest); !change.empty())
        reasons.push_back("profile changed: " + change);
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

// Names that a CA refused have a back-off of their own. While a lineage is held nothing new is issued for them.
std::optional<Due> due_by_missing_names(const PlanInput& input, const VersionFacts& newest) {
    std::vector<const NameRefusal*> missing = missing_names(input.spec, input.state, newest);
    if (missing.empty() || input.state.held) return std::nullopt;
    const NameRefusal& first =
        **std::ranges::min_element(missing, {}, [](const NameRefusal* refusal) { return refusal->next_attempt; });
    std::string others = missing.size() == 1 ? "" : fmt::format(" and {} more", missing.size() - 1);
    return Due{first.next_attempt,
               {fmt::format("{}{} missing from the certificate: asked for again after {}", first.name.value + others,
                            missing.size() == 1 ? " is" : " are", count(first.failures))}};
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

    // Worth looking at the next CA: failed often, told us to stay away beyond the emergency point, or does not answer
    // anybody.
    bool exhausted(const CaName& ca) const {
        const CaAttempts& attempts = at(ca);
        return attempts.failures >= failures_before_next_ca || is_down(ca) || bars_account(attempts) ||
               (input_.live && wish(attempts) > emergency_point(*input_.live));
    }

    bool is_down(const CaName& ca) const {
        const CaHealth* health = health_of(ca);
        return health != nullptr && certd::is_down(*health);
    }

    // When it is asked again although there is another one: a lineage that has got its certificate elsewhere stays
    // there for a day at least, so that a CA that comes and goes does not take it along (faults F20).
    Time returns(const CaName& ca) const {
        const CaAttempts& attempts = at(ca);
        Time time = ask_time(ca);
        if (const CaHealth* health = health_of(ca)) time = std::max(time, comes_back(*health, input_.now));
        bool moved = has_left(ca) && attempts.failures >= failures_before_next_ca;
        if (moved && attempts.last_attempt && *attempts.last_attempt <= input_.now)
            time = std::max(time, saturating_add(*attempts.last_attempt, days(1)));
        return time;
    }

   private:
    // The newest certificate is of a later one of the list.
    bool has_left(const CaName& ca) const {
        const VersionFacts* newest = newest_of(input_);
        if (newest == nullptr) return false;
        auto later = std::ranges::find(input_.spec.cas, ca);
        return newest->ca != ca && std::find(later, input_.spec.cas.end(), newest->ca) != input_.spec.cas.end();
    }

    const CaHealth* health_of(const CaName& ca) const {
        if (input_.ca_health == nullptr) return nullptr;
        auto found = input_.ca_health->find(ca);
        return found == input_.ca_health->end() ? nullptr : &found->second;
    }

    // However often it is asked, this account gets nothing for these names.
    static bool bars_account(const CaAttempts& attempts) {
        constexpr std::array<std::string_view, 3> codes = {"acme.accountRefused", "acme.paused",
                                                           "acme.userActionRequired"};
        return attempts.problem && std::ranges::find(codes, attempts.problem->code) != codes.end();
    }

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
        if (attempts.returns(*chosen) <= std::max(input.now, due) || !attempts.exhausted(*chosen)) break;
        if (attempts.returns(next) < attempts.returns(*chosen)) chosen = &next;
    }
    return *chosen;
}

// The staging CA of `ca` has to pass first what failed there. Past the emergency point of what is served that is left
// out: staging may differ, and one order more is a small price.
std::optional<CaName> staging_before(const PlanInput& input, const Attempts& attempts, const CaName& ca,
                                     bool names_only) {
    if (input.cas == nullptr || !(attempts.at(ca).staging_first || names_only)) return std::nullopt;
    if (input.live && emergency_point(*input.live) <= input.now) return std::nullopt;
    auto found = input.cas->find(ca);
    return found == input.cas->end() ? std::nullopt : found->second.staging;
}

void explain_ca(const PlanInput& input, const Attempts& attempts, IssueNeed& need) {
    const CaName& first = input.spec.cas.front();
    if (*need.ca != first) {
        need.reasons.push_back(
            attempts.is_down(first)
                ? fmt::format("{}, because {} does not answer", need.ca->text, first.text)
                : fmt::format("{} after {} at {}", need.ca->text, count(attempts.at(first).failures), first.text));
    }
    for (std::string& reason : challenge_reasons(input.spec, attempts.at(*need.ca).refused))
        need.reasons.push_back(std::move(reason));
    if (need.staging) {
        need.reasons.push_back(fmt::format("{}, its staging, is asked first, because {} at {} failed",
                                           need.staging->text, need.names_only ? "those names" : "the last attempt",
                                           need.ca->text));
    }
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

std::string name_changes(std::vector<Identifier> wanted, const VersionFacts& facts) {
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

std::string profile_at(const config::Lineage& spec, const config::Ca& ca) {
    const config::Profile& profile = spec.profile.name ? spec.profile : ca.profile;
    return profile.name.value_or("");
}

IssueNeed issue_need(const PlanInput& input) {
    const VersionFacts* newest = newest_of(input);
    Due due = newest ? due_by_age(input, *newest) : Due{input.now, {"no certificate yet"}};
    bool late = newest && is_late(input, *newest, due.at);
    if (newest) {
        std::vector<std::string> reasons = reasons_for_now(input, *newest);
        if (!reasons.empty()) due = {input.now, std::move(reasons)};
    }
    bool names_only = false;
    if (newest && due.at > input.now) {
        std::optional<Due> missing = due_by_missing_names(input, *newest);
        names_only = missing && missing->at < due.at;
        if (names_only) due = *std::move(missing);
    }
    IssueNeed need{due.at, due.at, {}, {}, std::move(due.reasons), late, 0, {}, names_only};

    Attempts attempts(input);
    need.ca = choose_ca(input, attempts, need.due);
    if (!need.ca) return need;
    need.at = std::max(need.due, attempts.ask_time(*need.ca));
    need.staging = staging_before(input, attempts, *need.ca, names_only);
    need.failures = attempts.at(*need.ca).failures;
    need.problem = attempts.at(*need.ca).problem;
    explain_ca(input, attempts, need);
    return need;
}

}  // namespace certd
