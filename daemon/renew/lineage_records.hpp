// What certd remembers of lineages: read at start, and the only way onto the disk for what jobs and watches change.
// Owns how hooks ended until it is in the history there.
#pragma once

#include "config/model.hpp"
#include "daemon/lineage/lineage.hpp"
#include "daemon/observe/event.hpp"
#include "daemon/store/store.hpp"
#include "libacme/async/gate.hpp"
#include "libacme/async/offload.hpp"

#include <map>
#include <memory>
#include <string>
#include <vector>

namespace certd {

// What certd keeps in memory of a lineage. The history stays on disk.
struct LineageRecord {
    std::shared_ptr<const config::Lineage> spec;
    LineageState state;
    std::shared_ptr<const VersionFacts> live, newest;  // one object when equal
};

LineageName name_of(const LineageRecord& record);

class LineageRecords {
   public:
    LineageRecords(Workers& workers, Store& store) : workers_(workers), store_(store) {}

    // Reads what the store knows of a lineage, as at start. Blocking.
    Result<LineageRecord> load(std::shared_ptr<const config::Lineage> spec);
    // Writes record.state as it is now, with `entries` appended to the history on disk; one at a time for each lineage,
    // in the order of the calls.
    Task<Result<void>> save(LineageRecord& record, std::vector<HistoryEntry> entries = {});
    // Brings the record in line with what `live` names on disk.
    Task<Result<void>> adopt_live(LineageRecord& record, VersionNumber live);
    // Puts damaged versions aside and brings the record in line with what is left.
    Task<Recovery> examine(LineageRecord& record);

    // How a hook ended goes into the history of its lineage: with the next save, or with this.
    void note_hook(const Event& event);
    Task<> save_hooks(std::vector<std::string> lineages);
    Task<> save_hooks();

   private:
    Task<> save_hooks_of(LineageName name);
    std::vector<HookRun> take_ended(const LineageName& name);
    void give_back(const LineageName& name, std::vector<HookRun> runs);
    std::shared_ptr<Gate> disk_of(const LineageName& name);

    Workers& workers_;
    Store& store_;
    std::map<std::string, std::weak_ptr<Gate>> disks_;   // of the lineages being written
    std::map<std::string, std::vector<HookRun>> ended_;  // hooks that are not in the history yet, by lineage
};

}  // namespace certd
