// What was taken over, and how far that has come: certbot.json in the state directory. Written before each stage, so
// that a run that was killed is finished by the next.
#pragma once

#include "libacme/base/file_system.hpp"

#include <string>
#include <string_view>
#include <vector>

namespace certd::certbot {

enum class Stage {
    preparing,  // being copied into the state directory; nothing of certbot's is changed yet
    switching,  // certbot's directory is being changed
    taken,
    returning,  // being given back
    returned
};
std::string_view to_string(Stage stage);

struct Entry {
    std::string certbot_name, lineage;
    Path file;  // of the configuration
    Stage stage = Stage::preparing;
    bool operator==(const Entry&) const = default;
};

struct Record {
    Path from;
    std::vector<Entry> entries;

    std::vector<Entry> at(Stage stage) const;
    void advance(Stage from_stage, Stage to);
    bool operator==(const Record&) const = default;
};

// Empty when nothing was ever taken over. Problem storage.corrupt.
Result<Record> load_record(FileSystem& files, const Path& state_directory);
Result<void> save_record(FileSystem& files, const Path& state_directory, const Record& record);

}  // namespace certd::certbot
