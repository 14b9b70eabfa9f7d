// RealFileSystem, and the durable updates built from the seam's operations.
#include "libacme/base/file_system.hpp"

#include "libacme/base/descriptor.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <memory>
#include <type_traits>

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <fmt/format.h>

namespace certd {

namespace {

tl::unexpected<Problem> last_error(std::string what) {
    return failure(storage_problem(errno, std::move(what)));
}

// Owner first, then mode: a chown clears set-id bits, and the file is not readable by others before both are right.
bool set_attributes(int fd, const FileAttributes& attributes) {
    if (attributes.owner || attributes.group) {
        auto owner = attributes.owner.value_or(static_cast<uid_t>(-1));
        auto group = attributes.group.value_or(static_cast<gid_t>(-1));
        if (::fchown(fd, owner, group) != 0) return false;
    }
    return ::fchmod(fd, attributes.mode) == 0;
}

struct Apply {
    Result<void> operator()(const change::MakeDirectory& it) const {
        if (::mkdir(it.path.c_str(), it.mode) != 0) return last_error("Cannot create directory " + it.path.string());
        // mkdir is subject to the umask, chmod is not.
        if (::chmod(it.path.c_str(), it.mode) != 0) return last_error("Cannot set the mode of " + it.path.string());
        return {};
    }
    Result<void> operator()(const change::Rename& it) const {
        if (::rename(it.from.c_str(), it.to.c_str()) != 0)
            return last_error("Cannot rename " + it.from.string() + " to " + it.to.string());
        return {};
    }
    Result<void> operator()(const change::Remove& it) const {
        if (::remove(it.path.c_str()) != 0) return last_error("Cannot remove " + it.path.string());
        return {};
    }
    Result<void> operator()(const change::Symlink& it) const {
        if (::symlink(it.target.c_str(), it.path.c_str()) != 0)
            return last_error("Cannot create symlink " + it.path.string());
        return {};
    }
    Result<void> operator()(const change::SyncDirectory& it) const {
        Descriptor directory(::open(it.path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
        if (!directory.ok()) return last_error("Cannot open directory " + it.path.string());
        if (::fsync(directory.get()) != 0) return last_error("Cannot sync directory " + it.path.string());
        return {};
    }
};

std::string read_link(const Path& path, std::size_t size) {
    std::string target(std::max<std::size_t>(size, 255) + 1, '\0');
    ssize_t length = ::readlink(path.c_str(), target.data(), target.size());
    target.resize(length > 0 ? static_cast<std::size_t>(length) : 0);
    return target;
}

// A name for a temp file that no other thread of this process uses at the same time for another path.
Path temp_path(const Path& path) {
    return path.parent_path() / (".tmp-" + path.filename().string());
}

// A left-over of an earlier crash may occupy the name.
Result<void> clear_temp(FileSystem& files, const Path& temp, const Result<void>& created) {
    if (created || created.error().code != "storage.exists") return created;
    return files.change(change::Remove{temp});
}

}  // namespace

Problem storage_problem(int error, std::string what) {
    std::string_view code = "storage.io";
    switch (error) {
        case ENOENT:
            code = "storage.missing";
            break;
        case EEXIST:
        case ENOTEMPTY:
            code = "storage.exists";
            break;
        case ENOSPC:
        case EDQUOT:
            code = "storage.full";
            break;
        case EROFS:
            code = "storage.readOnly";
            break;
        case EACCES:
        case EPERM:
            code = "storage.permission";
            break;
        case EFBIG:
            code = "storage.tooLarge";
            break;
        case ELOOP:
            code = "storage.symlink";
            break;
        default:
            break;
    }
    return problem(code, std::move(what), std::strerror(error));
}

Result<std::string> RealFileSystem::read(const Path& path, std::size_t limit) {
    Descriptor file(
        retry_interrupted([&] { return ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY); }));
    if (!file.ok()) return last_error("Cannot open " + path.string());
    struct stat status {};
    if (::fstat(file.get(), &status) != 0) return last_error("Cannot inspect " + path.string());
    if (!S_ISREG(status.st_mode)) return failure("storage.io", path.string() + " is not a regular file");
    if (static_cast<std::size_t>(status.st_size) > limit) {
        return failure("storage.tooLarge",
                       fmt::format("{} has {} bytes, more than {}", path.string(), status.st_size, limit));
    }
    std::string content(static_cast<std::size_t>(status.st_size), '\0');
    std::size_t filled = 0;
    while (filled < content.size()) {
        ssize_t got =
            retry_interrupted([&] { return ::read(file.get(), content.data() + filled, content.size() - filled); });
        if (got < 0) return last_error("Cannot read " + path.string());
        if (got == 0) break;
        filled += static_cast<std::size_t>(got);
    }
    content.resize(filled);
    return content;
}

Result<void> RealFileSystem::create(const Path& path, std::string_view content, const FileAttributes& attributes) {
    // Born without any permission for others; widened only after the content is complete.
    Descriptor file(retry_interrupted(
        [&] { return ::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600); }));
    if (!file.ok()) return last_error("Cannot create " + path.string());
    auto abandon = [&](std::string what) {
        int error = errno;
        ::unlink(path.c_str());
        return failure(storage_problem(error, std::move(what)));
    };
    if (!write_all(file.get(), content)) return abandon("Cannot write " + path.string());
    if (!set_attributes(file.get(), attributes)) return abandon("Cannot set owner and mode of " + path.string());
    if (::fsync(file.get()) != 0) return abandon("Cannot sync " + path.string());
    if (file.close() != 0 && errno != EINTR) return abandon("Cannot close " + path.string());
    return {};
}

Result<void> RealFileSystem::change(const Change& change) {
    return std::visit(Apply{}, change);
}

Result<std::vector<std::string>> RealFileSystem::list(const Path& directory) {
    std::unique_ptr<DIR, decltype([](DIR* open) { ::closedir(open); })> open(::opendir(directory.c_str()));
    if (!open) return last_error("Cannot list " + directory.string());
    std::vector<std::string> names;
    errno = 0;
    while (const dirent* entry = ::readdir(open.get())) {
        std::string_view name = entry->d_name;
        if (name != "." && name != "..") names.emplace_back(name);
        errno = 0;
    }
    if (errno != 0) return last_error("Cannot list " + directory.string());
    std::ranges::sort(names);
    return names;
}

Result<FileStatus> RealFileSystem::inspect(const Path& path) {
    struct stat status {};
    if (::lstat(path.c_str(), &status) != 0) {
        if (errno == ENOENT || errno == ENOTDIR) return FileStatus{};
        return last_error("Cannot inspect " + path.string());
    }
    FileStatus result;
    result.mode = status.st_mode & 07777;
    result.owner = status.st_uid;
    result.group = status.st_gid;
    result.size = static_cast<std::uint64_t>(status.st_size);
    result.kind = S_ISREG(status.st_mode)   ? FileStatus::Kind::file
                  : S_ISDIR(status.st_mode) ? FileStatus::Kind::directory
                  : S_ISLNK(status.st_mode) ? FileStatus::Kind::symlink
                                            : FileStatus::Kind::other;
    if (result.kind == FileStatus::Kind::symlink) result.link_target = read_link(path, result.size);
    return result;
}

Result<void> durable_write(FileSystem& files, const Path& path, std::string_view content,
                           const FileAttributes& attributes) {
    Path temp = temp_path(path);
    Result<void> created = files.create(temp, content, attributes);
    if (!created) {
        if (Result<void> cleared = clear_temp(files, temp, created); !cleared) return cleared;
        created = files.create(temp, content, attributes);
        if (!created) return created;
    }
    if (Result<void> renamed = files.change(change::Rename{temp, path}); !renamed) {
        files.change(change::Remove{temp});
        return renamed;
    }
    return files.change(change::SyncDirectory{path.parent_path()});
}

Result<void> durable_symlink(FileSystem& files, const std::string& target, const Path& path) {
    Path temp = temp_path(path);
    Result<void> created = files.change(change::Symlink{target, temp});
    if (!created) {
        if (Result<void> cleared = clear_temp(files, temp, created); !cleared) return cleared;
        created = files.change(change::Symlink{target, temp});
        if (!created) return created;
    }
    if (Result<void> renamed = files.change(change::Rename{temp, path}); !renamed) {
        files.change(change::Remove{temp});
        return renamed;
    }
    return files.change(change::SyncDirectory{path.parent_path()});
}

Result<void> make_directories(FileSystem& files, const Path& path, mode_t mode) {
    Result<FileStatus> status = files.inspect(path);
    if (!status) return failure(status.error());
    if (status->kind == FileStatus::Kind::directory) return {};
    if (status->kind != FileStatus::Kind::missing)
        return failure("storage.exists", path.string() + " is not a directory");
    if (path.has_parent_path() && path.parent_path() != path) {
        if (Result<void> parent = make_directories(files, path.parent_path(), mode); !parent) return parent;
    }
    Result<void> made = files.change(change::MakeDirectory{path, mode});
    if (!made && made.error().code != "storage.exists") return made;
    return files.change(change::SyncDirectory{path.parent_path()});
}

Result<void> remove_tree(FileSystem& files, const Path& path) {
    Result<FileStatus> status = files.inspect(path);
    if (!status) return failure(status.error());
    if (status->kind == FileStatus::Kind::missing) return {};
    if (status->kind == FileStatus::Kind::directory) {
        Result<std::vector<std::string>> names = files.list(path);
        if (!names) return failure(names.error());
        for (const std::string& name : *names) {
            if (Result<void> removed = remove_tree(files, path / name); !removed) return removed;
        }
    }
    return files.change(change::Remove{path});
}

Result<bool> exists(FileSystem& files, const Path& path) {
    Result<FileStatus> status = files.inspect(path);
    if (!status) return failure(status.error());
    return status->kind != FileStatus::Kind::missing;
}

}  // namespace certd
