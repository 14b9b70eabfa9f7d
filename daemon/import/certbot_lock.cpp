// CertbotLock. System calls directly, as in StateLock.
#include "daemon/import/certbot_lock.hpp"

#include <cerrno>
#include <utility>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

namespace certd::certbot {

namespace {

constexpr int tries = 10;  // against certbots that come and go

Path lock_file(const Path& root) {
    return root / ".certbot.lock";
}

struct flock whole_file(short type) {
    struct flock whole {};
    whole.l_type = type;
    whole.l_whence = SEEK_SET;
    return whole;
}

tl::unexpected<Problem> running(const Path& root) {
    return failure("import.certbotRunning", "A certbot is at work in " + root.string());
}

bool is_file_at(int file, const Path& path) {
    struct stat open {
    }, named{};
    return ::fstat(file, &open) == 0 && ::lstat(path.c_str(), &named) == 0 && open.st_dev == named.st_dev &&
           open.st_ino == named.st_ino;
}

}  // namespace

Result<CertbotLock> CertbotLock::acquire(const Path& root) {
    Path path = lock_file(root);
    for (int attempt = 0; attempt < tries; ++attempt) {
        Descriptor file(::open(path.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600));
        if (!file.ok()) return failure(storage_problem(errno, "Cannot open certbot's lock " + path.string()));
        struct flock wanted = whole_file(F_WRLCK);
        if (::fcntl(file.get(), F_OFD_SETLK, &wanted) != 0) {
            if (errno == EAGAIN || errno == EACCES) return running(root);
            return failure(storage_problem(errno, "Cannot lock " + path.string()));
        }
        // A certbot that has just ended took the file away with it.
        if (is_file_at(file.get(), path)) return CertbotLock(std::move(path), std::move(file));
    }
    return running(root);
}

Result<void> CertbotLock::check(const Path& root) {
    Path path = lock_file(root);
    // Only one that is open for writing can be asked about a lock for writing.
    Descriptor file(::open(path.c_str(), O_WRONLY | O_CLOEXEC | O_NOFOLLOW));
    if (!file.ok()) {
        if (errno == ENOENT) return {};
        return failure(storage_problem(errno, "Cannot open certbot's lock " + path.string()));
    }
    struct flock wanted = whole_file(F_WRLCK);
    if (::fcntl(file.get(), F_OFD_GETLK, &wanted) == 0 && wanted.l_type != F_UNLCK) return running(root);
    return {};
}

CertbotLock::CertbotLock(CertbotLock&& other) noexcept
    : path_(std::exchange(other.path_, {})), file_(std::move(other.file_)) {}

// Removed before it is released, as certbot does, so that nobody locks a file that is about to vanish.
CertbotLock::~CertbotLock() {
    if (file_.ok()) ::unlink(path_.c_str());
}

}  // namespace certd::certbot
