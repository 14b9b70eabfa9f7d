// Addresses of name servers.
#include "daemon/dns/name_servers.hpp"

#include "config/values.hpp"
#include "libacme/base/file_system.hpp"

namespace certd {

namespace {

constexpr std::size_t resolv_conf_limit = 64 * 1024;

}  // namespace

Task<dns::Resolver> make_resolver(DnsSeams seams, std::vector<std::string> resolvers, Duration timeout) {
    dns::ResolverOptions options;
    options.timeout = timeout;
    options.authority_port = seams.authority_port;
    for (const dns::NameServer& server : recursive_servers(resolvers))
        options.servers.push_back(server.addresses.front());
    if (options.servers.empty()) {
        auto text = co_await offload(seams.workers,
                                     [] { return RealFileSystem().read("/etc/resolv.conf", resolv_conf_limit); });
        options.servers = dns::nameservers_in(text ? *text : std::string());
    }
    co_return dns::Resolver(seams.clock, std::move(options));
}

std::vector<dns::NameServer> recursive_servers(const std::vector<std::string>& resolvers) {
    std::vector<dns::NameServer> servers;
    for (const std::string& text : resolvers) {
        auto parts = config::parse_name_server(text);
        if (!parts) continue;  // refused when the configuration was loaded
        Endpoint endpoint(asio::ip::make_address(std::string(parts->host)), parts->port);
        servers.push_back({dns::text_of(endpoint), {endpoint}});
    }
    return servers;
}

Task<std::vector<dns::NameServer>> name_servers(dns::Resolver& resolver, std::vector<std::string> hosts) {
    std::vector<dns::NameServer> servers;
    for (const std::string& text : hosts) {
        auto parts = config::parse_name_server(text);
        if (!parts) continue;  // refused when the configuration was loaded
        dns::NameServer server{std::string(parts->host), {}};
        boost::system::error_code no_address;
        auto address = asio::ip::make_address(server.name, no_address);
        if (!no_address) {
            server.addresses.emplace_back(address, parts->port);
            server.name = dns::text_of(server.addresses.back());
        } else if (auto name = dns::Name::parse(server.name)) {
            server.addresses = co_await resolver.addresses(*name);
            for (Endpoint& endpoint : server.addresses)
                endpoint.port(parts->port);
        }
        if (server.addresses.empty()) fail("dns.noZone", "The name server " + server.name + " has no address");
        servers.push_back(std::move(server));
    }
    co_return servers;
}

}  // namespace certd
