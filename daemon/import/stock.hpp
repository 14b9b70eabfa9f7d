// Puts what was read into the state directory, as if certd had issued it. Each call may be repeated.
#pragma once

#include "daemon/import/import.hpp"
#include "daemon/store/store.hpp"

namespace certd::certbot {

// The facts and files of a lineage's versions, oldest first, without numbers.
std::vector<NewVersion> new_versions(const ImportedLineage& lineage, const std::string& directory_url);

// How the lineage stands: `live` is served at all of its targets, nothing is due but by age.
LineageState initial_state(const ImportedLineage& lineage, const VersionFacts& live, const config::Config& config,
                           Time now);

Result<void> store_account(Store& store, const ImportedCa& ca);
Result<void> store_lineage(Store& store, const ImportedLineage& lineage, const std::string& directory_url,
                           const config::Config& config, Time now);

}  // namespace certd::certbot
