// The audit journal's chain, apart from files: lines that each carry the SHA-256 over the hash of the line before and
// their own content, and the walk that finds where that does not hold (contrib/docs/STATE-DIRECTORY.md).
#pragma once

#include "libacme/base/json.hpp"
#include "libacme/base/time.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace certd {

// The end of the chain: what the next line follows on.
struct AuditHead {
    std::uint64_t sequence = 0;               // of the last line; 0: there is none
    std::string hash = std::string(64, '0');  // of the last line, lower-case hex
    bool operator==(const AuditHead&) const = default;
};

// The next line, with its newline; `head` moves on to it. `record` is an object without `sequence` and `hash`.
std::string audit_line(AuditHead& head, const Json& record);

// The first line of a file, which ties it to the file before.
Json audit_file_record(const AuditHead& head, Time now);
// Says that retention removed everything up to and including `through`.
Json audit_removal_record(const AuditHead& through, const std::string& file, Time now);

struct AuditFinding {
    std::string file;
    std::size_t line = 0;  // from 1
    std::string what;      // "was edited, …": a predicate
};

struct AuditReport {
    std::size_t files = 0, lines = 0;
    std::uint64_t first = 0;  // number of the first line that is there
    AuditHead head;
    std::optional<Time> since, until;
    std::vector<AuditFinding> findings;  // up to 100
    std::string unfinished;  // the file whose last line has no end: torn by a crash, or being written; or empty
    bool holds() const { return findings.empty(); }
};

// Fed with the files in the order of their numbers.
class AuditWalk {
   public:
    void file(const std::string& name, std::string_view text);
    // Without the question whether what stood before the first line was removed by retention.
    const AuditReport& so_far() const { return report_; }
    AuditReport finish() &&;

   private:
    void line(std::string_view text);
    void check(const Json& json, std::string_view content, const std::string& hash);
    void find(std::string what);

    AuditReport report_;
    std::string file_;
    std::size_t line_ = 0;
    bool hash_known_ = true;
    AuditHead cut_;  // what stood before the first line
    bool cut_explained_ = true;
    std::vector<AuditHead> removals_;
    std::string first_file_;
};

}  // namespace certd
