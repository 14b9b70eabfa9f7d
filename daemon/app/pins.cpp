// Pins and TLSA data.
#include "daemon/app/pins.hpp"

#include "libacme/crypto/certificate.hpp"
#include "libacme/crypto/digest.hpp"
#include "libacme/net/address.hpp"

#include <algorithm>
#include <set>

#include <fmt/format.h>

namespace certd {

namespace {

const CertificateFiles* files_for(const StoredKeys& keys, const std::string& key_type) {
    if (!keys.live) return nullptr;
    if (key_type == to_string(keys.live_type)) return &*keys.live;
    const std::optional<KeyType> type = key_type_from(key_type);
    const auto further = type ? keys.live->further.find(*type) : keys.live->further.end();
    return further == keys.live->further.end() ? nullptr : &further->second;
}

// From the certificate, since the key may be the operator's.
void add_pin(api::KeyCertificate& certificate, const CertificateFiles& files) {
    const Result<Chain> leaf = parse_chain(files.cert);
    if (!leaf) return;
    const Bytes public_key = leaf->front().public_key_der();
    certificate.pin = pin_of(public_key);
    certificate.tlsa = tlsa_of(public_key);
}

}  // namespace

std::string pin_of(ByteView public_key_der) {
    return "sha256/" + base64(sha256(public_key_der));
}

std::string tlsa_of(ByteView public_key_der) {
    return "3 1 1 " + sha256_hex(public_key_der);
}

std::vector<std::string> tlsa_owners(const config::Lineage& spec, const std::map<TargetName, config::Target>& targets) {
    std::set<std::uint16_t> ports;
    for (const TargetName& name : spec.targets) {
        const auto target = targets.find(name);
        if (target == targets.end()) continue;
        for (const config::VerifyAddress& address : target->second.verify.addresses) {
            if (const auto parts = parse_host_port(address.address)) ports.insert(parts->port);
        }
    }
    if (ports.empty()) ports.insert(443);
    std::vector<std::string> owners;
    for (const Identifier& name : spec.names) {
        if (name.type != Identifier::Type::dns || name.is_wildcard()) continue;
        for (const std::uint16_t port : ports)
            owners.push_back(fmt::format("_{}._tcp.{}", port, name.value));
    }
    return owners;
}

StoredKeys read_keys(Store& store, const config::Lineage& spec, const std::map<TargetName, config::Target>& targets,
                     const VersionFacts* live) {
    StoredKeys keys;
    const LineageName name = value_or_fail(LineageName::parse(spec.name));
    keys.owners = tlsa_owners(spec, targets);
    if (live != nullptr) {
        keys.live_type = live->key_type;
        if (Result<VersionFiles> files = store.read_version(name, live->number)) keys.live = std::move(*files);
    }
    if (spec.next_key) keys.next = store.load_next_keys(name).value_or(std::vector<NextKey>());
    return keys;
}

void add_pins(api::Lineage& view, const StoredKeys& keys) {
    if (keys.live || !keys.next.empty()) view.tlsa_owners = keys.owners;
    for (api::KeyCertificate& certificate : view.certificates) {
        if (const CertificateFiles* files = files_for(keys, certificate.key_type)) add_pin(certificate, *files);
    }
    for (const NextKey& next : keys.next) {
        const Result<PrivateKey> key = PrivateKey::from_pem(next.key_pem);
        if (!key) continue;
        view.next_keys.push_back({std::string(to_string(next.key_type)), next.created, pin_of(key->public_key_der()),
                                  tlsa_of(key->public_key_der())});
    }
}

std::vector<std::string> next_key_sentences(const api::Lineage& view) {
    std::vector<std::string> sentences;
    for (const api::NextKey& next : view.next_keys) {
        sentences.push_back(fmt::format("The next version will have the {} key that exists since {}, with the pin {}.",
                                        next.key_type, format_rfc3339(std::chrono::floor<seconds>(next.created)),
                                        next.pin));
    }
    return sentences;
}

}  // namespace certd
