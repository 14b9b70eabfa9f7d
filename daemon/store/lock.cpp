// StateLock. Uses system calls directly: a lock is not a file operation that a test could crash in the middle of.
#include "daemon/store/layout.hpp"
#include "daemon/store/store.hpp"
#include "libacme/base/descriptor.hpp"

#include <array>
#include <cerrno>
#include <utility>

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <fmt/format.h>

namespace certd {

namespace {

constexpr int tries = 10;  // against a lock file that is deleted again and again

// The other daemon's process id as it wrote it; for the message only.
std::string holder(int file) {
    std::array<char, 32> text{};
    ssize_t length = ::pread(file, text.data(), text.size(), 0);
    std::string digits(text.data(), length > 0 ? static_cast<std::size_t>(length) : 0);
    digits.resize(std::min(digits.size(), digits.find_first_not_of("0123456789")));
    return digits.empty() ? "" : " (process " + digits + ")";
}

tl::unexpected<Problem> locked(const Path& root, int file) {
    return failure("storage.locked",
                   fmt::format("State directory {} is in use by another certd{}", root.string(), holder(file)));
}

bool try_lock(int file) {
    struct flock whole {};
    whole.l_type = F_WRLCK;
    whole.l_whence = SEEK_SET;
    return ::fcntl(file, F_OFD_SETLK, &whole) == 0;
}

bool is_file_at(int file, const Path& path) {
    struct stat open {
    }, named{};
    return ::fstat(file, &open) == 0 && ::lstat(path.c_str(), &named) == 0 && open.st_dev == named.st_dev &&
           open.st_ino == named.st_ino;
}

void write_process_id(int file) {
    std::string text = fmt::format("{}\n", ::getpid());
    if (::ftruncate(file, 0) == 0) (void)!::pwrite(file, text.data(), text.size(), 0);
}

bool means_held(int error) {
    return error == EAGAIN || error == EACCES;
}

}  // namespace

Result<StateLock> StateLock::acquire(const Path& root) {
    if (::mkdir(root.c_str(), 0700) != 0 && errno != EEXIST) {
        return failure(storage_problem(errno, "Cannot create state directory " + root.string()));
    }
    Descriptor directory(::open(root.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (directory.get() < 0) return failure(storage_problem(errno, "Cannot open state directory " + root.string()));
    Path path = layout::lock_file(root);
    // File systems that cannot flock a directory (some network ones) have the lock file still.
    bool directory_held = ::flock(directory.get(), LOCK_EX | LOCK_NB) != 0 && errno == EWOULDBLOCK;
    for (int attempt = 0; attempt < tries; ++attempt) {
        Descriptor file(::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600));
        if (file.get() < 0) return failure(storage_problem(errno, "Cannot open lock file " + path.string()));
        if (directory_held) return locked(root, file.get());
        if (!try_lock(file.get())) {
            if (means_held(errno)) return locked(root, file.get());
            return failure(storage_problem(errno, "Cannot lock " + path.string()));
        }
        if (!is_file_at(file.get(), path)) continue;
        write_process_id(file.get());
        return StateLock(directory.release(), file.release());
    }
    return failure("storage.locked", path.string() + " is replaced all the time");
}

StateLock::StateLock(StateLock&& other) noexcept
    : directory_(std::exchange(other.directory_, -1)), file_(std::exchange(other.file_, -1)) {}

StateLock& StateLock::operator=(StateLock&& other) noexcept {
    std::swap(directory_, other.directory_);
    std::swap(file_, other.file_);
    return *this;
}

StateLock::~StateLock() {
    if (file_ >= 0) ::close(file_);
    if (directory_ >= 0) ::close(directory_);
}

}  // namespace certd
