// From documents that were held against the schema to the Config. Lenient: what the schema complained about already is
// left at its default, so that the complaints about the rest (references, names) come in the same run.
#pragma once

#include "config/document.hpp"
#include "config/load.hpp"
#include "config/model.hpp"
#include "config/report.hpp"

#include <span>

namespace certd::config {

// A file whose content the configuration trusts, to be looked at by whoever may touch the disk.
struct TrustedFile {
    std::string path;
    Location location;
};

struct Built {
    Config config;
    std::vector<TrustedFile> ca_bundles;
    std::vector<TrustedFile> ssh_identities;  // private keys: nobody else may even read them
};

// Documents in the order of merging. `cas`, `dns_providers`, `targets`, `lineages` and `notify` are merged by name; any
// other key may be in one file only.
Built build(std::span<const Document> documents, Disk disk, Report& report);

}  // namespace certd::config
