// The editor seam: somebody who can add a TXT value to DNS and take it away again, leaving all other values as they
// are.
#pragma once

#include "libacme/async/task.hpp"
#include "libacme/dns/name.hpp"

#include <string>
#include <vector>

namespace certd {

struct DnsChange {
    std::string domain;   // the name being proven, without "*."
    dns::Name challenge;  // where the CA looks: _acme-challenge.<domain>, maybe with the account's label before it
    dns::Name record;     // where the TXT record goes: the same, or where its CNAMEs lead
    std::string value;    // 43 characters of base64url
    std::string token;    // of the challenge; checked
    std::vector<std::string> all_names;
    std::size_t remaining = 0;
};

class RecordEditor {
   public:
    virtual ~RecordEditor() = default;
    // Each throws Failure. Adding what is there and removing what is not are successes.
    virtual Task<> add(DnsChange change) = 0;
    virtual Task<> remove(DnsChange change) = 0;
    // True when it has seen by means of its own that the record is visible; false: the caller has to look.
    virtual Task<bool> wait_visible(DnsChange change);
};

}  // namespace certd
