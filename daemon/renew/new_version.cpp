// Facts and files of new versions.
#include "daemon/renew/new_version.hpp"

#include "libacme/crypto/csr.hpp"
#include "libacme/protocol/renewal_info.hpp"

#include <algorithm>
#include <span>

namespace certd {

namespace {

CertificateFiles files_of(const acme::Issued& issued) {
    CertificateFiles files;
    files.privkey = issued.key_pem;
    files.cert = issued.chain.front().pem();
    files.chain = chain_pem(std::span(issued.chain).subspan(1));
    files.fullchain = chain_pem(issued.chain);
    return files;
}

}  // namespace

CertificateFacts certificate_facts(const acme::Issued& issued, KeyType key_type) {
    const Certificate& leaf = issued.chain.front();
    CertificateFacts facts;
    facts.key_type = key_type;
    facts.serial = leaf.serial();
    facts.fingerprint = leaf.fingerprint_sha256();
    facts.issuer = leaf.issuer();
    facts.not_before = leaf.not_before();
    facts.not_after = leaf.not_after();
    if (acme::certificate_id(leaf)) facts.authority_key_id = hex(*leaf.authority_key_identifier());
    facts.key_created = issued.key_created;
    return facts;
}

NewVersion version_of(std::vector<IssuedKey> keys, const config::Ca& ca, Time now) {
    NewVersion version;
    VersionFacts& facts = version.facts;
    CertificateFacts first = certificate_facts(keys.front().issued, keys.front().key_type);
    facts.names = keys.front().issued.chain.front().names();
    facts.key_type = first.key_type;
    facts.ca = ca.name;
    facts.directory_url = ca.directory;
    facts.serial = std::move(first.serial);
    facts.fingerprint = std::move(first.fingerprint);
    facts.issuer = std::move(first.issuer);
    facts.not_before = first.not_before;
    facts.not_after = first.not_after;
    facts.issued_at = now;
    facts.authority_key_id = std::move(first.authority_key_id);
    facts.key_created = first.key_created;
    static_cast<CertificateFiles&>(version.files) = files_of(keys.front().issued);
    version.alternates = std::move(keys.front().issued.alternates);
    for (IssuedKey& key : keys)
        facts.order_urls.push_back(key.issued.order_url);
    for (IssuedKey& key : std::span(keys).subspan(1)) {
        facts.further.push_back(certificate_facts(key.issued, key.key_type));
        version.files.further.emplace(key.key_type, files_of(key.issued));
        version.further_alternates.emplace(key.key_type, std::move(key.issued.alternates));
    }
    return version;
}

acme::OrderRecord finished(acme::OrderRecord order, const acme::Issued& issued) {
    order.chains = {chain_pem(issued.chain)};
    order.chains.insert(order.chains.end(), issued.alternates.begin(), issued.alternates.end());
    return order;
}

std::optional<acme::Issued> kept_certificate(const acme::OrderRecord& order, Time now) {
    if (order.chains.empty()) return std::nullopt;
    Result<Chain> chain = parse_chain(order.chains.front());
    Result<PrivateKey> key = PrivateKey::from_pem(order.key_pem);
    if (!chain || !key) return std::nullopt;
    ChainExpectation expectation;
    expectation.key = &*key;
    expectation.names = order.names;
    expectation.now = now;
    if (!check_chain(*chain, expectation)) return std::nullopt;
    const Certificate& leaf = chain->front();
    if (now >= leaf.not_before() + (leaf.not_after() - leaf.not_before()) / 2) return std::nullopt;
    acme::Issued issued;
    issued.key_pem = order.key_pem;
    issued.key_created = order.key_created;
    issued.chain = *std::move(chain);
    issued.alternates.assign(order.chains.begin() + 1, order.chains.end());
    issued.order_url = order.order_url;
    return issued;
}

std::optional<std::string> certificate_id(const CertificateFacts& facts) {
    std::optional<Bytes> key_identifier = parse_hex(facts.authority_key_id);
    std::optional<Bytes> serial = parse_hex(facts.serial);
    if (!key_identifier || !serial) return std::nullopt;
    return acme::certificate_id(*key_identifier, *serial);
}

std::optional<CertificateFacts> certificate_of(const VersionFacts& facts, KeyType key_type) {
    if (facts.key_type == key_type) return facts.first();
    auto found = std::ranges::find(facts.further, key_type, &CertificateFacts::key_type);
    return found == facts.further.end() ? std::nullopt : std::optional(*found);
}

std::string predecessor_at(const config::Ca& ca, const VersionFacts* newest, const std::vector<Identifier>& names,
                           std::optional<KeyType> one_of_several) {
    if (newest == nullptr || newest->directory_url != ca.directory) return {};
    auto shared = [&](const Identifier& name) { return std::ranges::find(names, name) != names.end(); };
    if (std::ranges::none_of(newest->names, shared)) return {};
    std::optional<CertificateFacts> before =
        one_of_several ? certificate_of(*newest, *one_of_several) : newest->first();
    return before ? certificate_id(*before).value_or("") : std::string();
}

}  // namespace certd
