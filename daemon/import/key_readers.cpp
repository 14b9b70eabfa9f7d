// The bits of the key's file and of the directories before it, taken together.
#include "daemon/import/key_readers.hpp"

#include <algorithm>
#include <set>

#include <fmt/format.h>

namespace certd::certbot {

namespace {

constexpr mode_t readable = 0644;  // of a key: what a copy may have of its mode
constexpr mode_t by_group = 040, by_all = 04, through_group = 010, through_all = 01;

}  // namespace

Result<std::optional<KeyReaders>> key_readers(const FileStatus& key, const std::vector<FileStatus>& way, uid_t self) {
    bool has_readers = (key.mode & (by_group | by_all)) != 0 || key.owner != self;
    bool is_reached =
        std::ranges::all_of(way, [](const FileStatus& at) { return (at.mode & (through_group | through_all)) != 0; });
    if (!has_readers || !is_reached) return std::nullopt;
    std::set<gid_t> groups;  // of each of them one has to be a member
    for (const FileStatus& at : way) {
        if ((at.mode & through_all) == 0) groups.insert(at.group);
    }
    if (groups.empty()) return KeyReaders{key.mode & readable, key.owner, key.group};
    if ((key.mode & by_all) == 0) groups.insert(key.group);
    if (groups.size() == 1 && (key.mode & (by_group | by_all)) != 0)
        return KeyReaders{(key.mode & readable & ~by_all) | by_group, key.owner, *groups.begin()};
    return failure("import.files", fmt::format("who may read its key (mode {:04o}) depends on the modes of several "
                                               "directories, which one file cannot have: let one group through to it",
                                               key.mode));
}

}  // namespace certd::certbot
