#include "daemon/import/stock.hpp"

#include "daemon/lineage/ari.hpp"
#include "daemon/lineage/places.hpp"
#include "daemon/renew/new_version.hpp"

#include <algorithm>

#include <fmt/format.h>

namespace certd::certbot {

namespace {

const Certificate& leaf_of(const ArchivedVersion& version) {
    return version.chain.front();
}

// certbot does not say when it made a key; the first certificate for it does.
Time key_created(const std::vector<ArchivedVersion>& versions, const ArchivedVersion& version) {
    Time first = leaf_of(version).not_before();
    for (const ArchivedVersion& other : versions) {
        if (leaf_of(other).public_key_der() == leaf_of(version).public_key_der())
            first = std::min(first, leaf_of(other).not_before());
    }
    return first;
}

const VersionFacts* find_certificate(const std::vector<VersionFacts>& versions, const std::string& fingerprint) {
    auto found = std::ranges::find(versions, fingerprint, &VersionFacts::fingerprint);
    return found == versions.end() ? nullptr : &*found;
}

}  // namespace

std::vector<NewVersion> new_versions(const ImportedLineage& lineage, const std::string& directory_url) {
    config::Ca ca;
    ca.name = lineage.ca;
    ca.directory = directory_url;
    std::vector<NewVersion> versions;
    for (const ArchivedVersion& archived : lineage.versions) {
        acme::Issued issued;
        issued.key_pem = archived.key_pem;
        issued.key_created = key_created(lineage.versions, archived);
        issued.chain = archived.chain;
        std::vector<IssuedKey> keys;
        keys.push_back({archived.key_type, std::move(issued)});
        NewVersion version = version_of(std::move(keys), ca, leaf_of(archived).not_before());
        version.facts.order_urls.clear();  // certbot keeps none
        version.facts.profile = lineage.profile.value_or("");
        versions.push_back(std::move(version));
    }
    return versions;
}

LineageState initial_state(const ImportedLineage& lineage, const VersionFacts& live, const config::Config& config,
                           Time now) {
    LineageState state;
    state.live = state.newest = live.number;
    state.paused = lineage.paused;
    state.last_success = live.issued_at;
    begin_ari(state, live, now);
    for (const Place& place : places_of(config.lineages.at(lineage.name->text())->targets, &config.targets)) {
        TargetState target;
        target.target = place.target;
        target.host = place.host;
        target.state = HostState::deployed;
        target.version = live.number;
        state.targets.push_back(std::move(target));
    }
    remember(state, HistoryEntry{now, fmt::format("version {} taken over from certbot", live.number.value), ""});
    return state;
}

Result<void> store_account(Store& store, const ImportedCa& ca) {
    Result<std::optional<StoredAccount>> stored = store.load_account(ca.name);
    if (!stored) return failure(std::move(stored).error());
    bool known = false;
    if (*stored) {
        Result<PrivateKey> key = PrivateKey::from_pem((*stored)->key_pem);
        known = key && key->thumbprint() == ca.account.thumbprint && (*stored)->directory_url == ca.directory;
        if (!known && (*stored)->account) {
            return failure("import.clash",
                           fmt::format("certd has another account at the CA {} in its state directory", ca.name.text));
        }
        if (known && (*stored)->account) return {};
        if (!known) {
            if (Result<void> forgotten = store.forget_account(ca.name); !forgotten) return forgotten;
        }
    }
    if (!known) {
        Result<void> saved = store.save_account_key(ca.name, ca.directory, ca.account.key_pem);
        if (!saved) return saved;
    }
    if (ca.account.url.empty()) return {};  // the CA tells it by the key
    acme::Account account;
    account.url = ca.account.url;
    account.contact = ca.account.contact;
    return store.save_account(ca.name, account);
}

Result<void> store_lineage(Store& store, const ImportedLineage& lineage, const std::string& directory_url,
                           const config::Config& config, Time now) {
    const LineageName& name = *lineage.name;
    Result<std::vector<VersionFacts>> there = store.versions(name);
    if (!there) return failure(std::move(there).error());
    VersionFacts live;
    for (NewVersion& version : new_versions(lineage, directory_url)) {
        if (const VersionFacts* known = find_certificate(*there, version.facts.fingerprint)) {
            live = *known;
            continue;
        }
        Result<VersionFacts> added = store.add_version(name, std::move(version));
        if (!added) return failure(std::move(added).error());
        live = *std::move(added);
    }
    if (Result<void> shown = store.set_live(name, live.number); !shown) return shown;
    return store.save_state(name, initial_state(lineage, live, config, now));
}

}  // namespace certd::certbot
