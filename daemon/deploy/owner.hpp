// Owner and group names of install steps as numbers, from the system's user database. Blocking: call from `offload`.
#pragma once

#include "config/model.hpp"
#include "libacme/base/file_system.hpp"

#include <string>

namespace certd {

Result<uid_t> user_id(const std::string& name);  // a name or a number; problem deploy.install
Result<gid_t> group_id(const std::string& name);

Result<FileAttributes> attributes_of(const config::InstallStep& step);

}  // namespace certd
