// Keys that are used again.
#include "daemon/renew/known_key.hpp"

#include "daemon/lineage/key_reuse.hpp"
#include "daemon/renew/new_version.hpp"
#include "libacme/crypto/digest.hpp"

namespace certd {

std::optional<acme::KnownKey> key_to_use_again(Store& store, const config::Lineage& spec, const VersionFacts* newest,
                                               KeyType type, Time now) {
    std::optional<CertificateFacts> before = newest != nullptr ? certificate_of(*newest, type) : std::nullopt;
    Result<LineageName> name = LineageName::parse(spec.name);
    if (!before || !name || !may_use_key_again(spec, before->key_created, now)) return std::nullopt;
    Result<VersionFiles> files = store.read_version(*name, newest->number);
    if (!files) return std::nullopt;
    const CertificateFiles& of_key = type == newest->key_type ? *files : files->further.at(type);
    Result<PrivateKey> key = PrivateKey::from_pem(of_key.privkey);
    if (!key || store.is_burned(sha256_hex(key->public_key_der())).value_or(true)) return std::nullopt;
    return acme::KnownKey{of_key.privkey, *before->key_created};
}

bool has_outlived_key(const acme::OrderRecord& order, const config::Lineage& spec, const VersionFacts* newest,
                      Time now) {
    bool in_a_version = newest != nullptr && order.key_created && *order.key_created <= newest->issued_at;
    return in_a_version && !may_use_key_again(spec, order.key_created, now);
}

}  // namespace certd
