// Where an installed file really is: a symlink at its path is an operator's decision where it lives. Blocking.
#pragma once

#include "libacme/base/file_system.hpp"

namespace certd {

struct FilePlace {
    Path path;  // of the file itself, every symlink at its end followed
    FileStatus status;
};

// A regular file or none yet. Problem deploy.install for anything else, storage.* when it cannot be seen.
Result<FilePlace> place_for_file(FileSystem& files, const Path& path);

}  // namespace certd
