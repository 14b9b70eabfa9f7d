// The file-system seam: the few operations durable storage is made of. Each is atomic or refused; each may be made to
// fail or be the last before a crash in tests. Every path is absolute; no operation follows a symlink at its last
// component unless it says so. Problems: storage.missing, storage.exists, storage.full, storage.readOnly,
// storage.permission, storage.io.
#pragma once

#include "libacme/base/problem.hpp"

#include <cstddef>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include <sys/types.h>

namespace certd {

using Path = std::filesystem::path;

struct FileAttributes {
    mode_t mode = 0600;          // in force from the moment of creation, whatever the umask
    std::optional<uid_t> owner;  // unset: the process's own
    std::optional<gid_t> group;
};

struct FileStatus {
    enum class Kind { missing, file, directory, symlink, other };
    Kind kind = Kind::missing;
    mode_t mode = 0;  // permission bits only
    uid_t owner = 0;
    gid_t group = 0;
    std::uint64_t size = 0;
    std::string link_target;  // of a symlink
};

namespace change {
struct MakeDirectory {
    Path path;
    mode_t mode = 0700;
};  // refused with storage.exists when there
struct Rename {
    Path from, to;
};  // replaces `to`, as rename(2)
struct Remove {
    Path path;
};  // a file, symlink or empty directory
struct Symlink {
    std::string target;
    Path path;
};  // refused with storage.exists when there
struct SyncDirectory {
    Path path;
};  // makes names in it durable
}  // namespace change
using Change =
    std::variant<change::MakeDirectory, change::Rename, change::Remove, change::Symlink, change::SyncDirectory>;

class FileSystem {
   public:
    virtual ~FileSystem() = default;
    // The content of a regular file (the last component may be a symlink); storage.tooLarge above `limit`.
    virtual Result<std::string> read(const Path& path, std::size_t limit) = 0;
    // A new file (O_EXCL), written and fsynced; on failure no file is left.
    virtual Result<void> create(const Path& path, std::string_view content, const FileAttributes& attributes) = 0;
    virtual Result<void> change(const Change& change) = 0;
    // Names in a directory, sorted, without "." and "..".
    virtual Result<std::vector<std::string>> list(const Path& directory) = 0;
    // lstat and readlink; a missing path is Kind::missing, not a problem.
    virtual Result<FileStatus> inspect(const Path& path) = 0;
};

// The operating system's file system. Blocking: call from `offload`.
class RealFileSystem final : public FileSystem {
   public:
    Result<std::string> read(const Path& path, std::size_t limit) override;
    Result<void> create(const Path& path, std::string_view content, const FileAttributes& attributes) override;
    Result<void> change(const Change& change) override;
    Result<std::vector<std::string>> list(const Path& directory) override;
    Result<FileStatus> inspect(const Path& path) override;
};

constexpr std::size_t default_read_limit = std::size_t{4} << 20;

// temp file in the same directory → fsync → rename → fsync(directory): after a crash the old content or the new, never
// a mix. The temp file's name starts with ".tmp-"; a left-over of a crash is ignored and overwritten by recovery.
Result<void> durable_write(FileSystem& files, const Path& path, std::string_view content,
                           const FileAttributes& attributes = {});
// The same for a symlink: created under a temp name and renamed over `path`.
Result<void> durable_symlink(FileSystem& files, const std::string& target, const Path& path);
// mkdir -p below an existing directory, each new name made durable.
Result<void> make_directories(FileSystem& files, const Path& path, mode_t mode = 0700);
// rm -r without following symlinks; a missing path is success.
Result<void> remove_tree(FileSystem& files, const Path& path);
Result<bool> exists(FileSystem& files, const Path& path);

// The Problem for an errno, by kind: ENOSPC and EDQUOT → storage.full, EROFS → storage.readOnly, EACCES and EPERM →
// storage.permission …
Problem storage_problem(int error, std::string what);

}  // namespace certd
