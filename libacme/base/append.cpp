// RealAppender: O_APPEND and fsync.
#include "libacme/base/append.hpp"

#include "libacme/base/descriptor.hpp"

#include <cerrno>

#include <fcntl.h>
#include <unistd.h>

namespace certd {

namespace {

template <class Call>
auto retry_interrupted(Call call) {
    decltype(call()) result;
    do {
        result = call();
    } while (result < 0 && errno == EINTR);
    return result;
}

}  // namespace

Result<void> RealAppender::append(const Path& path, std::string_view content) {
    Descriptor file(retry_interrupted(
        [&] { return ::open(path.c_str(), O_WRONLY | O_APPEND | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC); }));
    if (!file.ok()) return failure(storage_problem(errno, "Cannot open " + path.string()));
    while (!content.empty()) {
        ssize_t written = retry_interrupted([&] { return ::write(file.get(), content.data(), content.size()); });
        if (written <= 0) return failure(storage_problem(errno, "Cannot append to " + path.string()));
        content.remove_prefix(static_cast<std::size_t>(written));
    }
    if (::fsync(file.get()) != 0) return failure(storage_problem(errno, "Cannot sync " + path.string()));
    return {};
}

}  // namespace certd
