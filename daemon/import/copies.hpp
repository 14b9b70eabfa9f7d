// Files in place of certd's own, which are for root alone: for lineages whose key others read under certbot's path.
#pragma once

#include "daemon/import/key_readers.hpp"
#include "daemon/store/store.hpp"

#include <string>

namespace certd::certbot {

// certd-live/NAME in certbot's directory: a target installs each version there, and live/NAME leads to it.
Path copies_directory(const Path& root, const std::string& name);

// The four files as the target will install them, certbot's names for them included. Blocking.
Result<void> write_copies(FileSystem& files, const Path& directory, const KeyReaders& readers,
                          const CertificateFiles& version);

}  // namespace certd::certbot
