// The providers of dns-01 challenges, one function per kind.
#include "config/build_dns.hpp"

#include "config/reader.hpp"

#include <array>

#include <fmt/format.h>

namespace certd::config {

namespace {

DnsRfc2136 read_rfc2136(const Reader& reader) {
    DnsRfc2136 kind;
    reader.read("server", kind.servers);
    reader.read("key_name", kind.key_name);
    reader.read("algorithm", kind.algorithm);
    reader.read("secret_file", kind.secret_file);
    reader.read("ttl", kind.ttl);
    return kind;
}

// RFC 8945 §6: to be used only where the server has nothing better.
void warn_of_weak_algorithm(const Reader& reader, std::string_view provider, Report& report) {
    auto algorithm = reader.find("algorithm");
    if (!algorithm || (algorithm->text() != "hmac-md5" && algorithm->text() != "hmac-sha1")) return;
    report.warning(algorithm->location(),
                   fmt::format("The TSIG key of the DNS provider {} is of {}, which is weak", in_quotes(provider),
                               algorithm->text()),
                   "make one by `tsig-keygen -a hmac-sha256`, give it to the name server too, and say so here");
}

DnsExec read_exec(const Reader& reader) {
    DnsExec kind;
    reader.read(kind);
    return kind;
}

DnsLegoExec read_lego_exec(const Reader& reader) {
    DnsLegoExec kind;
    CommandLine command;
    reader.read("command", command);
    kind.command = std::move(command.argv);
    reader.read("timeout", kind.timeout);
    reader.read("user", kind.user);
    return kind;
}

DnsHttpReq read_httpreq(const Reader& reader) {
    DnsHttpReq kind;
    reader.read("endpoint", kind.endpoint);
    reader.read("username_file", kind.username_file);
    reader.read("password_file", kind.password_file);
    return kind;
}

DnsAcmeDns read_acme_dns(const Reader& reader) {
    DnsAcmeDns kind;
    reader.read("server", kind.server);
    reader.read("accounts_file", kind.accounts_file);
    return kind;
}

DnsCloudflare read_cloudflare(const Reader& reader) {
    DnsCloudflare kind;
    reader.read("token_file", kind.token_file);
    reader.read("endpoint", kind.endpoint);
    return kind;
}

DnsRoute53 read_route53(const Reader& reader) {
    DnsRoute53 kind;
    reader.read("access_key_file", kind.access_key_file);
    reader.read("secret_key_file", kind.secret_key_file);
    reader.read("session_token_file", kind.session_token_file);
    reader.read("zone_id", kind.zone_id);
    reader.read("endpoint", kind.endpoint);
    return kind;
}

constexpr std::array<std::string_view, 7> kinds = {"rfc2136",  "exec",       "lego_exec", "httpreq",
                                                   "acme_dns", "cloudflare", "route53"};

void read_kind(const Reader& section, std::string_view kind, DnsProvider& provider) {
    Reader reader = section.section(kind);
    if (kind == "rfc2136") provider.kind = read_rfc2136(reader);
    if (kind == "exec") provider.kind = read_exec(reader);
    if (kind == "lego_exec") provider.kind = read_lego_exec(reader);
    if (kind == "httpreq") provider.kind = read_httpreq(reader);
    if (kind == "acme_dns") provider.kind = read_acme_dns(reader);
    if (kind == "cloudflare") provider.kind = read_cloudflare(reader);
    if (kind == "route53") provider.kind = read_route53(reader);
}

}  // namespace

std::shared_ptr<const DnsProvider> build_dns_provider(TreeNode key, TreeNode value,
                                                      const std::vector<std::string>& resolvers, Report& report) {
    auto provider = std::make_shared<DnsProvider>();
    provider->resolvers = resolvers;
    Reader reader(value);
    provider->name = key.text();
    std::string_view found;
    for (std::string_view kind : kinds) {
        if (!reader.find(kind)) continue;
        if (!found.empty()) {
            report.error(reader.find(kind)->location(),
                         fmt::format("The DNS provider {} is both {} and {}", in_quotes(provider->name), found, kind),
                         "make two providers of it");
        }
        found = kind;
        read_kind(reader, kind, *provider);
        if (kind == "rfc2136") warn_of_weak_algorithm(reader.section(kind), provider->name, report);
    }
    if (found.empty() && value.is_map()) {
        report.error(key.location(), fmt::format("The DNS provider {} does not say how", in_quotes(provider->name)),
                     "add one of rfc2136, exec, lego_exec, httpreq, acme_dns, cloudflare, route53");
    }
    Reader propagation = reader.section("propagation");
    propagation.read("timeout", provider->propagation.timeout);
    propagation.read("interval", provider->propagation.interval);
    propagation.read_number("quorum", provider->propagation.quorum);
    propagation.read("servers", provider->propagation.servers);
    propagation.read("resolvers", provider->propagation.resolvers);
    reader.read("domains", provider->domains);
    reader.read("resolvers", provider->resolvers);
    reader.read("ca_bundle", provider->ca_bundle);
    return provider;
}

}  // namespace certd::config
