// What others pin a lineage's keys by: the pin of a public key and the data of its TLSA record, of the keys in use and
// of those made ahead.
#pragma once

#include "config/model.hpp"
#include "ctl/api/types.hpp"
#include "daemon/store/store.hpp"

#include <map>
#include <optional>
#include <string>
#include <vector>

namespace certd {

// "sha256/" and the base64 of SHA-256 over the SubjectPublicKeyInfo (RFC 7469 §2.4).
std::string pin_of(ByteView public_key_der);
// "3 1 1 …": end entity, SubjectPublicKeyInfo, SHA-256, which outlives the certificate (RFC 6698 §2.1, RFC 7671 §5.1).
std::string tlsa_of(ByteView public_key_der);

// Where such records belong: "_443._tcp.example.com" for each DNS name and each port that the lineage's targets are
// verified at, 443 when there is none. A wildcard has no such name of its own.
std::vector<std::string> tlsa_owners(const config::Lineage& spec, const std::map<TargetName, config::Target>& targets);

// What the store has to say about a lineage's keys.
struct StoredKeys {
    std::optional<VersionFiles> live;
    KeyType live_type = KeyType::ecdsa_p256;  // of its first key
    std::vector<NextKey> next;
    std::vector<std::string> owners;  // of TLSA records
};
// Blocking.
StoredKeys read_keys(Store& store, const config::Lineage& spec, const std::map<TargetName, config::Target>& targets,
                     const VersionFacts* live);
// Fills in what `view` shows of them.
void add_pins(api::Lineage& view, const StoredKeys& keys);
// "The next rsa-2048 key exists since …"
std::vector<std::string> next_key_sentences(const api::Lineage& view);

}  // namespace certd
