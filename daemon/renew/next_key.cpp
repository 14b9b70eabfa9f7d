// ensure_next_keys: what is stored is durable before anybody uses it, so that a crash leaves the old keys or the new.
#include "daemon/renew/next_key.hpp"

#include "libacme/crypto/digest.hpp"

#include <algorithm>

namespace certd {

namespace {

// Not one that is in a certificate already, nor one that others may know.
Result<bool> is_usable(Store& store, const LineageName& name, const NextKey& stored) {
    const Result<PrivateKey> key = PrivateKey::from_pem(stored.key_pem);
    if (!key || key->type() != stored.key_type) return false;
    const Result<bool> used_up = store.is_in_a_version(name, stored.key_pem);
    if (!used_up || *used_up) return used_up.map([](bool used) { return !used; });
    return store.is_burned(sha256_hex(key->public_key_der())).map([](bool burned) { return !burned; });
}

Result<NextKey> make_key(KeyType type, Time now) {
    try {
        return NextKey{type, PrivateKey::generate(type).pem(), now};
    } catch (const Failure& failed) {
        return failure(failed.problem());
    }
}

}  // namespace

acme::KnownKey NextKeys::of(KeyType type) const {
    const auto found = std::ranges::find(keys, type, &NextKey::key_type);
    if (found == keys.end()) fail("internal.unexpected", "There is no next key of this type");
    return {found->key_pem, found->created};
}

Result<NextKeys> ensure_next_keys(Store& store, const config::Lineage& spec, Time now) {
    const Result<LineageName> name = LineageName::parse(spec.name);
    if (!name) return failure(name.error());
    NextKeys result;
    Result<std::vector<NextKey>> stored = store.load_next_keys(*name);
    if (!stored && stored.error().code == "storage.corrupt") {
        result.damage = stored.error();
        if (Result<void> aside = store.set_next_keys_aside(*name); !aside) return failure(aside.error());
        stored = std::vector<NextKey>();
    }
    if (!stored) return failure(stored.error());
    for (KeyType type : spec.keys) {
        const auto known = std::ranges::find(*stored, type, &NextKey::key_type);
        Result<bool> usable = known == stored->end() ? false : is_usable(store, *name, *known);
        if (!usable) return failure(usable.error());
        if (*usable) {
            result.keys.push_back(*known);
            continue;
        }
        Result<NextKey> made = make_key(type, now);
        if (!made) return failure(made.error());
        result.keys.push_back(*std::move(made));
        result.made.push_back(type);
    }
    if (result.keys == *stored) return result;
    if (Result<void> saved = store.save_next_keys(*name, result.keys); !saved) return failure(saved.error());
    return result;
}

}  // namespace certd
