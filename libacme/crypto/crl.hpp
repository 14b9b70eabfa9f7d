// Certificate revocation lists (RFC 5280 §5): where a certificate says that its own is, and which of some certificates
// a list names. Lists of others may be huge and hostile: they are scanned once, in place, with no memory for their
// entries, where OpenSSL's X509_CRL keeps an object for each. Blocking for as long as hashing and scanning take.
#pragma once

#include "libacme/crypto/certificate.hpp"

#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace certd {

// RFC 5280 §5.3.1
enum class CrlReason : std::uint8_t {
    unspecified = 0,
    key_compromise = 1,
    ca_compromise = 2,
    affiliation_changed = 3,
    superseded = 4,
    cessation_of_operation = 5,
    certificate_hold = 6,
    remove_from_crl = 8,  // no longer revoked: never in an answer
    privilege_withdrawn = 9,
    aa_compromise = 10
};
std::string_view to_string(CrlReason reason);  // "keyCompromise"

// The http and https URIs of the distribution points that cover all reasons and the certificate's own issuer, in their
// order (§4.2.1.13). Untrusted text; empty where the certificate names none.
std::vector<std::string> crl_urls(const Certificate& certificate);

struct CrlQuestion {
    std::string url;  // where the list is from: one that is for certain points must name it (§6.3.3)
    std::span<const Certificate> issuers;  // one of them has to have signed it
    std::vector<std::string> serials;      // Certificate::serial()
    Time now;
    Duration clock_skew = hours(1);  // thisUpdate may lie this far ahead
};

struct CrlHit {
    Time since;
    CrlReason reason = CrlReason::unspecified;
    bool operator==(const CrlHit&) const = default;
};

struct CrlAnswer {
    std::size_t issuer = 0;  // which of the issuers signed it: it says nothing about others' certificates
    Time this_update, next_update;
    std::size_t entries = 0;
    std::map<std::string, CrlHit> revoked;  // of the serials asked for
};

// `list`: DER, or one block of PEM. A certificate on hold counts as revoked. Problems: crl.invalid for what is
// malformed, not signed by an issuer that may sign lists, from the future, without nextUpdate, indirect, a delta, for
// other distribution points or kinds of certificates or for some reasons only, or has a critical extension that is not
// understood (§5.2, §5.3); crl.stale for one that has run out.
Result<CrlAnswer> read_crl(std::string_view list, const CrlQuestion& question);

}  // namespace certd
