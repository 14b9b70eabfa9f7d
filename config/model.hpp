// The configuration as immutable values with their defaults. One Config is one snapshot: loaded whole, replaced whole.
// The key of each member, its type, range and text are rows of schema.cpp.
#pragma once

#include "config/dns.hpp"
#include "config/maintenance.hpp"
#include "config/notify.hpp"
#include "libacme/base/bytes.hpp"
#include "libacme/base/ids.hpp"
#include "libacme/base/problem.hpp"
#include "libacme/base/start_tls.hpp"
#include "libacme/base/time.hpp"
#include "libacme/crypto/key.hpp"

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include <sys/types.h>

namespace certd::config {

// Where a value stands, for messages: "certd.yaml:12:7". It is no part of the value: a target that only moved to
// another line has not changed, so any two locations compare equal.
struct Location {
    std::shared_ptr<const std::string> file;
    std::uint32_t line = 0, column = 0;
    bool operator==(const Location&) const { return true; }
};

// An argv list, run without a shell; `{ shell: "…" }` becomes {"/bin/sh", "-c", "…"}.
struct CommandLine {
    std::vector<std::string> argv;
    bool empty() const { return argv.empty(); }
    bool operator==(const CommandLine&) const = default;
};

enum class HookInput { facts, bundle };  // JSON on stdin; bundle: with the texts of the certificate and its key

struct Hook {  // a command with the certbot-compatible environment
    CommandLine command;
    Duration timeout = minutes(5);
    std::string user;  // empty: certd's own
    HookInput input = HookInput::facts;
    std::string working_directory = "/";
    bool operator==(const Hook&) const = default;
};

// certbot's directories of scripts: pre, deploy and post below `directory`.
struct RenewalHooks {
    std::string directory;          // absolute; empty: there are none
    Duration timeout = minutes(5);  // of each script
    std::string user;               // empty: certd's own
    std::string working_directory = "/";
    bool empty() const { return directory.empty(); }
    bool operator==(const RenewalHooks&) const = default;
};

enum class LimitsModel { none, letsencrypt };

// RFC 8555 §7.3.4: what the CA gave out for creating an account.
struct ExternalAccount {
    std::string kid;
    std::string mac_key_file;  // a path, or "credential:NAME"
    std::string algorithm = "HS256";
    bool operator==(const ExternalAccount&) const = default;
};

// The kind of certificate to ask for, among those the CA advertises.
struct Profile {
    std::optional<std::string> name;
    bool required = false;  // else: the CA's default when it does not offer this one
    bool operator==(const Profile&) const = default;
};

struct Ca {
    CaName name;
    std::string directory;             // https URL
    std::vector<std::string> contact;  // without "mailto:"
    bool agree_tos = false;
    std::optional<std::string> ca_bundle;  // PEM file that the CA's own TLS certificate must chain to
    std::optional<std::string> proxy;      // http://host:port
    KeyType account_key = KeyType::ecdsa_p256;
    LimitsModel limits = LimitsModel::none;
    std::size_t parallel_orders = 4;
    std::optional<std::string> preferred_chain;
    std::optional<ExternalAccount> external_account;
    Profile profile;
    std::optional<CaName> staging;  // asked first after a failure; its certificates are thrown away
    Location location;
    bool operator==(const Ca&) const = default;
};

struct Challenge {  // how names are proven; the solvers in order of preference
    struct Http01 {
        std::optional<std::string> webroot;     // neither: answered by http_challenge.listen
        std::optional<ChallengeCommands> exec;  // never both
        bool operator==(const Http01&) const = default;
    };
    struct TlsAlpn01 {  // answered by tls_challenge.listen
        bool operator==(const TlsAlpn01&) const = default;
    };
    std::optional<Http01> http01;
    std::optional<Dns01> dns01;
    std::optional<TlsAlpn01> tls_alpn01;
    std::optional<Dns01> dns_account01;
    std::optional<DnsPersist01> dns_persist01;
    std::vector<std::string> order;  // the types as they were written: "http-01"
    bool operator==(const Challenge&) const = default;
};

// The way of proof for some of a lineage's names.
struct NameChallenge {
    std::string pattern;  // a name, or ".example.com" for every name that ends so
    Challenge challenge;
    bool operator==(const NameChallenge&) const = default;
};

// combined: privkey, then fullchain; pkcs12: all of it in one file with a password.
enum class Part { cert, chain, fullchain, privkey, combined, pkcs12 };
enum class Format { pem, der };

struct InstallStep {
    Part part = Part::fullchain;
    std::string path;                         // absolute
    mode_t mode = 0644;                       // default 0600 for what holds the private key
    std::optional<std::string> owner, group;  // user and group names or numbers
    Format format = Format::pem;              // der: of cert and privkey only
    std::string password_file;                // of pkcs12: a path, or "credential:NAME"
    std::optional<KeyType> key;               // of which of the lineage's certificates; unset: of its first key's
    Location location;
    bool operator==(const InstallStep&) const = default;
};

struct Reload {  // at most one of unit and command is set; nothing at all: no reload
    std::string systemd_unit;
    CommandLine command;
    std::string haproxy;  // socket of its runtime API, which comes first; unit or command are then what to fall back to
    bool runs_program() const { return !systemd_unit.empty() || !command.empty(); }
    bool empty() const { return haproxy.empty() && !runs_program(); }
    bool operator==(const Reload&) const = default;
};

struct VerifyAddress {
    StartTls start = StartTls::none;
    std::string address;  // "host:port"
    bool operator==(const VerifyAddress&) const = default;
};

enum class Accept {
    ours,    // the live version
    trusted  // that, and any certificate for the name that leads to a trusted root and is not near its end
};

struct Verify {
    std::vector<VerifyAddress> addresses;
    std::vector<std::string> server_names;  // SNI; empty: each name of the lineage
    Duration timeout = seconds(30);
    Duration interval = milliseconds(500);  // between probes that still see the old certificate
    Duration every = hours(12);             // between looks at what is served, long after the deployment
    // The rest is about targets that are only watched.
    Duration grace = hours(24);            // after a deployment, to take over the new version
    Accept accept = Accept::ours;          // what they may serve
    std::optional<std::string> ca_bundle;  // PEM file with roots that count as trusted beside the system's
    bool operator==(const Verify&) const = default;
};

// Another machine that certd deploys to by ssh.
struct RemoteHost {
    std::string name;     // as it was written, and how it is called everywhere: "web1.internal", "10.0.0.7:2222"
    std::string address;  // name or address to connect to
    std::uint16_t port = 22;
    Location location;
    bool operator==(const RemoteHost&) const = default;
};

struct Ssh {
    std::string user;                          // empty: what ssh takes by itself
    std::optional<std::string> identity_file;  // unset: what ssh takes by itself
    std::optional<std::string> known_hosts;    // unset: what ssh takes by itself; an unknown host is refused anyway
    Duration connect_timeout = seconds(10);
    Duration request_timeout = seconds(15);  // for the answer to one request, beside the time of a command it runs
    bool operator==(const Ssh&) const = default;
};

// How a version comes to the hosts of a target.
struct Rollout {
    enum class OnFailure {
        rollback,  // the hosts that got the version in this rollout go back as well
        stop,      // they keep it, and no further host gets it
        go_on      // every host is tried
    };
    enum class Order { listed, reversed, shuffled };  // shuffled: another one for each version
    std::uint32_t canary = 1;                         // hosts to come first, one after another; 0: none
    std::uint32_t batch = 1;                          // hosts at a time after that
    std::uint32_t max_failures = 0;                   // of hosts, before on_failure is applied
    Duration pause_between = Duration::zero();        // after the canaries and after each batch
    OnFailure on_failure = OnFailure::stop;
    Order order = Order::listed;
    bool operator==(const Rollout&) const = default;
};

struct Target {
    TargetName name;
    std::vector<RemoteHost> hosts;  // as configured; empty: this machine
    Ssh ssh;
    Rollout rollout;
    std::string service;  // whose test, reload and verification were filled in; empty: none
    std::vector<InstallStep> install;
    std::vector<Hook> exec;  // after install, before test: hook environment, e.g. to convert formats
    CommandLine test;
    CommandLine rehearse;  // in place of `test` in a rehearsal; empty: `test` itself
    Reload reload;
    Verify verify;
    Duration command_timeout = minutes(1);       // of test, rehearse and reload
    std::vector<MaintenanceWindow> maintenance;  // empty: any time
    // Set: the target was not written by anybody. It stands for the deploy scripts of a directory, and has nothing
    // else.
    RenewalHooks renewal_hooks;
    bool reads_live = false;  // the service takes up what `live` names, without a reload
    Location location;
    bool operator==(const Target&) const = default;

    // Nothing there is in certd's hands: it is looked at, and neither deployed to nor waited for.
    bool is_watched() const {
        return install.empty() && exec.empty() && test.empty() && reload.empty() && hosts.empty() && !reads_live &&
               !verify.addresses.empty();
    }
};

constexpr bool is_rsa(KeyType type) {
    return type != KeyType::ecdsa_p256 && type != KeyType::ecdsa_p384;
}

// A request that the operator made for a key that certd does not have, as it was read with the configuration.
struct CertificateRequest {
    std::string path;
    std::optional<Problem> problem;  // why it cannot be used; the rest is empty then
    Bytes der;
    std::vector<Identifier> names;  // sorted
    std::string key_sha256;         // of its SubjectPublicKeyInfo, lower-case hex
    bool operator==(const CertificateRequest&) const = default;
};

struct Lineage {
    std::string name;
    std::vector<Identifier> names;                   // as configured, first is the primary one; unique
    std::vector<CaName> cas;                         // in order of preference
    std::vector<KeyType> keys{KeyType::ecdsa_p256};  // a certificate for each; at most one ECDSA and one RSA
    std::optional<Duration> key_max_age;             // a key is used again until it is so old; unset: never
    bool next_key = false;                           // the key of the next version is made ahead
    std::optional<CertificateRequest> csr;           // set: the operator has the key; `keys` is its type
    Challenge challenge;
    std::vector<NameChallenge> name_challenges;  // for the names they fit, in place of `challenge`
    Profile profile;                             // without a name: the CA's own
    std::vector<TargetName> targets;             // the one for `renewal_hooks` first
    std::vector<Hook> pre_issue, post_issue;
    RenewalHooks renewal_hooks;
    std::uint32_t keep_versions = 5;
    bool allow_subset_of_names = false;  // names that the CA refuses do not hold up the others
    Location location;
};

struct Control {
    std::string socket = "/run/certd/control.sock";
    std::string group = "certd";       // members are operators; empty: root only
    std::vector<std::string> viewers;  // groups whose members may read
    std::vector<std::string> admins;   // groups whose members may do everything
    bool operator==(const Control&) const = default;
};

enum class ListenMode { when_needed, always };

struct ChallengeListener {
    std::vector<std::string> listen;  // "[::]:80"; "systemd:NAME" for a passed socket (LISTEN_FDNAMES)
    ListenMode mode = ListenMode::when_needed;
    bool operator==(const ChallengeListener&) const = default;
};

// What monitoring and people with a browser are shown over TCP.
struct MetricsListener {
    std::optional<std::string> listen;    // "127.0.0.1:9402"
    std::string token_file;               // of the bearer token to ask for: a path, or "credential:NAME"; empty: none
    bool page = true;                     // the status page as well
    std::optional<std::string> textfile;  // for node_exporter
    Duration textfile_interval = minutes(1);
    Location location;
    bool operator==(const MetricsListener&) const = default;
};

// Whether only this machine can connect to what listens there.
inline bool is_loopback(std::string_view listen) {
    return listen.starts_with("127.") || listen.starts_with("[::1]:") || listen.starts_with("localhost:");
}

struct Log {
    enum class Format { text, json };
    std::string level = "info";
    std::optional<std::string> file;  // rotating; unset: stderr with journald priorities when it is not a terminal
    std::uint64_t max_size = 10'000'000;
    std::uint32_t max_files = 5;
    Format format = Format::text;
    bool operator==(const Log&) const = default;
};

// The journal of what was done, and who asked for it.
struct Audit {
    Duration keep = days(400);            // at least; a file goes when its last line is older
    std::uint64_t max_size = 10'000'000;  // of a file in octets, before the next is begun
    bool operator==(const Audit&) const = default;
};

// Whether the certificates in use are looked up in the CRLs that they name.
struct Revocation {
    bool crl = true;
    Duration interval = hours(6);         // at most, between two looks at the same CRL
    std::uint64_t max_size = 64'000'000;  // of a CRL in octets
    bool operator==(const Revocation&) const = default;
};

struct Config {
    std::string state_dir = "/var/lib/certd";
    Control control;
    MetricsListener metrics;
    ChallengeListener http_challenge, tls_challenge;
    Log log;
    Audit audit;
    Revocation revocation;
    std::size_t parallel_orders = 8;  // over all CAs
    Duration jitter = hours(1);       // at most this (or 1/50 of the lifetime) is added to a renewal time
    std::optional<CaName> dry_run_ca;
    std::vector<std::string> resolvers;  // "ADDRESS" or "ADDRESS:PORT"; empty: the system's
    DnsProviders dns_providers;
    Notifiers notifiers;
    std::map<CaName, Ca> cas;
    std::map<TargetName, Target> targets;
    std::map<std::string, std::shared_ptr<const Lineage>> lineages;  // by name
};

using ConfigPtr = std::shared_ptr<const Config>;

// How `name` of the lineage is proven: by the pattern that is this name, else by the longest that fits.
const Challenge& challenge_for(const Lineage& lineage, const Identifier& name);

bool holds_key(Part part);
std::string_view to_string(Part part);  // "fullchain"
std::string file_name(Part part);       // "fullchain.pem"

}  // namespace certd::config
