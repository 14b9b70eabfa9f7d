// The files of the audit journal: appended to by one owner, read by anybody. All of it blocks: call from `offload`.
#pragma once

#include "daemon/store/audit_chain.hpp"
#include "libacme/base/append.hpp"
#include "libacme/base/file_system.hpp"
#include "libacme/base/time.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace certd {

struct AuditLimits {
    Duration keep = days(400);            // at least; a file goes when its last line is older
    std::uint64_t max_size = 10'000'000;  // of a file in octets, before the next is begun
};

class AuditJournal {
   public:
    AuditJournal(FileSystem& files, Appender& appender, Path directory)
        : files_(files), appender_(appender), directory_(std::move(directory)) {}

    // Durable when it returns. After a failure some of the records may have been written: the same ones have to come
    // again first, and what is there already is not written twice. Problems: storage.*
    Result<void> append(const std::vector<Json>& records, AuditLimits limits, Time now);
    // What had to be put right since the last call, in sentences.
    std::vector<std::string> take_notes() { return std::exchange(notes_, {}); }

   private:
    Result<void> open(Time now);
    Result<bool> read_newest(Time now);
    Result<void> set_aside(const std::string& name, std::string_view tail, Time now);
    void note(const std::string& what, Time now);
    Result<void> write(const std::vector<Json>& records, std::size_t from);
    Result<void> begin_file(Time now);
    Result<void> retain(AuditLimits limits, Time now);

    FileSystem& files_;
    Appender& appender_;
    Path directory_;
    bool open_ = false;
    bool mistrusted_ = false;  // an append failed: what is seen of the newest file need not be on the disk
    bool full_ = false;        // the newest file is not appended to any more
    std::vector<std::string> names_;
    AuditHead head_;
    // Of the batch that failed: the number of the last line before the last attempt, and how many of it are there.
    std::optional<std::uint64_t> batch_from_;
    std::size_t there_ = 0;
    std::uint64_t size_ = 0;
    Time began_{}, retain_next_{};
    std::vector<Json> own_;  // lines of the journal about itself, still to be written
    std::vector<std::string> notes_;
};

inline Path audit_directory(const Path& state_directory) {
    return state_directory / "audit";
}
// Names of the journal's files in order; none when there is no directory.
Result<std::vector<std::string>> audit_files(FileSystem& files, const Path& directory);
Result<AuditReport> verify_audit(FileSystem& files, const Path& directory);
// The newest lines, `limit` at most, that are about a lineage, oldest first, without their hashes. Not verified.
Result<std::vector<Json>> audit_history(FileSystem& files, const Path& directory, const std::string& lineage,
                                        std::size_t limit);

}  // namespace certd
