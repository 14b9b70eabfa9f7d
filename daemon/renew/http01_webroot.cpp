// Http01Webroot: every step below the webroot is relative to the directory opened before and follows no link.
#include "daemon/renew/http01_webroot.hpp"

#include "libacme/base/bytes.hpp"
#include "libacme/base/descriptor.hpp"
#include "libacme/base/file_system.hpp"
#include "libacme/crypto/digest.hpp"

#include <array>
#include <cerrno>
#include <cstring>
#include <memory>
#include <utility>
#include <vector>

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

namespace certd {

using acme::ChallengeTask;

namespace {

constexpr std::array<const char*, 2> directories = {".well-known", "acme-challenge"};
constexpr int open_directory = O_RDONLY | O_DIRECTORY | O_CLOEXEC;
constexpr std::size_t token_limit = 255;  // NAME_MAX

// What is wrong at `place`; a link, a file or nothing where a directory belongs is for the operator to put right.
Problem refusal(int error, const std::string& operation, const std::string& place) {
    bool misplaced = error == ENOTDIR || error == ELOOP || error == ENOENT;
    if (!misplaced) return storage_problem(error, operation + " " + place);
    return problem("challenge.webroot",
                   operation + " " + place + (error == ENOENT ? "" : ": not a directory, or a symbolic link"),
                   std::strerror(error));
}

bool is_empty_directory(int directory) {
    int copy = ::openat(directory, ".", open_directory);
    if (copy < 0) return false;
    std::unique_ptr<DIR, decltype([](DIR* stream) { ::closedir(stream); })> stream(::fdopendir(copy));
    if (!stream) return ::close(copy), false;
    int entries = 0;
    while (::readdir(stream.get()) != nullptr)
        ++entries;
    return entries <= 2;  // "." and ".."
}

// A directory born with our umask is opened to the web server. Somebody may have put another one in its place
// meanwhile: only an empty one of our own is touched.
void let_server_in(int directory) {
    struct stat status {};
    if (::fstat(directory, &status) != 0 || status.st_uid != ::geteuid()) return;
    if (is_empty_directory(directory)) ::fchmod(directory, 0755);
}

// The directory the answers are in, opened step by step, and those above it.
class Walk {
   public:
    explicit Walk(const std::string& webroot) : place_(webroot) {}

    // Opens everything down to acme-challenge. With `created`, missing directories are made and their places added to
    // it.
    Result<void> descend(std::set<std::string>* created) {
        Descriptor root(::open(place_.c_str(), open_directory));
        if (!root.ok()) return failure(refusal(errno, "Cannot open the webroot", place_));
        opened_.push_back({std::move(root), place_});
        for (const char* name : directories) {
            place_ += std::string("/") + name;
            int error = step(name, created);
            if (error != 0) return failure(refusal(error, "Cannot open", place_));
        }
        return {};
    }
    int directory() const { return opened_.back().descriptor.get(); }
    const std::string& place() const { return place_; }

    // Removes those of the opened directories that are in `created`, from the innermost on, as far as they are empty.
    void remove_created(std::set<std::string>& created) const {
        for (std::size_t depth = opened_.size(); depth-- > 1;) {
            int parent = opened_[depth - 1].descriptor.get();
            if (!created.contains(opened_[depth].place)) continue;
            if (::unlinkat(parent, directories[depth - 1], AT_REMOVEDIR) == 0) created.erase(opened_[depth].place);
        }
    }

   private:
    struct Opened {
        Descriptor descriptor;
        std::string place;
    };

    // 0 or an errno.
    int step(const char* name, std::set<std::string>* created) {
        int parent = opened_.back().descriptor.get();
        bool made = false;
        Descriptor next(::openat(parent, name, open_directory | O_NOFOLLOW));
        if (!next.ok() && errno == ENOENT && created != nullptr) {
            if (::mkdirat(parent, name, 0755) == 0) {
                made = true;
                created->insert(place_);
            } else if (errno != EEXIST) {
                return errno;
            }
            next = Descriptor(::openat(parent, name, open_directory | O_NOFOLLOW));
        }
        if (!next.ok()) return errno;
        if (made) let_server_in(next.get());
        opened_.push_back({std::move(next), place_});
        return 0;
    }

    std::string place_;
    std::vector<Opened> opened_;
};

// A new file under a name that no token can have, moved over `token` when complete.
Result<void> put_file(const Walk& walk, const std::string& token, std::string_view content) {
    std::string temporary = ".certd-" + hex(random_bytes(8)), place = walk.place() + "/" + token;
    Descriptor file(
        ::openat(walk.directory(), temporary.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600));
    if (!file.ok()) return failure(storage_problem(errno, "Cannot create a file in " + walk.place()));
    bool written = write_all(file.get(), content) && ::fchmod(file.get(), 0644) == 0 &&
                   ::renameat(walk.directory(), temporary.c_str(), walk.directory(), token.c_str()) == 0;
    if (written) return {};
    int error = errno;
    ::unlinkat(walk.directory(), temporary.c_str(), 0);
    return failure(storage_problem(error, "Cannot write " + place));
}

Result<std::string> read_file(const Walk& walk, const std::string& token, std::size_t limit) {
    std::string place = walk.place() + "/" + token, content(limit, '\0');
    Descriptor file(::openat(walk.directory(), token.c_str(), O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC));
    ssize_t length = file.ok() ? ::read(file.get(), content.data(), content.size()) : -1;
    if (length < 0) return failure(storage_problem(errno, "Cannot read back " + place));
    content.resize(static_cast<std::size_t>(length));
    return content;
}

void require_token(const ChallengeTask& task) {
    if (is_base64url(task.token) && task.token.size() <= token_limit) return;
    fail("acme.badToken", "Refused the challenge token for " + task.identifier.value, task.token);
}

}  // namespace

Http01Webroot::Http01Webroot(Workers& workers, std::string webroot) : workers_(workers), webroot_(std::move(webroot)) {}

bool Http01Webroot::can_solve(std::string_view type, const Identifier&, bool wildcard) const {
    return type == "http-01" && !wildcard;
}

Task<> Http01Webroot::present(ChallengeTask task) {
    require_token(task);
    value_or_fail(co_await offload(workers_, [&] { return write(task); }));
}

Task<> Http01Webroot::wait_visible(ChallengeTask task) {
    require_token(task);
    value_or_fail(co_await offload(workers_, [&] { return check(task); }));
}

Task<> Http01Webroot::wait_attempted(ChallengeTask) {
    co_return;
}  // the web server's log is not ours

Task<> Http01Webroot::clean_up(ChallengeTask task) {
    if (!is_base64url(task.token)) co_return;  // never presented
    value_or_fail(co_await offload(workers_, [&] { return remove(task); }));
}

Result<void> Http01Webroot::write(const ChallengeTask& task) {
    std::lock_guard lock(mutex_);
    Walk walk(webroot_);
    auto written = walk.descend(&created_);
    if (written) written = put_file(walk, task.token, task.key_authorization);
    if (written) ++presented_[task.token];
    return written;
}

Result<void> Http01Webroot::check(const ChallengeTask& task) {
    std::lock_guard lock(mutex_);
    Walk walk(webroot_);
    if (auto opened = walk.descend(nullptr); !opened) return opened;
    auto content = read_file(walk, task.token, task.key_authorization.size() + 1);
    if (!content) return failure(std::move(content).error());
    if (*content == task.key_authorization) return {};
    return failure("challenge.notServed", "Somebody changed the challenge answer " + walk.place() + "/" + task.token);
}

Result<void> Http01Webroot::remove(const ChallengeTask& task) {
    std::lock_guard lock(mutex_);
    auto times = presented_.find(task.token);
    if (times != presented_.end() && --times->second > 0) return {};
    if (times != presented_.end()) presented_.erase(times);
    Walk walk(webroot_);
    // A way that is no longer there, or leads through a link now, has nothing of ours at its end.
    bool arrived = walk.descend(nullptr).has_value();
    // EISDIR: somebody made a directory of that name.
    if (arrived && ::unlinkat(walk.directory(), task.token.c_str(), 0) != 0 && errno != ENOENT && errno != EISDIR) {
        return failure(storage_problem(errno, "Cannot remove " + walk.place() + "/" + task.token));
    }
    if (presented_.empty()) walk.remove_created(created_);
    return {};
}

}  // namespace certd
