// From what a CA issued, or what is kept of it on disk, to what the store takes as a version. Pure.
#pragma once

#include "config/model.hpp"
#include "daemon/store/store.hpp"
#include "libacme/protocol/issue.hpp"

#include <optional>
#include <string>
#include <vector>

namespace certd {

// The certificate for one key.
struct IssuedKey {
    KeyType key_type = KeyType::ecdsa_p256;
    acme::Issued issued;
};

// What version.json says of an issued chain.
CertificateFacts certificate_facts(const acme::Issued& issued, KeyType key_type);
// The version that `keys`, the first one first and at least one, make up.
NewVersion version_of(std::vector<IssuedKey> keys, const config::Ca& ca, Time now);

// An order that came to its end while those of other keys did not keeps what it led to.
acme::OrderRecord finished(acme::OrderRecord order, const acme::Issued& issued);
// The certificate kept in an order, as long as it is sound and the better part of its life is ahead.
std::optional<acme::Issued> kept_certificate(const acme::OrderRecord& order, Time now);

// How its CA knows a certificate (RFC 9773 §4.1); nullopt when it takes no part in renewal information.
std::optional<std::string> certificate_id(const CertificateFacts& facts);
// The certificate of a version for a key of this type; nullopt when it has none.
std::optional<CertificateFacts> certificate_of(const VersionFacts& facts, KeyType key_type);
// The identifier of the certificate that a new one from `ca` replaces (§5): the one for the same type of key, or where
// there is one key only the one there is. Empty when there is none, or another CA issued it, or it shares no name with
// `names`.
std::string predecessor_at(const config::Ca& ca, const VersionFacts* newest, const std::vector<Identifier>& names,
                           std::optional<KeyType> one_of_several = {});

}  // namespace certd
