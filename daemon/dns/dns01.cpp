// Dns01: which record, who may change it, and who has to show it.
#include "daemon/dns/dns01.hpp"

#include "daemon/dns/challenge_names.hpp"
#include "daemon/dns/name_servers.hpp"
#include "libacme/base/text.hpp"
#include "libacme/crypto/digest.hpp"
#include "libacme/dns/visibility.hpp"

#include <algorithm>

#include <fmt/format.h>

namespace certd {

using acme::ChallengeTask;

namespace {

constexpr std::size_t token_limit = 256;

// The end of a chain of CNAMEs was written by others, and becomes an argument of programs and part of URLs.
bool is_host_name(const std::string& text) {
    return !text.starts_with('-') && std::ranges::all_of(text, [](char letter) {
        return (letter >= 'a' && letter <= 'z') || (letter >= '0' && letter <= '9') || letter == '-' || letter == '_' ||
               letter == '.';
    });
}

}  // namespace

std::string dns01_value(const std::string& key_authorization) {
    return base64url(sha256(as_bytes(key_authorization)));
}

Dns01::Dns01(DnsSeams seams, std::shared_ptr<const config::DnsProvider> provider, std::unique_ptr<RecordEditor> editor,
             std::string type)
    : seams_(seams), provider_(std::move(provider)), editor_(std::move(editor)), type_(std::move(type)) {}

bool Dns01::can_solve(std::string_view type, const Identifier& identifier, bool) const {
    return type == type_ && identifier.type == Identifier::Type::dns;  // RFC 8738 §7: not for addresses
}

Task<> Dns01::present(ChallengeTask task) {
    if (!is_base64url(task.token) || task.token.size() > token_limit)
        fail("acme.badToken", "Refused the challenge token for " + task.identifier.value, task.token);
    check_allowed(task.identifier.value);
    Key key{task.identifier.value, dns01_value(task.key_authorization)};
    auto known = placed_.find(key);
    DnsChange change = known != placed_.end() ? known->second.change : co_await plan(std::move(task));
    // Noted first: what fails half-way is cleaned up as well.
    Placed& placed = placed_[key];
    placed.change = change;
    ++placed.times;
    co_await editor_->add(std::move(change));
}

Task<> Dns01::wait_visible(ChallengeTask task) {
    auto found = placed_.find({task.identifier.value, dns01_value(task.key_authorization)});
    if (found == placed_.end()) co_return;
    DnsChange change = found->second.change;
    if (co_await editor_->wait_visible(change)) co_return;
    const config::DnsProvider::Propagation& wanted = provider_->propagation;
    dns::VisibilityOptions options;
    options.timeout = wanted.timeout;
    options.interval = wanted.interval;
    options.quorum = wanted.quorum;
    co_await dns::wait_until_visible(seams_.clock, co_await authorities(change.record), change.record,
                                     dns::equal_to(change.value), options);
    if (wanted.resolvers.empty()) co_return;
    // Only now: what a resolver is asked for too early it remembers as missing (RFC 2308 §5).
    options.recursive = true;
    options.quorum = 0;
    co_await dns::wait_until_visible(seams_.clock, recursive_servers(wanted.resolvers), change.record,
                                     dns::equal_to(change.value), options);
}

Task<> Dns01::wait_attempted(ChallengeTask) {
    co_return;
}  // the name servers' logs are not ours

Task<> Dns01::clean_up(ChallengeTask task) {
    auto found = placed_.find({task.identifier.value, dns01_value(task.key_authorization)});
    if (found == placed_.end() || --found->second.times > 0) co_return;
    DnsChange change = std::move(found->second.change);
    placed_.erase(found);
    co_await editor_->remove(std::move(change));
}

Task<Dns01::Preview> Dns01::preview(ChallengeTask task) {
    check_allowed(task.identifier.value);
    Preview preview;
    preview.challenge = challenge_record_name(type_, task.identifier.value, task.account_url);
    preview.record = (co_await plan(std::move(task))).record;
    dns::Resolver resolver = co_await make_resolver(seams_, provider_->resolvers);
    if (!provider_->propagation.servers.empty()) {
        preview.servers = co_await name_servers(resolver, provider_->propagation.servers);
        co_return preview;
    }
    dns::Zone zone = co_await resolver.zone_of(preview.record);
    preview.zone = zone.apex;
    preview.servers = co_await resolver.authorities(std::move(zone));
    co_return preview;
}

// Faults S6: a provider's secret is used for the names it was given for, whoever asks.
void Dns01::check_allowed(const std::string& domain) const {
    auto name = dns::Name::parse(domain);
    auto covers = [&](const std::string& allowed) {
        auto zone = dns::Name::parse(allowed);
        return name && zone && name->is_at_or_below(*zone);
    };
    if (provider_->domains.empty() || std::ranges::any_of(provider_->domains, covers)) return;
    fail("dns.notAllowed", fmt::format("The DNS provider {} is not for {}, but for {}", provider_->name, domain,
                                       join(provider_->domains, ", ")));
}

// CNAMEs are followed, as the CA will (RFC 8555 §8.4): the record belongs at their end.
Task<DnsChange> Dns01::plan(ChallengeTask task) {
    dns::Resolver resolver = co_await make_resolver(seams_, provider_->resolvers);
    DnsChange change;
    change.challenge = challenge_record_name(type_, task.identifier.value, task.account_url);
    change.record = co_await resolver.final_name(change.challenge);
    if (!is_host_name(change.record.text())) {
        fail("dns.badName", fmt::format("The CNAME at {} leads to what is no host name", change.challenge.text()),
             change.record.text());
    }
    change.domain = std::move(task.identifier.value);
    change.value = dns01_value(task.key_authorization);
    change.token = std::move(task.token);
    change.all_names = std::move(task.all_names);
    change.remaining = task.remaining;
    co_return change;
}

Task<std::vector<dns::NameServer>> Dns01::authorities(dns::Name record) {
    dns::Resolver resolver = co_await make_resolver(seams_, provider_->resolvers);
    if (!provider_->propagation.servers.empty())
        co_return co_await name_servers(resolver, provider_->propagation.servers);
    co_return co_await resolver.authorities(co_await resolver.zone_of(std::move(record)));
}

}  // namespace certd
