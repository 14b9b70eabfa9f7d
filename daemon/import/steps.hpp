// What an administrator has to do beside an import, in words; and where the state directory is.
#pragma once

#include "daemon/import/import.hpp"
#include "daemon/store/store.hpp"

namespace certd::certbot {

std::vector<std::string> steps_before(const Preparation& preparation, const Options& options);
std::vector<std::string> steps_after_take_over(const Preparation& preparation, const Options& options);
std::vector<std::string> steps_after_give_back(bool certd_has_more);

// Problem import.clash with another remedy than that of two lineages with one name.
tl::unexpected<Problem> clash(std::string what, std::string hint);
// One certbot directory at a time: problem import.clash while lineages of another one are taken over.
Result<void> check_origin(const Record& record, const Path& from);
Result<Path> configured_state_directory(const Options& options);
// Makes it when it is missing. Problem storage.locked while certd runs.
Result<StateLock> lock_state(FileSystem& files, const Path& state_directory);

}  // namespace certd::certbot
