// Authenticators: which challenge certd would answer in their place.
#include "daemon/import/translation.hpp"

#include "libacme/base/text.hpp"

#include <algorithm>

#include <fmt/format.h>

namespace certd::certbot {

namespace {

tl::unexpected<Problem> cannot(std::string reason) {
    return failure("import.notCarried", std::move(reason));
}

bool has_wildcard(const ImportedLineage& lineage) {
    return std::ranges::any_of(lineage.names, &Identifier::is_wildcard);
}

std::string through(const std::string& webroot) {
    return fmt::format("{{ http-01: {{ webroot: {} }} }}", yaml(webroot));
}

// One webroot for all names, or that of the most of them and those of the others by name.
Result<void> by_webroot(const Settings& settings, ImportedLineage& lineage) {
    std::vector<std::string> paths = settings.list("webroot_path");
    std::string last = paths.empty() ? std::string() : paths.back();
    std::map<std::string, std::size_t> counts;
    std::map<std::string, std::string> by_name;
    for (const Identifier& name : lineage.names) {
        auto mapped = settings.webroots().find(name.value);
        std::string webroot = mapped != settings.webroots().end() ? mapped->second : last;
        if (!webroot.starts_with('/'))
            return cannot(fmt::format("the webroot authenticator names no absolute directory for {}", name.value));
        by_name[name.value] = webroot;
        ++counts[webroot];
    }
    std::string most = std::ranges::max_element(counts, {}, [](const auto& entry) { return entry.second; })->first;
    lineage.challenge = through(most);
    lineage.way = "http-01 through " + most;
    for (const auto& [name, webroot] : by_name) {
        if (webroot == most) continue;
        lineage.name_challenges.emplace_back(name, through(webroot));
        lineage.way += fmt::format(", {} through {}", name, webroot);
    }
    return {};
}

// "[::]:80", or what http01_address and http01_port say.
std::string listen_address(const Settings& settings) {
    std::string address = settings.text("http01_address").value_or("::");
    if (address.find(':') != std::string::npos) address = fmt::format("[{}]", address);
    return fmt::format("{}:{}", address, settings.text("http01_port").value_or("80"));
}

void by_own_responder(const LineageFacts& facts, const Present& present, Translation& translation,
                      ImportedLineage& lineage) {
    lineage.challenge = "{ http-01: {} }";
    const std::vector<std::string>& there = present.config->http_challenge.listen;
    std::string address = listen_address(facts.settings);
    if (!there.empty()) {
        address = join(there, ", ");
    } else if (std::ranges::find(translation.listen, address) == translation.listen.end()) {
        translation.listen.push_back(address);
    }
    lineage.way = fmt::format("http-01, answered by certd on {}", address);
    translation.own_responder.insert(facts.name);
}

// What the plugin did by changing the server's configuration for a moment is done through a directory that the server
// always serves.
void through_server(const std::string& server, const TranslateOptions& options, Translation& translation,
                    ImportedLineage& lineage) {
    lineage.challenge = through(options.webroot.string());
    lineage.way = "http-01 through " + options.webroot.string();
    lineage.notes.push_back(fmt::format("{} has to serve /.well-known/acme-challenge/ from {} (see below)", server,
                                        options.webroot.string()));
    translation.server_snippet.insert(server);
}

// Which challenge certbot's manual plugin gets for a name: the first of those preferred that the CA offers, else
// http-01; for wildcards there is dns-01 only. Empty: none.
std::string manual_type(const std::vector<std::string>& preferred, const Identifier& name) {
    auto is_usable = [&](const std::string& type) {
        return type.starts_with("dns") ? name.type == Identifier::Type::dns
                                       : type.starts_with("http") && !name.is_wildcard();
    };
    if (preferred.empty()) return name.is_wildcard() ? "dns-01" : "http-01";
    auto first = std::ranges::find_if(preferred, is_usable);
    if (first == preferred.end()) return {};
    return first->starts_with("dns") ? "dns-01" : "http-01";
}

std::string by_provider(const std::string& provider) {
    return fmt::format("{{ dns-01: {{ provider: {} }} }}", provider);
}

// Hooks are one for all names; which challenge they are asked for is decided name by name.
Result<void> by_hooks(const LineageFacts& facts, const Present& present, const TranslateOptions& options,
                      Translation& translation, ImportedLineage& lineage) {
    auto hook = facts.settings.text("manual_auth_hook");
    if (!hook) return cannot("the manual authenticator without manual_auth_hook asks a person at each renewal");
    std::vector<std::string> preferred = facts.settings.list("pref_challs");
    std::map<std::string, std::vector<std::string>> names;  // by type
    for (const Identifier& name : lineage.names) {
        std::string type = manual_type(preferred, name);
        if (type.empty()) return cannot(fmt::format("pref_challs names no challenge that could prove {}", name.value));
        names[type].push_back(name.value);
    }
    std::string by_http, by_dns;
    if (names.contains("http-01")) {
        ChallengeShell shell = challenge_shell(facts.settings);
        by_http =
            fmt::format("{{ http-01: {{ exec: {{ present: {}, cleanup: {} }} }} }}", shell.present, shell.cleanup);
        lineage.challenge = by_http;
        lineage.way = "http-01 by certbot's hooks";
    }
    if (!names.contains("dns-01")) return {};
    Result<std::string> provider = dns_provider(facts, present, options, translation);
    if (!provider) return failure(std::move(provider).error());
    by_dns = by_provider(*provider);
    std::string way = fmt::format("dns-01 by the provider {}", *provider);
    lineage.way = by_http.empty() ? way : fmt::format("{}, {} {}", lineage.way, join(names["dns-01"], ", "), way);
    if (by_http.empty()) lineage.challenge = by_dns;
    for (const std::string& name : names["dns-01"]) {
        if (!by_http.empty()) lineage.name_challenges.emplace_back(name, by_dns);
    }
    return {};
}

}  // namespace

Result<void> translate_challenge(const LineageFacts& facts, const Present& present, const TranslateOptions& options,
                                 Translation& translation, ImportedLineage& lineage) {
    std::string authenticator = facts.settings.text("authenticator").value_or("");
    lineage.authenticator = authenticator;
    bool by_dns = authenticator == "manual" || authenticator.starts_with("dns-");
    if (!by_dns && has_wildcard(lineage))
        return cannot(fmt::format("the {} authenticator cannot prove a wildcard", authenticator));
    if (authenticator == "webroot") return by_webroot(facts.settings, lineage);
    if (authenticator == "standalone") return by_own_responder(facts, present, translation, lineage), Result<void>();
    if (authenticator == "nginx" || authenticator == "apache")
        return through_server(authenticator, options, translation, lineage), Result<void>();
    if (!by_dns) {
        return cannot(authenticator.empty()
                          ? "renewal/*.conf names no authenticator"
                          : fmt::format("certd knows no counterpart of the plugin {}", authenticator));
    }
    if (authenticator == "manual") return by_hooks(facts, present, options, translation, lineage);
    Result<std::string> provider = dns_provider(facts, present, options, translation);
    if (!provider) return failure(std::move(provider).error());
    lineage.challenge = by_provider(*provider);
    lineage.way = fmt::format("dns-01 by the provider {}", *provider);
    return {};
}

}  // namespace certd::certbot
