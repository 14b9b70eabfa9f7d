// Reading a secret and judging who else can.
#include "libacme/base/secret.hpp"

#include "libacme/base/descriptor.hpp"
#include "libacme/base/file_system.hpp"
#include "libacme/base/text.hpp"

#include <cerrno>
#include <cstdlib>

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

namespace certd {

namespace {

constexpr std::size_t secret_limit = std::size_t{64} << 10;
constexpr std::string_view credential_prefix = "credential:";

Result<std::string> path_of(const std::string& source, const std::string& credentials_directory) {
    if (!source.starts_with(credential_prefix)) return source;
    std::string name = source.substr(credential_prefix.size());
    if (!credentials_directory.empty()) return credentials_directory + "/" + name;
    return failure("config.secret", fmt::format("There is no credential {}: certd was not started with any", name));
}

Result<void> check(const std::string& path, const struct stat& status) {
    if (!S_ISREG(status.st_mode)) return failure("config.secret", path + " is not a regular file");
    bool exposed = (status.st_mode & (S_IRWXO | S_IWGRP)) != 0;
    bool foreign = status.st_uid != 0 && status.st_uid != ::geteuid();
    if (!exposed && !foreign) return {};
    return failure("storage.permissions",
                   foreign ? fmt::format("The secret {} belongs to another user, {}", path, status.st_uid)
                           : fmt::format("The secret {} can be read or changed by others: its mode is {:04o}", path,
                                         status.st_mode & 07777U));
}

}  // namespace

Result<std::string> read_secret(const std::string& source, const std::string& credentials_directory) {
    Result<std::string> path = path_of(source, credentials_directory);
    if (!path) return path;
    // Non-blocking: opening a FIFO must not wait for its other end.
    Descriptor file(::open(path->c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
    struct stat status {};
    if (file.get() < 0 || ::fstat(file.get(), &status) != 0)
        return failure(storage_problem(errno, "Cannot read the secret " + *path));
    if (auto checked = check(*path, status); !checked) return failure(std::move(checked).error());
    std::string content(secret_limit + 1, '\0');
    std::size_t filled = 0;
    while (filled < content.size()) {
        ssize_t got = ::read(file.get(), content.data() + filled, content.size() - filled);
        if (got < 0 && errno == EINTR) continue;
        if (got < 0) return failure(storage_problem(errno, "Cannot read the secret " + *path));
        if (got == 0) break;
        filled += static_cast<std::size_t>(got);
    }
    if (filled > secret_limit) return failure("config.secret", *path + " is too large for a secret");
    content.resize(filled);
    std::string secret(trim(content));
    if (secret.empty()) return failure("config.secret", *path + " is empty");
    return secret;
}

Result<std::string> read_secret(const std::string& source) {
    const char* directory = ::secure_getenv("CREDENTIALS_DIRECTORY");
    return read_secret(source, directory != nullptr ? directory : "");
}

}  // namespace certd
