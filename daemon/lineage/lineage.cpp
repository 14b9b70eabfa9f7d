// The JSON of version facts and lineage state, each from its one list of members, and the bounded history.
#include "daemon/lineage/lineage.hpp"

#include "daemon/lineage/codec.hpp"
#include "libacme/base/names.hpp"

#include <algorithm>
#include <array>

namespace certd {

namespace {

constexpr std::array<std::string_view, 5> host_state_names{"pending", "deploying", "deployed", "failed", "rolled-back"};
constexpr std::array<std::string_view, 12> verdict_names{"unknown",    "live",    "trusted",   "awaited",
                                                         "old",        "foreign", "untrusted", "broken-chain",
                                                         "wrong-name", "silent",  "expiring",  "expired"};

std::optional<HostState> host_state_from(std::string_view text) {
    return enum_from<HostState>(text, host_state_names);
}

std::optional<Verdict> verdict_from(std::string_view text) {
    return enum_from<Verdict>(text, verdict_names);
}

}  // namespace

std::string_view to_string(HostState state) {
    return host_state_names.at(static_cast<std::size_t>(state));
}

std::string_view to_string(Verdict verdict) {
    return verdict_names.at(static_cast<std::size_t>(verdict));
}

namespace codec {

template <>
struct Coder<Verdict> : NameCoder<Verdict, verdict_from> {};
template <>
struct Coder<HostState> : NameCoder<HostState, host_state_from> {};
template <>
struct Coder<Decision> {
    static Json encode(const Decision& value) { return to_json(value); }
    static bool decode(const Json& json, Decision& value) {
        std::optional<Decision> read = decision_from_json(json);
        if (!read) return false;
        value = *std::move(read);
        return true;
    }
};

template <class Visit>
static void fields(Is<CertificateFacts> auto& facts, Visit& visit) {
    visit("key_type", facts.key_type);
    visit("serial", facts.serial);
    visit("fingerprint_sha256", facts.fingerprint);
    visit("issuer", facts.issuer);
    visit("not_before", facts.not_before);
    visit("not_after", facts.not_after);
    visit.optional("authority_key_id", facts.authority_key_id);
    visit.optional("key_created", facts.key_created);
}

template <class Visit>
static void fields(Is<VersionFacts> auto& facts, Visit& visit) {
    visit("number", facts.number);
    visit("names", facts.names);
    visit("key_type", facts.key_type);
    visit("ca", facts.ca);
    visit("directory_url", facts.directory_url);
    visit("serial", facts.serial);
    visit("fingerprint_sha256", facts.fingerprint);
    visit("issuer", facts.issuer);
    visit("not_before", facts.not_before);
    visit("not_after", facts.not_after);
    visit("issued_at", facts.issued_at);
    visit.optional("authority_key_id", facts.authority_key_id);
    visit.optional("profile", facts.profile);
    visit.optional("key_created", facts.key_created);
    visit.optional("csr_key_sha256", facts.csr_key_sha256);
    visit.optional("further", facts.further);
    visit.optional("order_urls", facts.order_urls);
}

template <class Visit>
static void fields(Is<CaAttempts> auto& attempts, Visit& visit) {
    visit("failures", attempts.failures);
    visit.optional("last_attempt", attempts.last_attempt);
    visit.optional("next_attempt", attempts.next_attempt);
    visit.optional("problem", attempts.problem);
    visit.optional("refused", attempts.refused);
    visit.optional("staging_first", attempts.staging_first);
}

template <class Visit>
static void fields(Is<AriWindow> auto& window, Visit& visit) {
    visit("start", window.start);
    visit("end", window.end);
    visit("selected", window.selected);
    visit.optional("explanation_url", window.explanation_url);
    visit.optional("moved_earlier", window.moved_earlier);
}

template <class Visit>
static void fields(Is<AriState> auto& ari, Visit& visit) {
    visit("version", ari.version);
    visit.optional("window", ari.window);
    visit("next_poll", ari.next_poll);
    visit.optional("failures", ari.failures);
    visit.optional("problem", ari.problem);
}

template <class Visit>
static void fields(Is<TargetState> auto& target, Visit& visit) {
    visit("target", target.target);
    visit("host", target.host);
    visit("state", target.state);
    visit.optional("version", target.version);
    visit.optional("wanted", target.wanted);
    visit.optional("served_fingerprint", target.served_fingerprint);
    visit.optional("verified_at", target.verified_at);
    visit.optional("looked_at", target.looked_at);
    visit.optional("emergency_at", target.emergency_at);
    visit.optional("problem", target.problem);
    visit.optional("failures", target.failures);
    visit.optional("next_attempt", target.next_attempt);
}

template <class Visit>
static void fields(Is<EndpointState> auto& endpoint, Visit& visit) {
    visit("target", endpoint.target);
    visit("address", endpoint.address);
    visit("verdict", endpoint.verdict);
    visit.optional("version", endpoint.version);
    visit.optional("served_fingerprint", endpoint.served_fingerprint);
    visit.optional("served_subject", endpoint.served_subject);
    visit.optional("served_issuer", endpoint.served_issuer);
    visit.optional("served_not_after", endpoint.served_not_after);
    visit.optional("near_end_at", endpoint.near_end_at);
    visit.optional("verified_at", endpoint.verified_at);
    visit.optional("looked_at", endpoint.looked_at);
    visit.optional("wanted", endpoint.wanted);
    visit.optional("awaited_since", endpoint.awaited_since);
    visit.optional("problem", endpoint.problem);
}

template <class Visit>
static void fields(Is<NameRefusal> auto& refusal, Visit& visit) {
    visit("name", refusal.name);
    visit("problem", refusal.problem);
    visit("failures", refusal.failures);
    visit("since", refusal.since);
    visit("last_attempt", refusal.last_attempt);
    visit("next_attempt", refusal.next_attempt);
    visit.optional("ways", refusal.ways);
}

template <class Visit>
static void fields(Is<HistoryEntry> auto& entry, Visit& visit) {
    visit("at", entry.at);
    visit("what", entry.what);
    visit.optional("code", entry.code);
}

template <class Visit>
static void fields(Is<HookRun> auto& run, Visit& visit) {
    visit("at", run.at);
    visit("hook", run.hook);
    visit("command", run.command);
    visit.optional("target", run.target);
    visit.optional("host", run.host);
    visit.optional("exit_status", run.exit_status);
    visit.optional("signal", run.signal);
    visit.optional("timed_out", run.timed_out);
    visit("took_ms", run.took_ms);
    visit.optional("output", run.output);
    visit.optional("code", run.code);
}

template <class Visit>
static void fields(Is<LineageState> auto& state, Visit& visit) {
    visit.optional("attempts", state.attempts);
    visit.optional("ari", state.ari);
    visit.optional("further_ari", state.further_ari);
    visit("live", state.live);
    visit("newest", state.newest);
    visit.optional("rejected", state.rejected);
    visit.optional("held", state.held);
    visit.optional("paused", state.paused);
    visit.optional("renew_requested", state.renew_requested);
    visit.optional("targets", state.targets);
    visit.optional("endpoints", state.endpoints);
    visit.optional("refused_names", state.refused_names);
    visit.optional("last_problem", state.last_problem);
    visit.optional("last_success", state.last_success);
    visit.optional("persist_until", state.persist_until);
    visit.optional("config_digest", state.config_digest);
    visit.optional("history", state.history);
    visit.optional("hooks", state.hooks);
    visit.optional("decisions", state.decisions);
}

}  // namespace codec

namespace {

template <class Entry>
void keep_latest(std::vector<Entry>& entries, std::size_t limit) {
    if (entries.size() <= limit) return;
    entries.erase(entries.begin(), entries.end() - static_cast<std::ptrdiff_t>(limit));
}

void keep_latest(LineageState& state) {
    keep_latest(state.history, history_limit);
    keep_latest(state.hooks, hook_runs_limit);
    keep_latest(state.decisions, decisions_limit);
}

}  // namespace

std::string text(const Place& place) {
    return place.is_local() ? place.target.text : place.target.text + " on " + place.host;
}

CertificateFacts VersionFacts::first() const {
    return {key_type, serial, fingerprint, issuer, not_before, not_after, authority_key_id, key_created};
}

std::vector<CertificateFacts> VersionFacts::certificates() const {
    std::vector<CertificateFacts> all{first()};
    all.insert(all.end(), further.begin(), further.end());
    return all;
}

std::vector<KeyType> VersionFacts::key_types() const {
    std::vector<KeyType> types{key_type};
    for (const CertificateFacts& facts : further)
        types.push_back(facts.key_type);
    return types;
}

Time VersionFacts::valid_from() const {
    Time latest = not_before;
    for (const CertificateFacts& facts : further)
        latest = std::max(latest, facts.not_before);
    return latest;
}

Time VersionFacts::valid_until() const {
    Time earliest = not_after;
    for (const CertificateFacts& facts : further)
        earliest = std::min(earliest, facts.not_after);
    return earliest;
}

void remember(LineageState& state, HistoryEntry entry) {
    state.history.push_back(std::move(entry));
    keep_latest(state);
}

void remember(LineageState& state, HookRun run) {
    state.hooks.push_back(std::move(run));
    keep_latest(state);
}

void remember(LineageState& state, Decision decision) {
    state.decisions.push_back(std::move(decision));
    keep_latest(state);
}

namespace {

bool has_sane_dates(const VersionFacts& facts) {
    return std::ranges::all_of(facts.certificates(),
                               [](const CertificateFacts& each) { return each.not_after > each.not_before; });
}

}  // namespace

Json to_json(const VersionFacts& facts) {
    return codec::Coder<VersionFacts>::encode(facts);
}

Result<VersionFacts> version_facts_from_json(const Json& json) {
    Result<VersionFacts> facts = codec::decode_document<VersionFacts>(json, "The description of a version");
    if (facts && (!facts->number || facts->names.empty() || !has_sane_dates(*facts))) {
        return failure("storage.corrupt", "The description of a version is damaged: impossible number, names or dates");
    }
    return facts;
}

Json to_json(const LineageState& state) {
    return codec::Coder<LineageState>::encode(state);
}

Result<LineageState> lineage_state_from_json(const Json& json) {
    Result<LineageState> state = codec::decode_document<LineageState>(json, "The state of a lineage");
    if (state) keep_latest(*state);
    return state;
}

}  // namespace certd
