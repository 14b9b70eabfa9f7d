// When a CRL is looked at again, and what it means for a lineage that one of its certificates is in it. Pure.
#pragma once

#include "daemon/lineage/lineage.hpp"

namespace certd {

// What is known of one CRL: crls/<SHA-256 of its URL>.json. Persisted, so that a restart asks nobody.
struct CrlState {
    std::string url;
    std::optional<Time> attempted_at;   // when it was last asked for
    std::optional<Time> checked_at;     // when it was last got, whole and valid, or found to be the same
    Time this_update{}, next_update{};  // of the one on disk; of no meaning before checked_at
    std::string etag, last_modified;    // as the server wrote them
    std::uint32_t failures = 0;         // in a row …
    std::optional<Time> failing_since;  // … the first of them …
    std::optional<Problem> problem;     // … and the last
    bool operator==(const CrlState&) const = default;
};

constexpr Duration crl_patience = days(1);  // for which a CRL may be missing before people are told

// The one on disk can be relied upon.
bool is_current(const CrlState& state, Time now);
// Missing for longer than is usual.
bool is_worrying(const CrlState& state, Time now);

void record_crl(CrlState& state, Time this_update, Time next_update, Time now);
// Whether it has just become worrying: told once for each row of failures.
bool record_crl_failure(CrlState& state, Problem problem, Time now);

// When it is asked for next: shortly before `interval` is over, or when the next one is announced, spread by the URL
// alone; after failures in 1 h, 2 h, 4 h … up to `interval`, or when the server asked for, within a day. Never twice in
// an hour.
Time next_crl_check(const CrlState& state, Duration interval);

Json to_json(const CrlState& state);
Result<CrlState> crl_state_from_json(const Json& json);  // problem storage.corrupt

// What a CRL says of the live version of a lineage, or else of its newest.
struct Revoked {
    VersionNumber version;
    Time since;
    std::string reason;  // "keyCompromise"
    std::string url;     // of the CRL; untrusted text
    bool operator==(const Revoked&) const = default;
};
bool is_key_compromise(const Revoked& revoked);
std::string text(const Revoked& revoked);         // "version 3 was revoked at … (keyCompromise)"
Problem revoked_problem(const Revoked& revoked);  // lineage.revoked

// Whether a new certificate is due for it: nothing that could be deployed is left. Not where the operator has given the
// names up (cessationOfOperation), whose one wish for another is renew_requested.
bool wants_replacement(const Revoked& revoked, const LineageState& state);

}  // namespace certd
