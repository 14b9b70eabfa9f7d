// DNS plugins and manual hooks: the entry of dns_providers that takes their place, and the secrets it reads.
#include "daemon/import/names.hpp"
#include "daemon/import/translation.hpp"

#include "libacme/base/text.hpp"
#include "libacme/crypto/digest.hpp"

#include <algorithm>
#include <array>

#include <fmt/format.h>

namespace certd::certbot {

namespace {

tl::unexpected<Problem> cannot(std::string reason) {
    return failure("import.notCarried", std::move(reason));
}

std::optional<std::string> credential(const IniSection& section, const std::string& key) {
    auto found = section.values.find(key);
    if (found == section.values.end() || found->second.is_list || found->second.items.front().empty())
        return std::nullopt;
    return found->second.items.front();
}

// A secret of its own file, whose name says what it is without telling what it holds.
Secret secret_file(const TranslateOptions& options, const std::string& what, const std::string& content) {
    std::string mark = sha256_hex(what + "\n" + content).substr(0, 8);
    return {options.secrets / fmt::format("{}-{}", what, mark), content + "\n"};
}

void add_secret(ImportedProvider& provider, const char* key, Secret secret) {
    provider.members.emplace_back(key, yaml(secret.path.string()));
    provider.secrets.push_back(std::move(secret));
}

Result<ImportedProvider> rfc2136(const LineageFacts& facts, const TranslateOptions& options) {
    auto server = credential(facts.credentials, "dns_rfc2136_server");
    auto key_name = credential(facts.credentials, "dns_rfc2136_name");
    auto secret = credential(facts.credentials, "dns_rfc2136_secret");
    if (!server || !key_name || !secret)
        return cannot("the credentials of dns-rfc2136 lack one of server, name and secret");
    // certbot's own default is HMAC-MD5.
    std::string algorithm = lower_ascii(credential(facts.credentials, "dns_rfc2136_algorithm").value_or("HMAC-MD5"));
    constexpr std::array<std::string_view, 6> known = {"hmac-sha256", "hmac-sha384", "hmac-sha512",
                                                       "hmac-sha224", "hmac-sha1",   "hmac-md5"};
    if (std::ranges::find(known, algorithm) == known.end())
        return cannot(fmt::format("the TSIG key of dns-rfc2136 is of {}, which certd does not have", algorithm));
    std::string address = *server;
    if (auto port = credential(facts.credentials, "dns_rfc2136_port")) {
        bool is_ipv6 = address.find(':') != std::string::npos;
        address = is_ipv6 ? fmt::format("[{}]:{}", address, *port) : fmt::format("{}:{}", address, *port);
    }
    ImportedProvider provider{"certbot-rfc2136", "rfc2136", {}, {}};
    provider.members.emplace_back("server", fmt::format("[{}]", yaml(address)));
    provider.members.emplace_back("key_name", yaml(*key_name));
    provider.members.emplace_back("algorithm", algorithm);
    add_secret(provider, "secret_file", secret_file(options, "rfc2136", *secret));
    return provider;
}

Result<ImportedProvider> cloudflare(const LineageFacts& facts, const TranslateOptions& options) {
    auto token = credential(facts.credentials, "dns_cloudflare_api_token");
    if (!token)
        return cannot("the credentials of dns-cloudflare hold no API token; certd does not take the global key");
    ImportedProvider provider{"certbot-cloudflare", "cloudflare", {}, {}};
    add_secret(provider, "token_file", secret_file(options, "cloudflare", *token));
    return provider;
}

Result<ImportedProvider> route53(const LineageFacts& facts, const TranslateOptions& options) {
    const IniSection* profile = facts.credentials.find("default");
    auto id = profile ? credential(*profile, "aws_access_key_id") : std::nullopt;
    auto key = profile ? credential(*profile, "aws_secret_access_key") : std::nullopt;
    if (!id || !key) {
        return cannot(
            "dns-route53 takes its keys from the environment or the machine's role; certd needs them as files: "
            "none in [default] of ~/.aws/credentials");
    }
    ImportedProvider provider{"certbot-route53", "route53", {}, {}};
    add_secret(provider, "access_key_file", secret_file(options, "route53-id", *id));
    add_secret(provider, "secret_key_file", secret_file(options, "route53-key", *key));
    return provider;
}

ImportedProvider hooks(const LineageFacts& facts) {
    ChallengeShell shell = challenge_shell(facts.settings);
    return {"certbot-hooks", "exec", {{"present", shell.present}, {"cleanup", shell.cleanup}}, {}};
}

Result<ImportedProvider> provider_for(const LineageFacts& facts, const TranslateOptions& options) {
    std::string plugin = facts.settings.text("authenticator").value_or("");
    if (plugin == "manual") return hooks(facts);
    if (plugin == "dns-rfc2136") return rfc2136(facts, options);
    if (plugin == "dns-cloudflare") return cloudflare(facts, options);
    if (plugin == "dns-route53") return route53(facts, options);
    return cannot(
        fmt::format("certd has no provider for the plugin {}; a command of yours can take its place "
                    "(exec or lego_exec, contrib/docs/DNS-PROVIDERS.md)",
                    plugin));
}

// What is carried as it is, but should not stay.
void note_weakness(const ImportedProvider& provider, Translation& translation) {
    for (const auto& [key, value] : provider.members) {
        if (key != "algorithm" || (value != "hmac-md5" && value != "hmac-sha1")) continue;
        translation.notes.push_back(
            fmt::format("the TSIG key of {} is of {}, which is weak: give it a new one (`tsig-keygen -a hmac-sha256`)",
                        provider.name, value));
    }
}

}  // namespace

ChallengeShell challenge_shell(const Settings& settings) {
    auto shell = [](const std::string& command) { return fmt::format("{{ shell: {} }}", yaml(command)); };
    // certbot does without; certd wants to be told that there is nothing to do.
    auto cleanup = settings.text("manual_cleanup_hook");
    return {shell(settings.text("manual_auth_hook").value_or("")), cleanup ? shell(*cleanup) : "[\"true\"]"};
}

Result<std::string> dns_provider(const LineageFacts& facts, const Present& present, const TranslateOptions& options,
                                 Translation& translation) {
    Result<ImportedProvider> provider = provider_for(facts, options);
    if (!provider) return failure(std::move(provider).error());
    auto same = std::ranges::find(translation.providers, *provider);
    if (same != translation.providers.end()) return same->name;
    std::set<std::string> taken;
    for (const auto& [name, known] : present.config->dns_providers)
        taken.insert(name);
    for (const ImportedProvider& known : translation.providers)
        taken.insert(known.name);
    provider->name = unused_name(provider->name, taken);
    note_weakness(*provider, translation);
    translation.providers.push_back(*std::move(provider));
    return translation.providers.back().name;
}

}  // namespace certd::certbot
