// Two names of one directory change places at once: how a directory gives way to a link without a moment in which there
// is neither.
#pragma once

#include "libacme/base/file_system.hpp"

#include <functional>

namespace certd::certbot {

using Exchange = std::function<Result<void>(const Path& one, const Path& other)>;

// renameat2(RENAME_EXCHANGE). Problem import.exchange where the file system cannot.
Result<void> exchange_names(const Path& one, const Path& other);

}  // namespace certd::certbot
