// What is told of a lineage's past: one entry for each line of the audit journal that is about it.
#pragma once

#include "libacme/base/json.hpp"

#include <cstdint>
#include <optional>
#include <string>

namespace certd::api {

struct JournalEntry {
    std::uint64_t sequence = 0;  // of the line in the journal
    std::optional<Time> at;
    std::string type, severity, target, host;  // as of an event: "renewal.started"
    std::uint64_t job = 0;                     // what belongs together within one run of certd; 0: none
    std::string message;                       // our words
    std::optional<std::uint32_t> uid;          // who asked, of a call
    std::optional<std::int64_t> pid;
    std::optional<Problem> problem;
    Json data;  // further facts, an object or null
};

Json to_json(const JournalEntry& entry);
JournalEntry journal_entry_from_json(const Json& json);

}  // namespace certd::api
