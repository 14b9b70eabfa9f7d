// The editor that sends signed updates to the zone's primary server.
#include "daemon/dns/name_servers.hpp"
#include "daemon/dns/secret.hpp"
#include "libacme/base/text.hpp"
#include "libacme/dns/update.hpp"

#include <algorithm>
#include <map>

#include <fmt/format.h>

namespace certd {

namespace {

// The base64 of a key: the file's whole content, or what follows `secret` in a key statement of BIND.
std::string_view secret_in(std::string_view text) {
    constexpr std::string_view word = "secret";
    std::size_t at = text.find(word);
    if (at == std::string_view::npos) return text;
    std::size_t open = text.find('"', at + word.size());
    std::size_t close = open == std::string_view::npos ? open : text.find('"', open + 1);
    return close == std::string_view::npos ? text : text.substr(open + 1, close - open - 1);
}

class Rfc2136Editor final : public RecordEditor {
   public:
    Rfc2136Editor(DnsSeams seams, std::shared_ptr<const config::DnsProvider> provider)
        : seams_(seams), provider_(std::move(provider)), options_(std::get<config::DnsRfc2136>(provider_->kind)) {}

    Task<> add(DnsChange change) override {
        dns::TsigKey key = co_await read_key();
        dns::UpdateTarget target = co_await find_target(change.record);
        auto ttl = static_cast<std::uint32_t>(options_.ttl / std::chrono::seconds(1));
        co_await dns::add_text(seams_.clock, std::move(target), std::move(key), change.record, change.value, ttl);
    }

    Task<> remove(DnsChange change) override {
        dns::TsigKey key = co_await read_key();
        dns::UpdateTarget target = co_await find_target(change.record);
        co_await dns::remove_text(seams_.clock, std::move(target), std::move(key), change.record, change.value);
    }

   private:
    Task<dns::TsigKey> read_key() {
        dns::TsigKey key;
        auto name = dns::Name::parse(options_.key_name);
        auto algorithm = dns::tsig_algorithm(options_.algorithm);
        std::string text = co_await secret_from(seams_.workers, options_.secret_file);
        auto secret = parse_base64(secret_in(text));
        if (!secret || secret->empty() || !name || !algorithm)
            fail("config.secret", options_.secret_file + " is neither a key in base64 nor a key statement of BIND");
        key.name = std::move(*name);
        key.algorithm = *algorithm;
        key.secret = std::move(*secret);
        co_return key;
    }

    Task<dns::UpdateTarget> find_target(dns::Name record) {
        dns::Resolver resolver = co_await make_resolver(seams_, provider_->resolvers);
        dns::Zone zone = co_await resolver.zone_of(std::move(record));
        dns::UpdateTarget target;
        target.zone = zone.apex;
        std::vector<dns::NameServer> servers = co_await name_servers(resolver, options_.servers);
        if (servers.empty()) servers.push_back({zone.primary.text(), co_await resolver.addresses(zone.primary)});
        for (const dns::NameServer& server : servers)
            target.servers.insert(target.servers.end(), server.addresses.begin(), server.addresses.end());
        if (target.servers.empty()) {
            fail("dns.noZone", fmt::format("The primary server of {}, {}, has no address: name one in `server`",
                                           zone.apex.text(), zone.primary.text()));
        }
        co_return target;
    }

    DnsSeams seams_;
    std::shared_ptr<const config::DnsProvider> provider_;
    const config::DnsRfc2136& options_;
};

}  // namespace

std::unique_ptr<RecordEditor> rfc2136_editor(const DnsSeams& seams,
                                             std::shared_ptr<const config::DnsProvider> provider) {
    return std::make_unique<Rfc2136Editor>(seams, std::move(provider));
}

}  // namespace certd
