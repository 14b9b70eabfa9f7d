// The one operation that FileSystem lacks: adding to a file in place, for journals. A seam of its own, because only
// their owners may use it; everything else is replaced whole.
#pragma once

#include "libacme/base/file_system.hpp"

#include <string_view>

namespace certd {

class Appender {
   public:
    virtual ~Appender() = default;
    // To the end of a regular file that exists (no symlink), and fsynced. A failure may leave a part of the content
    // there. Problems: storage.*, as of FileSystem.
    virtual Result<void> append(const Path& path, std::string_view content) = 0;
};

// Blocking: call from `offload`.
class RealAppender final : public Appender {
   public:
    Result<void> append(const Path& path, std::string_view content) override;
};

}  // namespace certd
