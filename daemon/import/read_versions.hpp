// The certificates of one lineage: which version live/NAME shows, and those in the archive up to it.
#pragma once

#include "daemon/import/facts.hpp"

#include <array>

namespace certd::certbot {

// certbot's four files of a version, by the first part of their names.
constexpr std::array<std::string_view, 4> archive_kinds = {"privkey", "cert", "chain", "fullchain"};
constexpr std::size_t versions_limit = 5;  // as many as certd keeps

// Fills in facts.versions, newest five, and notes about those that are left out. Problem import.files: why the version
// that is served cannot be used.
Result<void> read_versions(FileSystem& files, const Path& root, const IniSection& conf, LineageFacts& facts);

// One version of an archive: complete, key and certificate belonging together; problem import.files.
Result<ArchivedVersion> read_archived(FileSystem& files, const Path& archive, std::uint32_t number);

}  // namespace certd::certbot
