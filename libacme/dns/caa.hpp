// CAA records: who may issue for a name (RFC 8659), for which account and by which method (RFC 8657). Octets and texts
// are anybody's; what a CA could not read forbids here as it does there.
#pragma once

#include "libacme/dns/resolver.hpp"

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace certd::dns {

struct CaaProperty {
    bool critical = false;
    std::string tag;    // lower case; empty: the record is damaged
    std::string value;  // untrusted text
    bool operator==(const CaaProperty&) const = default;
};
// nullopt for a record of another type.
std::optional<CaaProperty> caa_of(const Record& record);

// "ca.example; accounturi=https://…": an issuer and what it is told (RFC 8659 §4.2).
struct IssueValue {
    std::string issuer;  // lower case; empty: nobody
    std::vector<std::pair<std::string, std::string>> parameters;
    bool operator==(const IssueValue&) const = default;
};
std::optional<IssueValue> parse_issue_value(std::string_view text);  // nullopt: against the grammar

struct CaaSet {
    Name found_at;  // the name whose records hold; the root: there are none
    std::vector<CaaProperty> properties;
};

// Looks sets up, each name once. `resolver` outlives it.
class CaaLookup {
   public:
    explicit CaaLookup(Resolver& resolver) : resolver_(resolver) {}
    // The records that hold for `name`: its own or those of the nearest parent that has any (RFC 8659 §3). Throws what
    // Resolver::ask does and Failure(dns.cnameLoop).
    Task<CaaSet> relevant(Name name);

   private:
    Task<std::vector<CaaProperty>> at(Name name);

    Resolver& resolver_;
    std::map<Name, std::vector<CaaProperty>> known_;
};

struct CaaQuestion {
    std::vector<std::string> identities;  // the CA's, as its directory says; empty: it does not say
    bool wildcard = false;
    std::string account_url;  // empty: there is none yet
    std::string method;       // "dns-01"
};

// In the order of preference among several properties.
enum class CaaAnswer { forbidden, unclear, allowed };
struct CaaVerdict {
    CaaAnswer answer = CaaAnswer::allowed;
    std::string reason;  // for people; no capital, no full stop
};
CaaVerdict judge_caa(const CaaSet& set, const CaaQuestion& question);

}  // namespace certd::dns
