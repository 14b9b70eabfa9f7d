// The instants of a certificate's life that decisions hang on, and the hashes that must not change between runs.
#include "daemon/lineage/plan.hpp"

#include "libacme/crypto/digest.hpp"

#include <algorithm>
#include <span>

#include <fmt/format.h>

namespace certd {

namespace {

constexpr Duration short_life = days(10);

// FNV-1a with a final mix (splitmix64): short, and the same on every machine and in every release.
std::uint64_t stable_hash(std::string_view text, std::uint64_t number) {
    std::uint64_t hash = 0xcbf29ce484222325;
    for (char letter : text)
        hash = (hash ^ static_cast<unsigned char>(letter)) * 0x100000001b3;
    hash += 0x9e3779b97f4a7c15 * (number + 1);
    hash = (hash ^ (hash >> 30)) * 0xbf58476d1ce4e5b9;
    hash = (hash ^ (hash >> 27)) * 0x94d049bb133111eb;
    return hash ^ (hash >> 31);
}

void add_field(std::string& text, std::string_view field) {
    text += std::to_string(field.size()).append(":").append(field);
}

void add_challenge(std::string& text, const config::Challenge& challenge) {
    if (challenge.http01) add_field(text, "http-01:" + challenge.http01->webroot.value_or(""));
    if (challenge.http01 && challenge.http01->exec)
        add_field(text, "http-01.exec:" + fmt::format("{}", fmt::join(challenge.http01->exec->present, ",")));
    if (challenge.tls_alpn01) add_field(text, "tls-alpn-01");
    if (challenge.dns01 && challenge.dns01->provider) add_field(text, "dns-01:" + challenge.dns01->provider->name);
    if (challenge.dns_account01 && challenge.dns_account01->provider)
        add_field(text, "dns-account-01:" + challenge.dns_account01->provider->name);
    if (challenge.dns_persist01)
        add_field(text, "dns-persist-01:" + fmt::format("{}", fmt::join(challenge.dns_persist01->servers, ",")));
    if (challenge.order.size() < 2) return;
    for (const std::string& type : challenge.order)
        add_field(text, "order:" + type);
}

}  // namespace

Duration jitter_for(const std::string& lineage, VersionNumber version, Duration limit) {
    if (limit <= Duration::zero()) return Duration::zero();
    double fraction = static_cast<double>(stable_hash(lineage, version.value) >> 11) * 0x1p-53;  // [0, 1)
    return Duration(static_cast<std::int64_t>(fraction * static_cast<double>(limit.count())));
}

// Of several certificates the one that needs it first decides for the version.
Time emergency_point(const VersionFacts& facts) {
    Time earliest = facts.not_after - facts.lifetime() / 6;
    for (const CertificateFacts& each : facts.further)
        earliest = std::min(earliest, each.not_after - (each.not_after - each.not_before) / 6);
    return earliest;
}

Time renewal_time(const VersionFacts& facts, const std::string& lineage, Duration jitter_limit) {
    auto due = [&](Time not_before, Duration lifetime) {
        Time base = not_before + (lifetime < short_life ? lifetime / 2 : lifetime / 3 * 2);
        return base + jitter_for(lineage, facts.number, std::min(jitter_limit, lifetime / 50));
    };
    Time first = std::min(due(facts.not_before, facts.lifetime()), emergency_point(facts));
    for (const CertificateFacts& each : facts.further)
        first = std::min(first, due(each.not_before, each.not_after - each.not_before));
    return first;
}

bool is_short_lived(const VersionFacts& facts) {
    return facts.lifetime() < short_life;
}

std::string policy_digest(const config::Lineage& spec) {
    std::vector<Identifier> names = spec.names;
    std::ranges::sort(names);
    std::string text;
    add_field(text, to_string(spec.keys.front()));
    for (const Identifier& name : names)
        add_field(text, std::string(to_string(name.type)) + ":" + name.value);
    for (const CaName& ca : spec.cas)
        add_field(text, "ca:" + ca.text);
    add_challenge(text, spec.challenge);
    for (const config::NameChallenge& item : spec.name_challenges) {
        add_field(text, "challenge:" + item.pattern);
        add_challenge(text, item.challenge);
    }
    if (spec.profile.name) add_field(text, (spec.profile.required ? "required:" : "profile:") + *spec.profile.name);
    if (spec.allow_subset_of_names) add_field(text, "subset");
    for (KeyType key : std::span(spec.keys).subspan(1))
        add_field(text, "key:" + std::string(to_string(key)));
    if (spec.csr) add_field(text, "csr:" + (spec.csr->problem ? spec.csr->problem->what : sha256_hex(spec.csr->der)));
    return sha256_hex(text).substr(0, 32);
}

}  // namespace certd
