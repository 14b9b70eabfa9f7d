// What goes into the files of a target, and what an operator's old files say of the certificate in them. Pure.
#pragma once

#include "config/model.hpp"
#include "daemon/store/store.hpp"
#include "libacme/crypto/certificate.hpp"

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace certd {

// As PEM; combined: privkey, then fullchain.
std::string content_of(config::Part part, const CertificateFiles& files);

// The files of the certificate that an install step is about; problem deploy.install when the version has none for
// that key, or the private key is the operator's.
Result<const CertificateFiles*> files_of(const config::InstallStep& step, const VersionFiles& files, KeyType first);

// The first certificate in a PEM text that may hold other things too (keys, "Bag Attributes"), or the one that is there
// in DER; nullopt when there is none, or it is behind a password.
std::optional<Certificate> first_certificate(std::string_view text);

// Whether key and certificate belong together and the certificate is the one that `facts` describe: storage.corrupt,
// crypto.wrongKey. Asked before anything is installed.
Result<void> check_version(const VersionFiles& files, const VersionFacts& facts);

// Whether going back to `backups` would serve an expired certificate: one of them holds a leaf whose time is over.
bool holds_expired(const std::vector<DeployJournal::Backup>& backups, Time now);

}  // namespace certd
