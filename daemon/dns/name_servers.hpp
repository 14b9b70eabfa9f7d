// The resolver and the name servers that a provider's configuration speaks of.
#pragma once

#include "config/dns.hpp"
#include "daemon/dns/editors.hpp"
#include "libacme/dns/resolver.hpp"

#include <string>
#include <vector>

namespace certd {

// Asks the configured resolvers, else the system's; each has `timeout` for an answer.
Task<dns::Resolver> make_resolver(DnsSeams seams, std::vector<std::string> resolvers, Duration timeout = seconds(5));

// "ADDRESS" and "ADDRESS:PORT", each as a server of its own.
std::vector<dns::NameServer> recursive_servers(const std::vector<std::string>& resolvers);

// "HOST" and "HOST:PORT" with their addresses. Throws Failure(dns.noZone) for a host that has none.
Task<std::vector<dns::NameServer>> name_servers(dns::Resolver& resolver, std::vector<std::string> hosts);

}  // namespace certd
