// What certd remembers of lineages: read at start, and the only way onto the disk for what jobs and watches change.
// Owns how hooks ended and what was decided until both are in the state there.
#pragma once

#include "config/model.hpp"
#include "daemon/lineage/lineage.hpp"
#include "daemon/observe/event.hpp"
#include "daemon/store/store.hpp"
#include "libacme/async/gate.hpp"
#include "libacme/async/offload.hpp"

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

namespace certd {

// What certd keeps in memory of a lineage. History, hooks and decisions stay on disk.
struct LineageRecord {
    std::shared_ptr<const config::Lineage> spec;
    LineageState state;
    std::shared_ptr<const VersionFacts> live, newest;  // one object when equal
    DecisionMark decided;                              // of the decision that stands; false: none is on record
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

    // How a hook ended, and what was decided, goes into the state of its lineage: with the next save, or with these.
    // What the process dies with is lost. Of decisions nothing that matters is: one that starts a job is saved before
    // the job does anything (Pipeline::run), and one that waits is made again by the next start, since what is on disk
    // is not it.
    void note(const Event& event);
    Task<> save_noted(std::vector<std::string> lineages);
    // Of all lineages, as at the end of the process: decisions for as long as `has_time`, what hooks did in any case.
    Task<> save_noted(std::function<bool()> has_time);
    // What was decided, oldest first: on disk, and what is not there yet.
    Task<std::vector<Decision>> decisions(LineageName name);
    bool owes_decisions(const std::string& lineage) const;

   private:
    struct Noted {
        std::vector<HookRun> hooks;
        std::vector<Decision> decisions;
        bool empty() const { return hooks.empty() && decisions.empty(); }
    };
    Task<> save_noted_of(LineageName name);
    Noted take_noted(const LineageName& name);
    void give_back(const LineageName& name, Noted noted);
    std::shared_ptr<Gate> disk_of(const LineageName& name);

    Workers& workers_;
    Store& store_;
    std::map<std::string, std::weak_ptr<Gate>> disks_;  // of the lineages being written
    std::map<std::string, Noted> noted_;                // what is not on disk yet, by lineage
};

}  // namespace certd
