// RealAppender: O_APPEND and fsync.
#include "libacme/base/append.hpp"

#include "libacme/base/descriptor.hpp"

#include <cerrno>

#include <fcntl.h>
#include <unistd.h>

namespace certd {

Result<void> RealAppender::append(const Path& path, std::string_view content) {
    Descriptor file(retry_interrupted(
        [&] { return ::open(path.c_str(), O_WRONLY | O_APPEND | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC); }));
    if (!file.ok()) return failure(storage_problem(errno, "Cannot open " + path.string()));
    if (!write_all(file.get(), content)) return failure(storage_problem(errno, "Cannot append to " + path.string()));
    if (::fsync(file.get()) != 0) return failure(storage_problem(errno, "Cannot sync " + path.string()));
    return {};
}

}  // namespace certd
