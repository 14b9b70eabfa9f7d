// Encoding of a lineage's past. The names of members are those of the journal's lines.
#include "ctl/api/history.hpp"

namespace certd::api {

Json to_json(const JournalEntry& entry) {
    Json json = Json::object({{"sequence", static_cast<std::int64_t>(entry.sequence)},
                              {"at", certd::to_json(entry.at)},
                              {"type", entry.type},
                              {"severity", entry.severity}});
    if (!entry.target.empty()) json.set("target", entry.target);
    if (!entry.host.empty()) json.set("host", entry.host);
    if (entry.job != 0) json.set("job", static_cast<std::int64_t>(entry.job));
    json.set("message", entry.message);
    if (entry.uid) json.set("uid", static_cast<std::int64_t>(*entry.uid));
    if (entry.pid) json.set("pid", *entry.pid);
    if (entry.problem) json.set("problem", certd::to_json(*entry.problem));
    if (!entry.data.is_null()) json.set("data", entry.data);
    return json;
}

JournalEntry journal_entry_from_json(const Json& json) {
    JournalEntry entry;
    entry.sequence = static_cast<std::uint64_t>(json.int_or("sequence"));
    entry.at = time_in(json, "at");
    entry.type = json.string_or("type");
    entry.severity = json.string_or("severity");
    entry.target = json.string_or("target");
    entry.host = json.string_or("host");
    entry.job = static_cast<std::uint64_t>(json.int_or("job"));
    entry.message = json.string_or("message");
    if (const std::int64_t* uid = json["uid"].if_int()) entry.uid = static_cast<std::uint32_t>(*uid);
    if (const std::int64_t* pid = json["pid"].if_int()) entry.pid = *pid;
    if (json["problem"].is_object()) entry.problem = problem_from_json(json["problem"]);
    entry.data = json["data"];
    return entry;
}

}  // namespace certd::api
