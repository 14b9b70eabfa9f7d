// Changing a zone by signed UPDATE messages (RFC 2136, RFC 8945): adds or takes away one TXT value and leaves all
// others as they are.
#pragma once

#include "libacme/dns/resolver.hpp"
#include "libacme/dns/tsig.hpp"

#include <string>
#include <vector>

namespace certd::dns {

struct UpdateTarget {
    Name zone;
    std::vector<Endpoint> servers;  // the zone's primary; the first that answers is asked
    Duration timeout = seconds(6);  // of each
};

// Adding a value that is there already is success (RFC 2136 §3.4.2.2). The value is looked for afterwards at the same
// server. Throws Failure(dns.noAnswer | dns.notSigned | dns.clockSkew | dns.updateRefused | dns.updateIgnored).
Task<> add_text(Clock& clock, UpdateTarget target, TsigKey key, Name name, std::string value, std::uint32_t ttl);
// Taking away a value that is not there is success (RFC 2136 §3.4.2.4).
Task<> remove_text(Clock& clock, UpdateTarget target, TsigKey key, Name name, std::string value);

}  // namespace certd::dns
