// What stood at the paths of a target before a deployment, and putting it back.
#pragma once

#include "daemon/deploy/host.hpp"
#include "daemon/store/store.hpp"

#include <string>
#include <vector>

namespace certd {

using Backups = std::vector<DeployJournal::Backup>;

Task<Result<Backups>> read_backups(Host& host, std::vector<std::string> paths);

// Backups left by a deployment that could not be undone are nearer to the truth than what stands there now.
Backups prefer_older(Backups fresh, const Backups& left_over);

// Only what differs is touched, so that this succeeds on a full disk when nothing had been changed. Paths that did not
// exist are removed: a new key beside an old certificate is worse than either.
Task<Result<void>> put_back(Host& host, Backups backups);

// Whether every one of `files` stands in its place with its content; attributes are not looked at.
Task<bool> all_in_place(Host& host, std::vector<InstalledFile> files);

bool none_existed(const Backups& backups);

}  // namespace certd
