#include "daemon/import/record.hpp"

#include "daemon/store/document.hpp"

#include <algorithm>
#include <array>
#include <optional>

namespace certd::certbot {

namespace {

constexpr std::array stages = {Stage::preparing, Stage::switching, Stage::taken, Stage::returning, Stage::returned};

Path record_file(const Path& state_directory) {
    return state_directory / "certbot.json";
}

std::optional<Stage> stage_from(std::string_view text) {
    auto found = std::ranges::find(stages, text, [](Stage stage) { return to_string(stage); });
    return found == stages.end() ? std::nullopt : std::optional(*found);
}

// Both become parts of paths.
bool is_component(const std::string& name) {
    return !name.empty() && name != "." && name != ".." && name.find('/') == std::string::npos;
}

}  // namespace

std::string_view to_string(Stage stage) {
    switch (stage) {
        case Stage::preparing:
            return "preparing";
        case Stage::switching:
            return "switching";
        case Stage::taken:
            return "taken";
        case Stage::returning:
            return "returning";
        case Stage::returned:
            return "returned";
    }
    return "";
}

std::vector<Entry> Record::at(Stage stage) const {
    std::vector<Entry> found;
    std::ranges::copy_if(entries, std::back_inserter(found), [&](const Entry& entry) { return entry.stage == stage; });
    return found;
}

void Record::advance(Stage from_stage, Stage to) {
    for (Entry& entry : entries) {
        if (entry.stage == from_stage) entry.stage = to;
    }
}

Result<Record> load_record(FileSystem& files, const Path& state_directory) {
    Path path = record_file(state_directory);
    Result<std::optional<Json>> json = read_document(files, path);
    if (!json) return failure(std::move(json).error());
    Record record;
    if (!*json) return record;
    record.from = (**json).string_or("from");
    const Json::Array* entries = (**json)["lineages"].if_array();
    if (entries == nullptr || !record.from.is_absolute()) return corrupt(path, "it lacks from or lineages");
    for (const Json& item : *entries) {
        std::optional<Stage> stage = stage_from(item.string_or("stage"));
        Entry entry{item.string_or("certbot"), item.string_or("lineage"), item.string_or("file"),
                    stage.value_or(Stage::preparing)};
        if (!stage || !is_component(entry.certbot_name) || !is_component(entry.lineage) || !entry.file.is_absolute())
            return corrupt(path, "one of its lineages makes no sense");
        record.entries.push_back(std::move(entry));
    }
    return record;
}

Result<void> save_record(FileSystem& files, const Path& state_directory, const Record& record) {
    Json entries = Json::array();
    for (const Entry& entry : record.entries) {
        entries.push(Json::object({{"certbot", entry.certbot_name},
                                   {"lineage", entry.lineage},
                                   {"file", entry.file.string()},
                                   {"stage", to_string(entry.stage)}}));
    }
    Json json = Json::object({{"from", record.from.string()}, {"lineages", std::move(entries)}});
    return write_document(files, record_file(state_directory), json);
}

}  // namespace certd::certbot
