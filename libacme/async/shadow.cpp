#include "libacme/async/shadow.hpp"

#include "libacme/base/descriptor.hpp"

#include <fmt/format.h>

#include <array>
#include <cerrno>
#include <cstdint>
#include <string_view>

#include <fcntl.h>
#include <linux/capability.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <unistd.h>

namespace certd {

namespace {

using Kind = ShadowStep::Kind;

constexpr const char* memory_options = "mode=0700,size=64m";  // a test that fills it hears "no space left"
constexpr std::string_view scratch = "scratch";

// What a process asks for, and the answers: ids of all users, its own ones only, none.
constexpr char wants_ids = 'w', all_ids = 'a', own_ids = 'o', no_ids = 'n';

ShadowStep folder(std::string path) {
    return {Kind::folder, std::move(path), {}, 0700, {}, {}};
}

// ---- The steps as system calls --------------------------------------------------------------------------------------

struct Ids {  // that a file can be given
    bool all = true;
    uid_t own_uid = 0;
    gid_t own_gid = 0;
};

uid_t shown_owner(const std::optional<uid_t>& wanted, const Ids& ids) {
    const bool possible = wanted && (ids.all || *wanted == ids.own_uid);
    return possible ? *wanted : static_cast<uid_t>(-1);  // -1: as it is
}

gid_t shown_group(const std::optional<gid_t>& wanted, const Ids& ids) {
    const bool possible = wanted && (ids.all || *wanted == ids.own_gid);
    return possible ? *wanted : static_cast<gid_t>(-1);
}

bool make_folder(const ShadowStep& step, const Ids& ids) {
    if (::mkdir(step.path.c_str(), 0700) != 0) return false;
    return ::chown(step.path.c_str(), shown_owner(step.owner, ids), shown_group(step.group, ids)) == 0 &&
           ::chmod(step.path.c_str(), step.mode) == 0;
}

bool make_file(const ShadowStep& step, const Ids& ids) {
    const int fd = ::open(step.path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (fd < 0) return false;
    const bool made = write_all(fd, step.text) &&
                      ::fchown(fd, shown_owner(step.owner, ids), shown_group(step.group, ids)) == 0 &&
                      ::fchmod(fd, step.mode) == 0;
    const int error = errno;
    ::close(fd);
    errno = error;
    return made;
}

// The directory that the overlay's three folders are in is the working directory meanwhile: so their names need no
// escaping, whatever the state directory is called.
bool lay_over(const ShadowStep& step, const char* place) {
    if (::chdir(step.text.c_str()) != 0) return false;
    const bool laid =
        ::mount("certd-rehearsal", step.path.c_str(), "overlay", 0, "lowerdir=old,upperdir=new,workdir=work") == 0;
    const int error = errno;
    if (::chdir(place) != 0) return false;
    errno = error;
    return laid;
}

// Other files than those meant would be worse than none: ESTALE.
bool holds(const ShadowStep& step) {
    const int fd = ::open(step.path.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    if (fd < 0) return false;
    std::array<char, 4096> buffer{};
    std::string_view rest = step.text;
    ssize_t got = 0;
    while ((got = ::read(fd, buffer.data(), buffer.size())) > 0) {
        const std::string_view piece(buffer.data(), static_cast<std::size_t>(got));
        if (!rest.starts_with(piece)) break;
        rest.remove_prefix(piece.size());
    }
    ::close(fd);
    if (got == 0 && rest.empty()) return true;
    errno = ESTALE;
    return false;
}

bool perform(const ShadowStep& step, const Ids& ids, const char* place) {
    switch (step.kind) {
        case Kind::isolate:
            return ::mount("none", "/", nullptr, MS_REC | MS_PRIVATE, nullptr) == 0;
        case Kind::memory:
            return ::mount("certd-rehearsal", step.path.c_str(), "tmpfs", MS_NOSUID | MS_NODEV, memory_options) == 0 &&
                   ::chdir(step.path.c_str()) == 0;
        case Kind::folder:
            return make_folder(step, ids);
        case Kind::file:
            return make_file(step, ids);
        case Kind::bind:
            return ::mount(step.text.c_str(), step.path.c_str(), nullptr, MS_BIND | MS_REC, nullptr) == 0;
        case Kind::overlay:
            return lay_over(step, place);
        case Kind::look:
            return holds(step);
    }
    return false;
}

// ---- Namespaces and ids ---------------------------------------------------------------------------------------------

using Bounds = std::array<bool, 64>;

Bounds capability_bounds() {
    Bounds bounds{};
    for (std::size_t i = 0; i < bounds.size(); ++i)
        bounds[i] = ::prctl(PR_CAPBSET_READ, i, 0, 0, 0) == 1;
    return bounds;
}

// A new user namespace gives all capabilities within it: the program shall not have more of them than in earnest.
void keep_within(const Bounds& bounds) {
    for (std::size_t i = 0; i < bounds.size(); ++i) {
        if (!bounds[i]) ::prctl(PR_CAPBSET_DROP, i, 0, 0, 0);
    }
}

char ask_for_ids(int line) {
    char answer = no_ids;
    if (::write(line, &wants_ids, 1) != 1) return no_ids;
    const ssize_t got = retry_interrupted([&] { return ::read(line, &answer, 1); });
    return got == 1 ? answer : no_ids;
}

bool enter_namespaces(int line, Ids& ids) {
    if (::unshare(CLONE_NEWNS) == 0) return true;
    if (::unshare(CLONE_NEWUSER | CLONE_NEWNS) != 0) return false;
    // Or the files in /proc that name its ids would be root's, which certd need not be (proc(5)); exec is near.
    if (ids.own_uid != 0) ::prctl(PR_SET_DUMPABLE, 1, 0, 0, 0);
    const char answer = ask_for_ids(line);
    ids.all = answer == all_ids;
    if (answer == all_ids || answer == own_ids) return true;
    errno = EPERM;
    return false;
}

// "/proc/PID/NAME" and the lines of maps, without what may take a lock.
class Line {
   public:
    Line& add(std::string_view text) {
        for (const char c : text) {
            if (length_ + 1 < text_.size()) text_[length_++] = c;
        }
        return *this;
    }
    Line& add(std::uint32_t number) {
        std::array<char, 10> digits{};
        std::size_t count = 0;
        do {
            digits[count++] = static_cast<char>('0' + number % 10);
            number /= 10;
        } while (number != 0);
        while (count > 0)
            add(std::string_view(&digits[--count], 1));
        return *this;
    }
    std::string_view text() const { return {text_.data(), length_}; }
    const char* c_str() const { return text_.data(); }

   private:
    std::array<char, 96> text_{};
    std::size_t length_ = 0;
};

bool write_proc(pid_t pid, std::string_view name, std::string_view text) {
    Line path;
    path.add("/proc/").add(static_cast<std::uint32_t>(pid)).add("/").add(name);
    const int fd = ::open(path.c_str(), O_WRONLY | O_CLOEXEC);
    if (fd < 0) return false;
    const bool written = ::write(fd, text.data(), text.size()) == static_cast<ssize_t>(text.size());
    ::close(fd);
    return written;
}

// The ids stay the same numbers inside.
char give(pid_t pid) {
    constexpr std::string_view everybody = "0 0 4294967295\n";
    if (write_proc(pid, "uid_map", everybody) && write_proc(pid, "gid_map", everybody)) return all_ids;
    const auto one = [](std::uint32_t id) { return Line().add(id).add(" ").add(id).add(" 1\n"); };
    const bool given = write_proc(pid, "uid_map", one(::geteuid()).text()) && write_proc(pid, "setgroups", "deny") &&
                       write_proc(pid, "gid_map", one(::getegid()).text());
    return given ? own_ids : no_ids;
}

}  // namespace

std::string scratch_of(const Shadow& shadow) {
    return fmt::format("{}/{}", shadow.place, scratch);
}

std::vector<ShadowStep> steps_of(const Shadow& shadow) {
    std::vector<ShadowStep> steps{
        {Kind::isolate, {}, {}, 0, {}, {}}, {Kind::memory, shadow.place, {}, 0, {}, {}}, folder(std::string(scratch))};
    // What is there now, seen from a second place before anything is laid over it.
    for (std::size_t i = 0; i < shadow.directories.size(); ++i) {
        for (const char* name : {"", "/old", "/work"})
            steps.push_back(folder(fmt::format("{}{}", i, name)));
        steps.push_back({Kind::bind, fmt::format("{}/old", i), shadow.directories[i].path, 0, {}, {}});
    }
    for (std::size_t i = 0; i < shadow.directories.size(); ++i) {
        const auto& directory = shadow.directories[i];
        const auto fresh = fmt::format("{}/new", i);
        steps.push_back({Kind::folder, fresh, {}, directory.mode, directory.owner, directory.group});
        for (const auto& name : directory.folders)
            steps.push_back(folder(fmt::format("{}/{}", fresh, name)));
        for (const auto& file : directory.files) {
            steps.push_back(
                {Kind::file, fmt::format("{}/{}", fresh, file.name), file.content, file.mode, file.owner, file.group});
        }
        steps.push_back({Kind::overlay, directory.path, std::to_string(i), 0, {}, {}});
        for (const auto& name : directory.mounts) {
            steps.push_back(
                {Kind::bind, fmt::format("{}/{}", directory.path, name), fmt::format("{}/old/{}", i, name), 0, {}, {}});
        }
    }
    for (const auto& directory : shadow.directories) {
        for (const auto& file : directory.files)
            steps.push_back({Kind::look, fmt::format("{}/{}", directory.path, file.name), file.content, 0, {}, {}});
    }
    return steps;
}

std::string doing(const ShadowStep& step) {
    switch (step.kind) {
        case Kind::isolate:
            return "keeping mounts apart";
        case Kind::memory:
            return "mounting memory at " + step.path;
        case Kind::folder:
            return "making the folder " + step.path;
        case Kind::file:
            return "writing the file " + step.path;
        case Kind::bind:
            return fmt::format("showing {} at {}", step.text, step.path);
        case Kind::overlay:
            return fmt::format("showing {} with other files (overlayfs)", step.path);
        case Kind::look:
            return fmt::format("looking at {}, which shows something else", step.path);
    }
    return {};
}

int enter_shadow(const std::vector<ShadowStep>& steps, int line) {
    Ids ids{true, ::geteuid(), ::getegid()};
    const Bounds bounds = capability_bounds();
    if (!enter_namespaces(line, ids)) return shadow_refused;
    const char* place = "/";
    for (std::size_t i = 0; i < steps.size(); ++i) {
        if (!perform(steps[i], ids, place)) return static_cast<int>(i);
        if (steps[i].kind == Kind::memory) place = steps[i].path.c_str();
    }
    keep_within(bounds);
    return shadow_entered;
}

bool give_ids(int line, pid_t pid) {
    char question = 0;
    const ssize_t got = ::read(line, &question, 1);
    if (got <= 0) return got < 0 && errno == EINTR;
    const char answer = question == wants_ids ? give(pid) : no_ids;
    return ::write(line, &answer, 1) == 1;
}

}  // namespace certd
