// A FileSystem in memory with a simulated page cache: what a power loss leaves behind is the content that was synced,
// under names whose directory was synced — and any selection of the changes of names that were not (faults §14.8). It
// can fail or "die" at operation k, and is quick enough for thousands of lineages. Thread-safe.
#pragma once

#include "libacme/base/file_system.hpp"
#include "tests/support/fault_plan.hpp"

#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

namespace certd::test {

class MemoryFileSystem final : public FileSystem {
   public:
    MemoryFileSystem();
    ~MemoryFileSystem() override;

    Result<std::string> read(const Path& path, std::size_t limit) override;
    Result<void> create(const Path& path, std::string_view content, const FileAttributes& attributes) override;
    Result<void> change(const Change& change) override;
    Result<std::vector<std::string>> list(const Path& directory) override;
    Result<FileStatus> inspect(const Path& path) override;

    // Counts operations from now on. After a SimulatedCrash set a new plan: what is visible then is what a process
    // killed there would leave to the next one.
    void plan(FaultPlan plan);
    std::size_t operations() const;
    bool fired() const;

    // One line per operation since `record(true)`: "create /x/y", "rename /a -> /b", "sync /x".
    void record(bool on);
    std::vector<std::string> log() const;

    // Calls `visit` with each state in which a power loss at this moment may leave the disk. All selections of the
    // unsynced changes while there are at most `limit` of them; beyond that none, all, every beginning, each alone, all
    // but one, and seeded random ones, up to `limit` states.
    void each_power_loss(std::size_t limit, const std::function<void(MemoryFileSystem&)>& visit) const;

    // Behind the back of the program under test, without counting.
    void overwrite(const Path& path, std::string content);
    void set_mode(const Path& path, mode_t mode);
    void set_owner(const Path& path, uid_t owner);

   private:
    struct Inode;
    struct Place;
    using InodePtr = std::shared_ptr<Inode>;

    std::optional<Problem> refuse(bool changes, const std::string& what);
    Result<InodePtr> find(const Path& path, bool follow_last) const;
    Result<Place> place_of(const Path& path) const;
    Result<void> apply(const change::MakeDirectory& it);
    Result<void> apply(const change::Rename& it);
    Result<void> apply(const change::Remove& it);
    Result<void> apply(const change::Symlink& it);
    Result<void> apply(const change::SyncDirectory& it);
    Result<void> create_now(const Path& path, std::string_view content, const FileAttributes& attributes);
    void set_name(Inode& directory, const std::string& name, InodePtr inode, std::size_t unit);
    std::vector<std::size_t> unsynced_units() const;
    std::unique_ptr<MemoryFileSystem> after_power_loss(const std::vector<std::size_t>& survived) const;

    mutable std::mutex mutex_;
    InodePtr root_;
    std::size_t next_unit_ = 0;
    FaultCounter faults_;
    bool recording_ = false;
    std::vector<std::string> log_;
};

}  // namespace certd::test
