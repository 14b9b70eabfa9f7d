// One lineage's names in certbot's directory: live/NAME and renewal/NAME.conf. Each call goes on from whatever a
// killed one has left, and does nothing where all is done. Blocking.
#pragma once

#include "daemon/import/exchange.hpp"

#include <cstdint>
#include <string>
#include <vector>

namespace certd::certbot {

struct Seams {
    FileSystem& files;
    Exchange exchange;
};

// Where what certbot must not see stays meanwhile: certd-kept/live/NAME, certd-kept/renewal/NAME.conf.
Path kept_directory(const Path& root);

// live/NAME becomes a link to `target`, at once; then certbot no longer sees the lineage.
Result<void> switch_over(const Seams& seams, const Path& root, const std::string& name, const Path& target);
// The way back: live/NAME is certbot's directory again, whose links show version `number` of the archive; then certbot
// sees the lineage.
Result<void> switch_back(const Seams& seams, const Path& root, const std::string& name, std::uint32_t number);

// The directory with certbot's links, wherever it is now.
Result<Path> links_directory(FileSystem& files, const Path& root, const std::string& name);
// Where the links of that directory lead to, as seen from live/NAME.
Result<Path> archive_directory(FileSystem& files, const Path& root, const std::string& name);

// Whether names can be exchanged in live/ at all, tried with two of its own; and what a killed try has left.
Result<void> probe_exchange(const Seams& seams, const Path& root);
Result<void> remove_probes(FileSystem& files, const Path& root);

}  // namespace certd::certbot
