// Reading files of which a writer could make certd, mostly root, run anything: refused unless root or we alone can
// write them.
#pragma once

#include "libacme/base/problem.hpp"

#include <string>
#include <vector>

#include <sys/stat.h>

namespace certd::config {

// Who else could change what `status` describes: "everybody", "members of group 33", "its owner, user 1000"; empty:
// nobody. A sticky directory protects the files of others in it.
std::string foreign_writer(const struct stat& status, uid_t self);

// The content of a regular file. Neither it nor a directory above it, symlinks resolved, may have a foreign writer.
// Problems config.missing, config.permissions, config.invalid (cannot be read, or larger than `limit`).
Result<std::string> read_trusted(const std::string& path, std::size_t limit);

// Whether a file holds a secret that nobody but root and we can read or change. Problems config.missing,
// config.secret, storage.permissions.
Result<void> check_private(const std::string& path);

// Names in a directory under the same rule, sorted; none when it does not exist.
Result<std::vector<std::string>> list_trusted(const std::string& directory);

}  // namespace certd::config
