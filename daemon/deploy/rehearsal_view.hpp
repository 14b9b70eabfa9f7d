// The private view of a rehearsal on this machine: which directories are laid over with what.
#pragma once

#include "daemon/deploy/host.hpp"

#include <string>
#include <string_view>
#include <vector>

namespace certd {

// A file of the view and the directory that it really is in.
struct ViewedFile {
    Shadow::Directory directory;  // without files
    Shadow::File file;
};

// Pure. `mount_points`: of the whole system.
Shadow assemble(std::string place, std::vector<ViewedFile> files, const std::vector<std::string>& mount_points);
// The mount points in a text as /proc/self/mountinfo has it (proc(5)). Pure.
std::vector<std::string> parse_mount_points(std::string_view mountinfo);

// Follows the symlinks at the files' paths, as an installation does. Blocking. Problems deploy.install for a file that
// could not be written where it belongs, deploy.notRehearsed for one in the root directory.
Result<Shadow> shadow_of(const RehearsalView& view);

}  // namespace certd
