// Requests and responses of the control API (contrib/docs/CONTROL-API.md), shared by certd and certctl so that they
// cannot drift apart. Fields may be added; unknown ones in a response are never an error.
#pragma once

#include "libacme/base/json.hpp"
#include "libacme/base/problem.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace certd::api {

struct Next {
    std::string action;  // "issue", "deploy", "none"
    std::optional<Time> at;
    std::vector<std::string> reasons;
};

struct Ari {
    std::optional<Time> start, end, selected;
    std::string explanation_url;
};

// Whether the certificates in use are in the CRL that they name.
struct Revocation {
    std::string status;  // "good", "revoked", "unknown" (not known at the moment), "not-checked" (there is no CRL)
    std::string url;     // of the CRL
    std::optional<Time> checked_at, good_until, next_check;  // good_until: when what is known of the CRL runs out
    std::optional<Time> revoked_at;
    std::string reason;              // "keyCompromise", as RFC 5280 §5.3.1 calls it
    std::optional<Problem> problem;  // why the last CRL could not be had, or be used
};

struct Target {
    std::string target, host, state;
    std::uint32_t version = 0;
    std::string served_fingerprint;
    std::optional<Time> verified_at;
    std::optional<Problem> problem;
    std::optional<Time> next_attempt;
    // Of an endpoint that is only watched (state "watched"): what it was found to serve, "live", "old", "silent" …,
    // until when it has time to take over the live version, and the certificate that was seen.
    std::string verdict = {};
    std::optional<Time> grace_until = {}, looked_at = {};
    std::optional<Time> served_not_after = {};
    std::string served_subject = {}, served_issuer = {};
    std::string step = {};  // what a running deployment does there: "install", "verify" …; empty: nothing
};

// Hosts that were seen to serve the same certificate when they were last asked.
struct ServedGroup {
    std::uint32_t version = 0;  // 0: none that certd knows
    std::string fingerprint;    // empty: they never showed one
    std::vector<std::string> hosts;
};

// How a version comes to the hosts of a target, or how far it has come.
struct Rollout {
    std::string target;
    std::uint32_t version = 0;
    // While it runs "canary", "batch", "pausing", "going-back"; else "complete", "incomplete" (it went through all
    // hosts and some failed), "stopped", "rolled-back" or "pending" (not begun).
    std::string phase;
    bool running = false;
    std::uint32_t batch = 0, batches = 0;  // of those after the canaries; 0: not known, or none yet
    std::optional<Time> started, paused_until;
    std::optional<Time> next_attempt;                               // of one that is to go on
    std::uint32_t total = 0, serving = 0, failed = 0, pending = 0;  // hosts; serving: seen to serve `version`
    std::vector<std::string> hosts;                                 // in the order of the rollout
    std::vector<std::string> failed_hosts;                          // those that stopped it, or that it passed over
    std::vector<ServedGroup> served;
};

struct Version {
    std::uint32_t version = 0;
    Time not_after{};
    std::string status;  // "live", "pending", "previous", "rejected", "old"
    std::string serial, fingerprint_sha256;
};

// The live certificate for one of a lineage's keys.
struct KeyCertificate {
    std::string key_type;
    std::string serial, fingerprint_sha256;
    Time not_before{}, not_after{};
    std::optional<Time> key_created;  // unset: not known
    std::optional<Time> key_until;    // renewals before this use the key again; unset: the next one makes a new key
    // "sha256/…" (RFC 7469 §2.4), "3 1 1 …" (RFC 6698); empty: not looked up
    std::string pin = {}, tlsa = {};
};

// The key that the next version will have, made ahead.
struct NextKey {
    std::string key_type;
    Time created{};
    std::string pin, tlsa;
};

// A name that a CA refused, where the lineage may go on without (allow_subset_of_names).
struct RefusedName {
    std::string name;
    Problem problem;
    Time since{};
    std::uint32_t failures = 0;  // attempts in a row
    bool covered = false;        // the live certificate has it all the same
    std::optional<Time> next_attempt;
};

// How a hook, a script of a hook directory or an exec step ended.
struct HookRun {
    Time at{};
    std::string hook;                          // "pre", "deploy", "post", "pre-issue", "post-issue", "exec"
    std::string command;                       // escaped, one line
    std::string target, host;                  // of a deployment, else empty
    std::optional<std::uint32_t> exit_status;  // unset: it did not exit by itself, or could not be run
    std::uint32_t signal = 0;                  // that ended it; 0: none did
    bool timed_out = false;
    std::uint32_t took_ms = 0;
    std::string output;  // the end of what it said, escaped, one line
    std::string code;    // of the problem, when it is one
};

// DESIGN §6; `view=table` fills only what the status table needs.
struct Lineage {
    std::string name;
    std::vector<std::string> names, issued_names;
    std::string state, health;
    std::string ca, key_type;
    std::uint32_t version = 0;  // live; 0: none yet
    std::string serial, fingerprint_sha256;
    std::optional<Time> not_before, not_after;
    std::string csr;                           // file with the operator's request; empty: certd makes the key
    std::vector<KeyCertificate> certificates;  // for each of its keys; the members above are about the first
    std::vector<NextKey> next_keys;
    std::vector<std::string> tlsa_owners;  // where the TLSA records belong: "_443._tcp.example.com"
    Next next;
    std::optional<Time> last_success;
    std::optional<Problem> last_problem;
    std::uint32_t failures = 0;
    std::optional<Ari> ari;
    std::optional<Revocation> revocation;  // of one lineage in full; unset: looking is switched off
    std::vector<Target> targets;
    std::vector<Version> versions;
    std::vector<RefusedName> refused_names;
    std::vector<HookRun> hooks;     // of one lineage in full: the last runs, newest last
    std::string served;             // of all targets: "yes", "no", "partly", "unknown", "-" (no target)
    std::string step;               // of the running job, for the live line
    std::vector<Rollout> rollouts;  // of its targets with hosts
    std::uint64_t last_event = 0;   // the latest event when this was written; 0: not told
};

struct HistoryEntry {
    Time at{};
    std::string what, code;
};

// What certd decided about a lineage, as it was recorded when it was decided.
struct Decision {
    Time at{};
    std::string kind;         // "issue", "deploy", "hold", "put-back" …
    std::string decision;     // our words: "Order a certificate from letsencrypt"
    std::optional<Time> due;  // when it is carried out; unset: at once, or no time was known
    std::vector<std::string> reasons;
    Json facts;      // an object of texts
    std::string by;  // who asked: "uid 0: renew --force"; empty: nobody
};

struct Explanation {
    Lineage lineage;
    std::vector<std::string> why;   // our sentences: why it is in this state
    std::vector<std::string> then;  // what happens next, when, because of which rule
    std::string cause, remedy;      // of the last problem, from the catalogue
    std::vector<HistoryEntry> history;
    std::vector<Decision> decisions;  // newest last
};

struct PlanEntry {
    std::string lineage, action;
    Time at{};
    std::vector<std::string> reasons;
};

// One rate limit of a CA of which something is used.
struct LimitUse {
    std::string ca, kind;  // "orders", "domain", "exact-set", "failures"; "paused": the CA refuses the names
    std::string key;       // the registered domain, the name …
    std::uint32_t used = 0, capacity = 0;
    Time next{};       // when one more is allowed
    Time full_at{};    // when nothing is used any more
    std::string page;  // of "paused": where people end it; an https URL
};

// One line of a preflight.
struct CheckFinding {
    std::string check;   // "ca.letsencrypt.reachable", "challenge.http-01"
    std::string result;  // "ok", "warning", "blocked": a renewal cannot succeed as things are
    std::string text;
    std::string hint;
    std::string name = {};  // the name of the lineage it is about; empty: all of it
};

// An account at a CA.
struct Account {
    std::string ca, directory, url;
    std::vector<std::string> contact;  // "mailto:ops@example.com"
    std::string key_type, thumbprint;  // of its key (RFC 7638)
    std::string terms_of_service;      // the URL agreed to
    std::optional<Problem> problem;    // no orders are placed because of this
};

// What a CA lists of an account's orders (RFC 8555 §7.1.2.1).
struct OrderList {
    bool offered = false, complete = true;
    std::vector<std::string> urls;
};

// Something that is wrong and that people are told of.
struct Incident {
    std::string key;  // "example.com/target/web", "ca/letsencrypt"
    std::string kind, severity, title;
    std::string lineage;  // empty: the daemon as a whole
    Time since{};
    std::optional<Time> over;  // since when it is over; its end is told once it has stayed so
    std::optional<Problem> problem;
    std::vector<std::string> told;  // the notifiers that know of it
};

// One of those who are told of incidents.
struct Notifier {
    std::string name, kind;  // "email"
    std::string to;          // without secrets: "ops@example.com", "https://hooks.example.com/…"
    std::string severity;    // the least it is told of
    std::uint32_t queued = 0;
    std::uint64_t delivered = 0, failed = 0, dropped = 0;  // messages since certd started; failed: attempts
    std::optional<Time> last_delivery;
    std::optional<Problem> problem;  // of the last attempt
    std::optional<Time> next_attempt;
};

struct Notifications {
    std::vector<Notifier> notifiers;
    std::vector<Incident> incidents;
};

// How a test message fared.
struct NotifyTest {
    std::string notifier;
    bool delivered = false;
    std::string answer;  // of the receiver
    std::optional<Problem> problem;
};

struct DaemonStatus {
    std::string version;
    Time started{}, now{};
    std::uint64_t pid = 0;
    std::size_t lineages = 0, running = 0;
    std::string config_file;
    std::optional<Problem> config_problem;  // a refused reload
    std::optional<Problem> notify_problem;  // a notifier that cannot deliver
};

// A place at which a deployment was rehearsed: of its steps those that were, and those that only a deployment can do.
struct RehearsedPlace {
    std::string target, host;
    std::vector<std::string> steps, not_rehearsed;  // "install", "test", "reload" …
};

// Result of a finished job (renew, deploy, rollback) or of a plain verb (pause, resume, reload, revoke, of accounts).
struct JobResult {
    // "issued", "deployed", "rolled-back", "not-due", "rehearsed"; "paused", "resumed", "reloaded", "revoked";
    // "key-changed", "deactivated", "imported"
    std::string lineage, outcome;
    std::uint32_t version = 0;
    std::string message;
    std::vector<RehearsedPlace> rehearsed = {};  // of outcome "rehearsed"
};

// The answer with 202 to a request with `"wait": false`.
struct JobStarted {
    std::string lineage;
    std::uint64_t job = 0;
    bool joined = false;  // it was running already
};

// An event as certctl shows it; certd writes it from its own type (daemon/observe/event.hpp).
struct Event {
    std::uint64_t id = 0;
    std::optional<Time> at;
    std::string type, severity;  // "renewal.step", "info"
    std::string lineage, target, host;
    std::uint64_t job = 0;
    std::string message;
    std::optional<Problem> problem;
    Json data;
};

// With `table_only` the members of the status table, those without a value left out; else all of them, null where
// unknown.
Json to_json(const Lineage& value, bool table_only = false);
// The same text as to_text(to_json(value, true)), appended without building a tree: there may be 10,000 of them.
void append_table_row(std::string& out, const Lineage& value);
Json to_json(const Explanation& value);
Json to_json(const PlanEntry& value);
Json to_json(const LimitUse& value);
Json to_json(const CheckFinding& value);
Json to_json(const Account& value);
Json to_json(const OrderList& value);
Json to_json(const Notifications& value);
Json to_json(const NotifyTest& value);
Json to_json(const DaemonStatus& value);
Json to_json(const JobResult& value);
Json to_json(const JobStarted& value);
// Lenient: absent members and members of another type keep their defaults.
Lineage lineage_from_json(const Json& json);
Explanation explanation_from_json(const Json& json);
PlanEntry plan_entry_from_json(const Json& json);
LimitUse limit_use_from_json(const Json& json);
CheckFinding check_finding_from_json(const Json& json);
Account account_from_json(const Json& json);
OrderList order_list_from_json(const Json& json);
Notifications notifications_from_json(const Json& json);
NotifyTest notify_test_from_json(const Json& json);
DaemonStatus daemon_status_from_json(const Json& json);
JobResult job_result_from_json(const Json& json);
JobStarted job_started_from_json(const Json& json);
Event event_from_json(const Json& json);

// `wait`: whether the answer is the stream of the job, or 202 as soon as it has started.
struct RenewRequest {
    bool force = false, dry_run = false, wait = true;
};
struct RollbackRequest {
    std::uint32_t to = 0;  // 0: the previous one
    bool wait = true;
};
struct DeployRequest {
    std::string target, host;  // empty: all
    bool wait = true, dry_run = false;
};
struct RevokeRequest {
    std::uint32_t version = 0;  // 0: the live one
    std::string reason;         // "key-compromise" …; empty: unspecified
    std::string with;           // "account", "certificate-key": who signs; empty: the account
};
struct NotifyTestRequest {
    std::string name;  // of a notifier; empty: all
};
struct ImportRequest {
    std::string key;  // text of the key file
};
struct NoArguments {};
Json to_json(const RenewRequest& value);
Json to_json(const RollbackRequest& value);
Json to_json(const DeployRequest& value);
Json to_json(const RevokeRequest& value);
Json to_json(const ImportRequest& value);
Json to_json(const NotifyTestRequest& value);
// Strict: an unknown member or a wrong type is control.badRequest.
Result<RenewRequest> renew_request_from_json(const Json& json);
Result<RollbackRequest> rollback_request_from_json(const Json& json);
Result<DeployRequest> deploy_request_from_json(const Json& json);
Result<RevokeRequest> revoke_request_from_json(const Json& json);
Result<ImportRequest> import_request_from_json(const Json& json);
Result<NotifyTestRequest> notify_test_request_from_json(const Json& json);
Result<NoArguments> no_arguments_from_json(const Json& json);

}  // namespace certd::api
