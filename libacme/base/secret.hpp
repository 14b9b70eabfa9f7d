// Secrets from files: read when they are needed, kept nowhere.
#pragma once

#include "libacme/base/problem.hpp"

#include <string>

namespace certd {

// The content of the file, without white space around it. `source`: an absolute path, or "credential:NAME" for a file
// in `credentials_directory` (systemd.exec(5), LoadCredential=). Blocking. Problems config.secret, storage.missing,
// storage.permissions (everybody may read it, or others than its owner may change it), storage.io.
Result<std::string> read_secret(const std::string& source, const std::string& credentials_directory);

// The same with $CREDENTIALS_DIRECTORY.
Result<std::string> read_secret(const std::string& source);

}  // namespace certd
