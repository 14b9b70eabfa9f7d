// A view of the file system for one program alone: in some directories it sees files that nobody else sees. The view is
// a mount namespace over memory (tmpfs and overlayfs): nothing of it comes to a disk, what the program writes into
// these directories goes nowhere else, and all of it ends with the last process that is in it.
//
// Where certd may not mount, the namespace is one of users too (user_namespaces(7)). Programs of root then see the ids
// of all users if certd has CAP_SETUID, CAP_SETGID and CAP_SETFCAP, and have no capability that certd itself could not
// have.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include <sys/types.h>

namespace certd {

struct Shadow {
    struct File {
        std::string name;  // below its directory: "privkey.pem", "shop/privkey.pem"
        std::string content;
        mode_t mode = 0600;
        std::optional<uid_t> owner;  // unset: certd's own
        std::optional<gid_t> group;
        bool operator==(const File&) const = default;
    };
    struct Directory {
        std::string path;  // absolute, exists, no symlink in it
        mode_t mode = 0755;
        uid_t owner = 0;  // as the directory itself has them
        gid_t group = 0;
        std::vector<std::string> folders;  // new ones below it, of mode 0700, each after the one it is in
        std::vector<File> files;
        std::vector<std::string> mounts;  // mount points below it, which stay in sight: "private"
        bool operator==(const Directory&) const = default;
    };
    std::string place;                   // a directory of certd's own, covered by the view's memory
    std::vector<Directory> directories;  // each after those above it

    bool operator==(const Shadow&) const = default;
};

// A directory within the view for whatever the program wants to write.
std::string scratch_of(const Shadow& shadow);

// The view, one system call after the other. Relative paths are below `place`.
struct ShadowStep {
    enum class Kind {
        isolate,  // from here on mounts are nobody else's
        memory,   // at `path`, and go there
        folder,   // new, or given its mode and owner
        file,     // new, with `text`
        bind,     // `text` is seen at `path` too, with what is mounted below it
        overlay,  // of the folder `text` on `path`
        look,     // whether the file `path` really holds `text`
    };
    Kind kind = Kind::isolate;
    std::string path, text;
    mode_t mode = 0700;
    std::optional<uid_t> owner;
    std::optional<gid_t> group;
    bool operator==(const ShadowStep&) const = default;
};
std::vector<ShadowStep> steps_of(const Shadow& shadow);
// For messages: "showing /etc/ssl/web with other files".
std::string doing(const ShadowStep& step);

// ---- Between fork and exec: async-signal-safe, errno says why -------------------------------------------------------

constexpr int shadow_entered = -1, shadow_refused = -2;  // no namespace; otherwise the number of the step that failed

// In the process that becomes the program. `line`: a socket to give_ids, in a process outside of the view.
int enter_shadow(const std::vector<ShadowStep>& steps, int line);
// Answers one question of the process at the other end, whose number is `pid`; false when it has none any more.
bool give_ids(int line, pid_t pid);

}  // namespace certd
