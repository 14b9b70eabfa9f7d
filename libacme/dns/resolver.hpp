// What there is to know about a name before its records can be changed or looked at: where its CNAMEs lead, which zone
// it is in, and which servers are that zone's own. Asked of recursive servers.
#pragma once

#include "libacme/dns/exchange.hpp"

#include <string>
#include <vector>

namespace certd::dns {

struct Zone {
    Name apex;
    Name primary;  // MNAME of its SOA
};

struct NameServer {
    std::string name;  // for messages: "ns1.example.org", or its address when it was configured as one
    std::vector<Endpoint> addresses;
};

struct ResolverOptions {
    std::vector<Endpoint> servers;      // recursive; asked in this order
    Duration timeout = seconds(5);      // of each
    std::uint16_t authority_port = 53;  // where name servers found by name are asked
};

class Resolver {
   public:
    Resolver(Clock& clock, ResolverOptions options) : clock_(clock), options_(std::move(options)) {}

    // The answer, be it empty or NXDOMAIN. A server that does not answer or has failed is followed by the next, twice
    // around. Throws Failure(dns.noAnswer | dns.failed).
    Task<Message> ask(Name name, Type type);
    // The name itself, or the end of its chain of CNAMEs. Throws Failure(dns.cnameLoop) besides.
    Task<Name> final_name(Name name);
    // The zone `name` is in, whether it exists or not. Throws Failure(dns.noZone) besides.
    Task<Zone> zone_of(Name name);
    // At most 8; empty when the name has none.
    Task<std::vector<Endpoint>> addresses(Name host);
    // The servers of the zone's NS set that have an address. Throws Failure(dns.noZone) when none has.
    Task<std::vector<NameServer>> authorities(Zone zone);

   private:
    Clock& clock_;
    ResolverOptions options_;
};

// The servers of a resolv.conf text: "nameserver 192.0.2.1" lines; the local host when there are none (resolv.conf(5)).
std::vector<Endpoint> nameservers_in(std::string_view resolv_conf);

}  // namespace certd::dns
