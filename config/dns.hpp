// Who changes DNS records for the dns-01 challenge, and when a record counts as visible: the sections of
// `dns_providers`.
#pragma once

#include "config/challenge_commands.hpp"
#include "libacme/base/time.hpp"

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <variant>
#include <vector>

namespace certd::config {

// Where a secret is: an absolute path, or "credential:NAME" for a file of $CREDENTIALS_DIRECTORY. Never the secret.
using SecretSource = std::string;

struct DnsRfc2136 {
    std::vector<std::string> servers;  // "HOST" or "HOST:PORT"; empty: the primary that the zone's SOA names
    std::string key_name;
    std::string algorithm = "hmac-sha256";
    SecretSource secret_file;
    Duration ttl = minutes(1);
    bool operator==(const DnsRfc2136&) const = default;
};

using DnsExec = ChallengeCommands;

struct DnsLegoExec {
    std::vector<std::string> command;
    Duration timeout = minutes(5);
    std::string user;
    bool operator==(const DnsLegoExec&) const = default;
};

struct DnsHttpReq {
    std::string endpoint;
    std::optional<SecretSource> username_file, password_file;
    bool operator==(const DnsHttpReq&) const = default;
};

struct DnsAcmeDns {
    std::string server;
    SecretSource accounts_file;
    bool operator==(const DnsAcmeDns&) const = default;
};

struct DnsCloudflare {
    SecretSource token_file;
    std::string endpoint = "https://api.cloudflare.com/client/v4";
    bool operator==(const DnsCloudflare&) const = default;
};

struct DnsRoute53 {
    SecretSource access_key_file, secret_key_file;
    std::optional<SecretSource> session_token_file;
    std::optional<std::string> zone_id;  // unset: the public zone of the longest matching name
    std::string endpoint = "https://route53.amazonaws.com";
    bool operator==(const DnsRoute53&) const = default;
};

struct DnsProvider {
    struct Propagation {
        Duration timeout = minutes(2);
        Duration interval = seconds(5);
        std::uint32_t quorum = 0;            // 0: all
        std::vector<std::string> servers;    // "HOST" or "HOST:PORT"; empty: the NS set of the zone
        std::vector<std::string> resolvers;  // recursive ones asked after them: "ADDRESS" or "ADDRESS:PORT"
        bool operator==(const Propagation&) const = default;
    };
    std::string name;
    std::variant<std::monostate, DnsRfc2136, DnsExec, DnsLegoExec, DnsHttpReq, DnsAcmeDns, DnsCloudflare, DnsRoute53>
        kind;
    Propagation propagation;
    std::vector<std::string> domains;    // names at or below which it may be used; empty: all
    std::vector<std::string> resolvers;  // "ADDRESS" or "ADDRESS:PORT"; empty: the system's
    std::optional<std::string> ca_bundle;
    bool operator==(const DnsProvider&) const = default;
};

using DnsProviders = std::map<std::string, std::shared_ptr<const DnsProvider>>;  // by name

struct Dns01 {
    std::shared_ptr<const DnsProvider> provider;  // null only beside an error
    bool operator==(const Dns01& other) const {
        return provider == other.provider || (provider && other.provider && *provider == *other.provider);
    }
};

// dns-persist-01: a record that an operator has published once and that certd only looks for.
struct DnsPersist01 {
    std::optional<std::string> issuer;   // the CA's issuer domain name to publish; unset: the first it offers
    std::vector<std::string> servers;    // "HOST" or "HOST:PORT"; empty: the NS set of the zone
    std::vector<std::string> resolvers;  // "ADDRESS" or "ADDRESS:PORT"; empty: the system's
    bool operator==(const DnsPersist01&) const = default;
};

}  // namespace certd::config
