// Whether every authoritative server shows a TXT value already (acme-facts §9.4): asked directly, without recursion,
// until all agree in two rounds one after the other. Recursive servers can be asked in the same way.
#pragma once

#include "libacme/dns/resolver.hpp"

#include <functional>
#include <string>
#include <vector>

namespace certd::dns {

struct Sighting {
    std::string server;  // "ns1.example.org (192.0.2.1)"
    bool shown = false;
    std::string instead;  // what it said: "NXDOMAIN", "2 other values", "no answer"
};

// Whether the text of a TXT record is the one looked for.
using Wanted = std::function<bool(const std::string& text)>;

struct VisibilityOptions {
    Duration timeout = minutes(2);
    Duration interval = seconds(5);  // longest pause between two rounds
    std::size_t quorum = 0;          // so many servers are enough; 0: all
    Duration query_timeout = seconds(3);
    bool recursive = false;  // the servers are recursive ones and may answer from what they remember
};

// `wanted` by equality.
Wanted equal_to(std::string value);

// One TXT question to one server, judged. Never throws but for cancellation. Of several addresses those that do not
// answer are passed over as long as one does: a host without IPv6 cannot reach the others.
Task<Sighting> look(Clock& clock, NameServer server, Name name, Wanted wanted, Duration timeout,
                    bool recursive = false);

// Pure: whether the servers agree.
bool agree(const std::vector<Sighting>& sightings, std::size_t quorum);

// Throws Failure(dns.notVisible), which names the servers that lag.
Task<> wait_until_visible(Clock& clock, std::vector<NameServer> servers, Name name, Wanted wanted,
                          VisibilityOptions options);

}  // namespace certd::dns
