// What is known of a lineage at one moment: facts of its certificates and the state that survives restarts.
// Values only.
#pragma once

#include "daemon/lineage/decision.hpp"
#include "libacme/base/ids.hpp"
#include "libacme/base/json.hpp"
#include "libacme/base/problem.hpp"
#include "libacme/crypto/key.hpp"

#include <map>
#include <optional>
#include <string>
#include <vector>

namespace certd {

// The certificate for one key of a version.
struct CertificateFacts {
    KeyType key_type = KeyType::ecdsa_p256;
    std::string serial;       // lower-case hex
    std::string fingerprint;  // SHA-256 of the leaf, lower-case hex
    std::string issuer;       // untrusted text
    Time not_before, not_after;
    std::string authority_key_id;     // keyIdentifier of the issuer, lower-case hex; empty: the certificate names none
    std::optional<Time> key_created;  // unset: not known
    bool operator==(const CertificateFacts&) const = default;
};

// One version, as version.json records it: the certificate of the first key, and those of further ones. Immutable.
struct VersionFacts {
    VersionNumber number;
    std::vector<Identifier> names;  // sorted
    KeyType key_type = KeyType::ecdsa_p256;
    CaName ca;
    std::string directory_url;  // of the CA that issued it
    std::string serial;         // lower-case hex
    std::string fingerprint;    // SHA-256 of the leaf, lower-case hex
    std::string issuer;         // untrusted text
    Time not_before, not_after, issued_at;
    std::string authority_key_id;     // keyIdentifier of the issuer, lower-case hex; empty: the certificate names none
    std::string profile;              // as it was asked for; empty: none was
    std::optional<Time> key_created;  // of the first key; unset: not known
    std::string csr_key_sha256;       // of the SubjectPublicKeyInfo in the operator's request; empty: certd has the key
    std::vector<CertificateFacts> further;
    std::vector<std::string> order_urls;  // of the orders it came from, in the order of its keys

    Duration lifetime() const { return not_after - not_before; }
    CertificateFacts first() const;
    std::vector<CertificateFacts> certificates() const;  // all, the first key's first
    std::vector<KeyType> key_types() const;
    Time valid_from() const;   // from when all of its certificates are
    Time valid_until() const;  // until when
    bool operator==(const VersionFacts&) const = default;
};

enum class HostState { pending, deploying, deployed, failed, rolled_back };

constexpr std::string_view local_host_name = "local";

// One of the machines that a target is made of.
struct Place {
    TargetName target;
    std::string host{local_host_name};  // else the name of one of the target's hosts
    bool is_local() const { return host == local_host_name; }
    auto operator<=>(const Place&) const = default;
};
std::string text(const Place& place);  // "web", "fleet on web1.internal"

// How one place stands. With an empty target: the switch of `live` itself, kept only while that fails, so that its
// retries are spaced for a lineage without targets too.
struct TargetState {
    TargetName target;
    std::string host{local_host_name};
    HostState state = HostState::pending;
    VersionNumber version;           // the one deployed and verified; 0: none
    VersionNumber wanted;            // the one being or to be deployed
    std::string served_fingerprint;  // as last seen
    std::optional<Time> verified_at;
    std::optional<Time> looked_at;     // when it was last asked, whatever it showed
    std::optional<Time> emergency_at;  // of the version deployed: from then on no maintenance window is waited for
    std::optional<Problem> problem;
    std::uint32_t failures = 0;
    std::optional<Time> next_attempt;
    Place place() const { return {target, host}; }
    bool operator==(const TargetState&) const = default;
};

// What an endpoint that is only watched serves, from in order to out of order.
enum class Verdict {
    unknown,       // it was not looked at yet
    live,          // the live version, or the newest
    trusted,       // something else that may be served there
    awaited,       // something else, for which there is still time to make way
    old,           // another version of the lineage
    foreign,       // none of its versions
    untrusted,     // none of them, and no client accepts it
    broken_chain,  // the chain leads clients to no root
    wrong_name,    // not for the name that was asked for
    silent,        // nothing
    expiring,      // near its end
    expired
};
std::string_view to_string(Verdict verdict);  // "broken-chain"

// How one address of a target stands that is only watched (config::Target::is_watched).
struct EndpointState {
    TargetName target;
    std::string address;  // "cdn.example.com:443", "mx.example.com:25 (smtp)"
    Verdict verdict = Verdict::unknown;
    VersionNumber version;                      // which of the lineage it serves; 0: none of those that are kept
    std::string served_fingerprint;             // of what was seen last, as are the next three
    std::string served_subject, served_issuer;  // untrusted text
    std::optional<Time> served_not_after;
    std::optional<Time> near_end_at;    // from when on what it serves is near its end
    std::optional<Time> verified_at;    // when it was last in order
    std::optional<Time> looked_at;      // when it was last asked, whatever it showed
    VersionNumber wanted;               // the live version when it was looked at
    std::optional<Time> awaited_since;  // from when its time for taking over `wanted` counts; unset: it has none
    std::optional<Problem> problem;
    bool operator==(const EndpointState&) const = default;
};

// Attempts at one CA. Persisted, so that a restart neither forgets nor repeats them.
struct CaAttempts {
    std::uint32_t failures = 0;  // in a row
    std::optional<Time> last_attempt;
    std::optional<Time> next_attempt;
    std::optional<Problem> problem;
    std::vector<std::string> refused;  // challenge types that proved nothing since the last success, oldest first
    bool staging_first = false;        // the last attempt failed in a way that the CA's staging would show as well
    bool operator==(const CaAttempts&) const = default;
};

// A name of the lineage that a CA refused when it was asked for it last. Recorded where the lineage may go on without
// (allow_subset_of_names), until the name is in a certificate.
struct NameRefusal {
    Identifier name;
    Problem problem;
    std::uint32_t failures = 0;          // attempts in a row
    Time since, last_attempt;            // the first and the last of them
    Time next_attempt;                   // when the name is asked for again, should a certificate lack it
    std::vector<std::string> ways = {};  // of proof that failed; empty: it was refused before any
    bool operator==(const NameRefusal&) const = default;
};

// The window in which the CA would like to see a certificate renewed (RFC 9773 §4.2).
struct AriWindow {
    Time start, end;
    Time selected;                // drawn from it once, kept while it stays the same
    std::string explanation_url;  // escaped text of the CA
    bool moved_earlier = false;   // it took the place of one that began later
    bool operator==(const AriWindow&) const = default;
};

// What is known of the CA's renewal information for one certificate of a version. Persisted, so that a restart neither
// draws nor asks again.
struct AriState {
    VersionNumber version;            // of no meaning for any other
    std::optional<AriWindow> window;  // none before the first good answer
    Time next_poll;
    std::uint32_t failures = 0;  // questions without a good answer in a row …
    std::string problem;         // … and the code of the last one's problem
    bool operator==(const AriState&) const = default;
};

struct HistoryEntry {
    Time at;
    std::string what;  // "issued version 4 from letsencrypt"
    std::string code;  // of the problem, when it is one
    bool operator==(const HistoryEntry&) const = default;
};
constexpr std::size_t history_limit = 50;

// How one command of the operator ended: a hook, a script of a hook directory, or an exec step.
struct HookRun {
    Time at;                                   // when it had ended
    std::string hook;                          // "pre", "deploy", "post", "pre-issue", "post-issue", "exec"
    std::string command;                       // for people: one escaped line
    std::string target, host;                  // of a deployment, else empty
    std::optional<std::uint32_t> exit_status;  // unset: it did not exit by itself, or could not be run
    std::uint32_t signal = 0;                  // that ended it
    bool timed_out = false;
    std::uint32_t took_ms = 0;
    std::string output;  // the end of what it said: one escaped line, at most hook_output_limit
    std::string code;    // of the problem, when it is one
    bool operator==(const HookRun&) const = default;
};
constexpr std::size_t hook_runs_limit = 30;
constexpr std::size_t hook_output_limit = 1024;

// state.json of a lineage.
struct LineageState {
    std::map<CaName, CaAttempts> attempts;
    std::optional<AriState> ari;  // none: the CA offered no renewal information when the newest version was issued
    std::map<KeyType, AriState> further_ari;  // the same for the certificates of further keys
    VersionNumber live, newest;               // newest: the last one issued, deployed or not
    std::vector<VersionNumber> rejected;      // rolled back from by hand: never deployed again
    bool held = false;                        // after a manual rollback, until a new version is issued or `resume`
    bool paused = false;
    bool renew_requested = false;  // a forced renewal that was asked for and not yet finished
    std::vector<TargetState> targets;
    std::vector<EndpointState> endpoints;
    std::vector<NameRefusal> refused_names;
    std::optional<Problem> last_problem;
    std::optional<Time> last_success;
    std::optional<Time> persist_until;  // when the first of the records seen for dns-persist-01 runs out
    std::string config_digest;          // policy_digest at the last failure: a change clears back-off
    std::vector<HistoryEntry> history;  // newest last, bounded
    std::vector<HookRun> hooks;         // likewise
    std::vector<Decision> decisions;    // likewise
    bool operator==(const LineageState&) const = default;
};

// Each appends, and drops the oldest beyond the limit.
void remember(LineageState& state, HistoryEntry entry);
void remember(LineageState& state, HookRun run);
void remember(LineageState& state, Decision decision);

Json to_json(const VersionFacts& facts);
Result<VersionFacts> version_facts_from_json(const Json& json);  // problem storage.corrupt
Json to_json(const LineageState& state);
// Problem storage.corrupt; unknown members are kept out.
Result<LineageState> lineage_state_from_json(const Json& json);
std::string_view to_string(HostState state);  // "rolled-back"

}  // namespace certd
