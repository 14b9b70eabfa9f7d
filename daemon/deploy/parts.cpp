#include "daemon/deploy/parts.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace certd {

std::string content_of(config::Part part, const VersionFiles& files) {
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
            break;
    }
    const bool ends_line = files.privkey.ends_with('\n');
    return files.privkey + (ends_line ? "" : "\n") + files.fullchain;
}

std::optional<Certificate> first_certificate(std::string_view text) {
    constexpr std::string_view begin = "-----BEGIN CERTIFICATE-----", end = "-----END CERTIFICATE-----";
    const auto start = text.find(begin);
    if (start == std::string_view::npos) return std::nullopt;
    const auto stop = text.find(end, start);
    if (stop == std::string_view::npos) return std::nullopt;
    auto chain = parse_chain(std::string(text.substr(start, stop + end.size() - start)) + "\n");
    if (!chain || chain->empty()) return std::nullopt;
    return chain->front();
}

Result<void> check_version(const VersionFiles& files, const VersionFacts& facts) {
    const auto leaf = first_certificate(files.fullchain);
    const auto alone = first_certificate(files.cert);
    if (!leaf || !alone || leaf->fingerprint_sha256() != facts.fingerprint ||
        alone->fingerprint_sha256() != facts.fingerprint) {
        return failure("storage.corrupt",
                       fmt::format("The files of version {} do not hold its certificate", facts.number.value));
    }
    const auto key = PrivateKey::from_pem(files.privkey);
    if (!key) return failure(key.error());
    if (key->public_key_der() != leaf->public_key_der()) {
        return failure("crypto.wrongKey",
                       fmt::format("Key and certificate of version {} do not belong together", facts.number.value));
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
