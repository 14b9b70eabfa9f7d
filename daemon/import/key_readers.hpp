// Who reads a key in certbot's directory besides root, and what it takes that they go on to.
#pragma once

#include "libacme/base/file_system.hpp"

#include <optional>
#include <vector>

#include <sys/types.h>

namespace certd::certbot {

// How a copy of the key has to be installed for them.
struct KeyReaders {
    mode_t mode = 0640;
    uid_t owner = 0;
    gid_t group = 0;
    bool operator==(const KeyReaders&) const = default;
};

// `way`: the directories that lead to the key; `self`: who runs certd. nullopt when nobody else gets there. Nobody is
// let in who was kept out: where that takes more than one group, problem import.files. Pure.
Result<std::optional<KeyReaders>> key_readers(const FileStatus& key, const std::vector<FileStatus>& way, uid_t self);

}  // namespace certd::certbot
