// DnsPersist01: who has to show which record.
#include "daemon/dns/dns_persist01.hpp"

#include "daemon/dns/challenge_names.hpp"
#include "daemon/dns/name_servers.hpp"
#include "libacme/base/text.hpp"
#include "libacme/dns/visibility.hpp"

#include <algorithm>
#include <set>

#include <fmt/format.h>

namespace certd {

using acme::ChallengeTask;

namespace {

constexpr std::string_view type_name = "dns-persist-01";
constexpr std::size_t most_reasons = 5;

// The name as it was ordered, "*." and all.
Identifier ordered_name(const ChallengeTask& task) {
    return task.wildcard ? Identifier{task.identifier.type, "*." + task.identifier.value} : task.identifier;
}

}  // namespace

std::string persist_line(const Identifier& name, std::string_view issuer, const std::string& account_url) {
    std::string domain = name.is_wildcard() ? name.value.substr(2) : name.value;
    return persist_zone_line(challenge_record_name(type_name, domain, account_url).absolute_text(),
                             persist_value(issuer, account_url, name.is_wildcard()));
}

bool DnsPersist01::can_solve(std::string_view type, const Identifier& identifier, bool) const {
    return type == type_name && identifier.type == Identifier::Type::dns;
}

Task<> DnsPersist01::present(ChallengeTask task) {
    if (std::string complaint = complaint_about_issuers(task.issuers); !complaint.empty()) {
        fail("acme.badResponse",
             fmt::format("The dns-persist-01 challenge for {} cannot be used: {}", task.identifier.value, complaint));
    }
    co_return;
}

Task<> DnsPersist01::wait_visible(ChallengeTask task) {
    PersistQuestion question{task.issuers, task.account_url, task.wildcard, seams_.clock.now()};
    std::optional<Time> until;
    std::set<std::string> reasons;
    // Servers may differ; the record that ends first counts.
    auto proves = [&](const std::string& text) {
        PersistVerdict verdict = judge_persist(text, question);
        if (verdict.proves && verdict.until) until = std::min(until.value_or(Time::max()), *verdict.until);
        if (!verdict.why_not.empty() && reasons.size() < most_reasons) reasons.insert(verdict.why_not);
        return verdict.proves;
    };
    dns::Resolver resolver = co_await make_resolver(seams_, options_.resolvers);
    dns::Name record =
        co_await resolver.final_name(challenge_record_name(type_name, task.identifier.value, task.account_url));
    auto servers = options_.servers.empty() ? co_await resolver.authorities(co_await resolver.zone_of(record))
                                            : co_await name_servers(resolver, options_.servers);
    dns::VisibilityOptions options;
    options.timeout = look_limit_;
    std::optional<Problem> missing;
    try {
        co_await dns::wait_until_visible(seams_.clock, std::move(servers), record, proves, options);
    } catch (const Failure& failure) {
        if (failure.problem().code != "dns.notVisible") throw;
        missing = failure.problem();
    }
    if (!missing) {
        seen_[ordered_name(task)] = until;
        co_return;
    }
    Identifier name = ordered_name(task);
    Problem problem =
        certd::problem("dns.persistMissing", fmt::format("No record proves {} for this account", name.value),
                       std::move(missing->remote));
    if (!reasons.empty()) problem.what += ": " + join(std::vector<std::string>(reasons.begin(), reasons.end()), "; ");
    problem.hint = "Publish this record once, at every name server of the zone: " +
                   persist_line(name, task.issuers.front(), task.account_url);
    fail(std::move(problem));
}

Task<> DnsPersist01::wait_attempted(ChallengeTask) {
    co_return;
}  // the name servers' logs are not ours

Task<> DnsPersist01::clean_up(ChallengeTask) {
    co_return;  // the record stays, which is its point
}

std::optional<std::optional<Time>> DnsPersist01::seen(const Identifier& name) const {
    auto found = seen_.find(name);
    if (found == seen_.end()) return std::nullopt;
    return std::make_optional(found->second);
}

}  // namespace certd
