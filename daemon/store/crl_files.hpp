// The CRLs that were fetched, and what is known of each: crls/<SHA-256 of its URL>.crl and .json (STATE-DIRECTORY.md).
// A cache: what is missing or damaged is fetched again. Blocking; not for several threads at once with the same URL.
#pragma once

#include "daemon/lineage/revocation.hpp"
#include "libacme/base/file_system.hpp"

#include <set>
#include <string>

namespace certd {

class CrlFiles {
   public:
    CrlFiles(FileSystem& files, Path state_directory)
        : files_(files), directory_(std::move(state_directory) / "crls") {}

    // Nothing but the URL where nothing is known. Problem storage.corrupt.
    Result<CrlState> load(const std::string& url);
    Result<std::string> read(const std::string& url, std::size_t limit);
    // The list first: until the state is written too, the one before would be asked for once more.
    Result<void> save(const CrlState& state, const std::string* list);  // null: the list stays as it is
    // Removes all but those of `urls`.
    Result<void> prune(const std::set<std::string>& urls);

   private:
    Path file(const std::string& url, const char* suffix) const;

    FileSystem& files_;
    Path directory_;
};

}  // namespace certd
