#include "daemon/deploy/parts.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace certd {

namespace {

Result<void> check_certificate(const CertificateFiles& files, const CertificateFacts& facts, VersionNumber version,
                               bool has_key) {
    const auto leaf = first_certificate(files.fullchain);
    const auto alone = first_certificate(files.cert);
    if (!leaf || !alone || leaf->fingerprint_sha256() != facts.fingerprint ||
        alone->fingerprint_sha256() != facts.fingerprint) {
        return failure("storage.corrupt",
                       fmt::format("The files of version {} do not hold its certificate", version.value));
    }
    if (!has_key) return {};
    const auto key = PrivateKey::from_pem(files.privkey);
    if (!key) return failure(key.error());
    if (key->public_key_der() != leaf->public_key_der()) {
        return failure("crypto.wrongKey",
                       fmt::format("Key and certificate of version {} do not belong together", version.value));
    }
    return {};
}

}  // namespace

namespace {

Result<const CertificateFiles*> files_for_key(const config::InstallStep& step, const VersionFiles& files,
                                              KeyType first) {
    if (!step.key || *step.key == first) return &files;
    if (const auto found = files.further.find(*step.key); found != files.further.end()) return &found->second;
    return failure("deploy.install", fmt::format("The version has no certificate with key {} to install as {}",
                                                 to_string(*step.key), step.path));
}

}  // namespace

Result<const CertificateFiles*> files_of(const config::InstallStep& step, const VersionFiles& files, KeyType first) {
    auto found = files_for_key(step, files, first);
    if (found && config::holds_key(step.part) && (*found)->privkey.empty()) {
        return failure("deploy.install", fmt::format("The version was issued for a certificate request: there is no "
                                                     "private key to install as {}",
                                                     step.path));
    }
    return found;
}

std::string content_of(config::Part part, const CertificateFiles& files) {
    switch (part) {
        case config::Part::cert:
            return files.cert;
        case config::Part::chain:
            return files.chain;
        case config::Part::fullchain:
            return files.fullchain;
        case config::Part::privkey:
            return files.privkey;
        case config::Part::combined:
        case config::Part::pkcs12:
            break;
    }
    const bool ends_line = files.privkey.ends_with('\n');
    return files.privkey + (ends_line ? "" : "\n") + files.fullchain;
}

std::optional<Certificate> first_certificate(std::string_view text) {
    constexpr std::string_view begin = "-----BEGIN CERTIFICATE-----", end = "-----END CERTIFICATE-----";
    const auto start = text.find(begin);
    if (start == std::string_view::npos) {
        auto der = Certificate::from_der(as_bytes(text));
        return der ? std::optional(*std::move(der)) : std::nullopt;
    }
    const auto stop = text.find(end, start);
    if (stop == std::string_view::npos) return std::nullopt;
    auto chain = parse_chain(std::string(text.substr(start, stop + end.size() - start)) + "\n");
    if (!chain || chain->empty()) return std::nullopt;
    return chain->front();
}

Result<void> check_version(const VersionFiles& files, const VersionFacts& facts) {
    const bool has_key = facts.csr_key_sha256.empty();
    if (auto checked = check_certificate(files, facts.first(), facts.number, has_key); !checked) return checked;
    for (const auto& further : facts.further) {
        const auto found = files.further.find(further.key_type);
        const CertificateFiles& of_key = found == files.further.end() ? CertificateFiles{} : found->second;
        if (auto checked = check_certificate(of_key, further, facts.number, has_key); !checked) return checked;
    }
    return {};
}

bool holds_expired(const std::vector<DeployJournal::Backup>& backups, Time now) {
    return std::ranges::any_of(backups, [now](const DeployJournal::Backup& backup) {
        const auto leaf = first_certificate(backup.content);
        return leaf && leaf->not_after() <= now;
    });
}

}  // namespace certd
