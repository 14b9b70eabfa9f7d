// Permission checks and reading of configuration files.
#include "config/trust.hpp"

#include "libacme/base/descriptor.hpp"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

namespace certd::config {

namespace fs = std::filesystem;

namespace {

Problem cannot_read(const std::string& path, int error) {
    std::string_view code = error == ENOENT ? "config.missing" : "config.invalid";
    return problem(code, fmt::format("Cannot read {}: {}", path, std::strerror(error)));
}

Result<void> check(const std::string& path, const struct stat& status) {
    std::string writer = foreign_writer(status, ::geteuid());
    if (writer.empty()) return {};
    Problem refused = problem("config.permissions", fmt::format("{} can be changed by {}", path, writer));
    refused.hint = fmt::format("chown root '{0}' and chmod go-w '{0}'", path);
    return failure(std::move(refused));
}

// Above the file itself only what everybody may write or a foreigner owns is refused: a group may administer a
// directory.
Result<void> check_parents(const fs::path& resolved) {
    for (fs::path directory = resolved.parent_path();; directory = directory.parent_path()) {
        struct stat status {};
        if (::stat(directory.c_str(), &status) != 0) return failure(cannot_read(directory.string(), errno));
        status.st_mode &= ~mode_t{S_IWGRP};
        if (auto checked = check(directory.string(), status); !checked) return checked;
        if (directory == directory.root_path()) return {};
    }
}

Result<std::string> read_all(int descriptor, const std::string& path, std::size_t limit) {
    std::string content;
    char buffer[64 * 1024];
    for (;;) {
        ssize_t count = ::read(descriptor, buffer, sizeof buffer);
        if (count < 0 && errno == EINTR) continue;
        if (count < 0) return failure(cannot_read(path, errno));
        if (count == 0) return content;
        content.append(buffer, static_cast<std::size_t>(count));
        if (content.size() > limit)
            return failure("config.invalid", fmt::format("{} is larger than {} MiB", path, limit >> 20));
    }
}

Result<fs::path> resolve(const std::string& path) {
    std::error_code error;
    fs::path resolved = fs::canonical(path, error);
    if (error) return failure(cannot_read(path, error.value()));
    return resolved;
}

}  // namespace

std::string foreign_writer(const struct stat& status, uid_t self) {
    bool sticky = S_ISDIR(status.st_mode) && (status.st_mode & S_ISVTX) != 0;
    if ((status.st_mode & S_IWOTH) != 0 && !sticky) return "everybody";
    if ((status.st_mode & S_IWGRP) != 0 && !sticky) return fmt::format("members of group {}", status.st_gid);
    if (status.st_uid != 0 && status.st_uid != self) return fmt::format("its owner, user {}", status.st_uid);
    return {};
}

Result<std::string> read_trusted(const std::string& path, std::size_t limit) {
    auto resolved = resolve(path);
    if (!resolved) return failure(std::move(resolved).error());
    // Non-blocking: opening a FIFO must not wait for its other end.
    Descriptor file(::open(resolved->c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK));
    struct stat status {};
    if (file.get() < 0 || ::fstat(file.get(), &status) != 0) return failure(cannot_read(path, errno));
    if (!S_ISREG(status.st_mode)) return failure("config.invalid", fmt::format("{} is not a regular file", path));
    if (auto checked = check(path, status); !checked) return failure(std::move(checked).error());
    if (auto checked = check_parents(*resolved); !checked) return failure(std::move(checked).error());
    return read_all(file.get(), path, limit);
}

Result<void> check_private(const std::string& path) {
    Descriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
    struct stat status {};
    if (file.get() < 0 || ::fstat(file.get(), &status) != 0) {
        if (errno == ENOENT) return failure(cannot_read(path, errno));
        return failure("config.secret", fmt::format("Cannot read {}: {}", path, std::strerror(errno)));
    }
    if (!S_ISREG(status.st_mode)) return failure("config.secret", fmt::format("{} is not a regular file", path));
    if (status.st_size == 0) return failure("config.secret", fmt::format("{} is empty", path));
    if (status.st_uid != 0 && status.st_uid != ::geteuid()) {
        return failure("storage.permissions",
                       fmt::format("The secret {} belongs to another user, {}", path, status.st_uid));
    }
    if ((status.st_mode & (S_IRWXG | S_IRWXO)) == 0) return {};
    return failure("storage.permissions", fmt::format("The secret {} can be read or changed by others: its mode is "
                                                      "{:04o}",
                                                      path, status.st_mode & 07777U));
}

Result<std::vector<std::string>> list_trusted(const std::string& directory) {
    std::vector<std::string> names;
    struct stat status {};
    if (::stat(directory.c_str(), &status) != 0) {
        return errno == ENOENT ? Result<std::vector<std::string>>(names) : failure(cannot_read(directory, errno));
    }
    if (!S_ISDIR(status.st_mode)) return failure("config.invalid", fmt::format("{} is not a directory", directory));
    if (auto checked = check(directory, status); !checked) return failure(std::move(checked).error());
    std::error_code error;
    for (fs::directory_iterator entry(directory, error), end; !error && entry != end; entry.increment(error)) {
        names.push_back(entry->path().filename().string());
    }
    if (error) return failure(cannot_read(directory, error.value()));
    std::ranges::sort(names);
    return names;
}

}  // namespace certd::config
