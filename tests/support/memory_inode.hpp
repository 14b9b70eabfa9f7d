// The inodes of MemoryFileSystem, for its own two sources.
#pragma once

#include "tests/support/memory_file_system.hpp"

#include <unistd.h>

namespace certd::test {

struct MemoryFileSystem::Inode {
    FileStatus::Kind kind = FileStatus::Kind::file;
    mode_t mode = 0600;
    uid_t owner = ::geteuid();
    gid_t group = ::getegid();
    std::shared_ptr<const std::string> text;  // content, or target of a symlink
    std::map<std::string, InodePtr> names;    // as processes see them
    std::map<std::string, InodePtr> on_disk;  // as of the last sync of this directory
    // A change of a name since then; a null inode is a removal. Those of one unit survive or vanish together.
    struct Change {
        std::size_t unit;
        std::string name;
        InodePtr inode;
    };
    std::vector<Change> unsynced;
};

}  // namespace certd::test
