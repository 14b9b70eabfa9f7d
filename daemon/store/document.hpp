// A JSON file whose damage is noticed: its first member is the SHA-256 of everything behind that line.
#pragma once

#include "libacme/base/file_system.hpp"
#include "libacme/base/json.hpp"

#include <optional>
#include <string>

namespace certd {

std::string seal(const Json& object);                          // of at least one member
Result<Json> unseal(std::string_view text, const Path& path);  // problem storage.corrupt; `path` for its text

// nullopt when the file is missing.
Result<std::optional<Json>> read_document(FileSystem& files, const Path& path);
Result<void> write_document(FileSystem& files, const Path& path, const Json& object);

tl::unexpected<Problem> corrupt(const Path& path, const std::string& fault);

}  // namespace certd
