// Appending to the audit journal, beginning and removing files, and putting right what a crash left.
#include "daemon/store/audit_journal.hpp"

#include <algorithm>
#include <utility>

#include <fmt/format.h>

namespace certd {

namespace {

constexpr std::string_view ending = ".jsonl";
constexpr std::size_t read_limit = std::size_t{128} << 20;
constexpr int files_in_keep = 8;  // a file that never fills is closed after an eighth of `keep`, so that it can go

std::string file_name(std::uint64_t number) {
    return fmt::format("{:06}{}", number, ending);
}

std::uint64_t number_of(const std::string& name) {
    return std::stoull(name);
}

bool is_file_name(std::string_view name) {
    if (!name.ends_with(ending)) return false;
    name.remove_suffix(ending.size());
    return name.size() >= 6 && name.size() <= 18 && name.find_first_not_of("0123456789") == std::string_view::npos;
}

// The last line that can be read.
std::optional<Json> last_line(std::string_view text) {
    while (!text.empty()) {
        text.remove_suffix(text.ends_with('\n') ? 1 : 0);
        std::size_t begin = text.rfind('\n') + 1;  // npos + 1 is 0
        if (Result<Json> json = parse_json(text.substr(begin)); json && json->is_object()) return std::move(*json);
        text = text.substr(0, begin);
    }
    return std::nullopt;
}

}  // namespace

Result<std::vector<std::string>> audit_files(FileSystem& files, const Path& directory) {
    Result<std::vector<std::string>> names = files.list(directory);
    if (!names && names.error().code == "storage.missing") return std::vector<std::string>();
    if (!names) return names;
    std::erase_if(*names, [](const std::string& name) { return !is_file_name(name); });
    std::ranges::sort(*names, {}, number_of);
    return names;
}

Result<void> AuditJournal::append(const std::vector<Json>& records, AuditLimits limits, Time now) {
    Result<void> done;
    if (!open_) done = open(now);
    if (!done) return done;
    if (batch_from_) there_ += static_cast<std::size_t>(head_.sequence - *batch_from_);
    batch_from_.reset();
    there_ = std::min(there_, records.size());
    if (full_ || size_ >= limits.max_size || began_ + limits.keep / files_in_keep <= now) done = begin_file(now);
    if (done) done = write(own_, 0);
    if (done) own_.clear();
    if (done && now >= retain_next_) done = retain(limits, now);
    if (done) {
        done = write(records, there_);
        if (!done) batch_from_ = head_.sequence;
    }
    open_ = done.has_value();
    mistrusted_ = !open_;
    if (open_) there_ = 0;
    return done;
}

Result<void> AuditJournal::write(const std::vector<Json>& records, std::size_t from) {
    if (from >= records.size()) return {};
    AuditHead head = head_;
    std::string text;
    for (std::size_t i = from; i < records.size(); ++i)
        text += audit_line(head, records[i]);
    std::size_t size = text.size();
    Result<void> written = appender_.append(directory_ / names_.back(), text);
    if (!written) return written;
    head_ = head;
    size_ += size;
    return {};
}

Result<void> AuditJournal::begin_file(Time now) {
    AuditHead head = head_;
    std::string line = audit_line(head, audit_file_record(head_, now));
    std::string name = file_name(names_.empty() ? 1 : number_of(names_.back()) + 1);
    // Nothing is appended before the name is durable; until then the file may vanish and nothing is lost.
    if (Result<void> made = files_.create(directory_ / name, line, {}); !made) return made;
    if (Result<void> synced = files_.change(change::SyncDirectory{directory_}); !synced) return synced;
    names_.push_back(name);
    head_ = head;
    size_ = line.size();
    began_ = now;
    full_ = false;
    retain_next_ = now;
    return {};
}

// The line that tells of it is durable before the file goes, so that at every moment what is there explains itself.
Result<void> AuditJournal::retain(AuditLimits limits, Time now) {
    retain_next_ = now + days(1);
    while (names_.size() > 1) {
        const std::string name = names_.front();
        Result<std::string> text = files_.read(directory_ / name, read_limit);
        if (!text) return failure(std::move(text).error());
        std::optional<Json> last = last_line(*text);
        std::optional<Time> at = last ? time_in(*last, "at") : std::nullopt;
        if (!at || *at + limits.keep >= now) return {};
        AuditHead through{static_cast<std::uint64_t>(last->int_or("sequence")), last->string_or("hash")};
        if (Result<void> told = write({audit_removal_record(through, name, now)}, 0); !told) return told;
        if (Result<void> gone = files_.change(change::Remove{directory_ / name}); !gone) return gone;
        if (Result<void> synced = files_.change(change::SyncDirectory{directory_}); !synced) return synced;
        names_.erase(names_.begin());
    }
    return {};
}

Result<void> AuditJournal::open(Time now) {
    if (Result<void> made = make_directories(files_, directory_, 0700); !made) return made;
    Result<std::vector<std::string>> names = audit_files(files_, directory_);
    if (!names) return failure(std::move(names).error());
    names_ = std::move(*names);
    // What an earlier process saw of names need not be on the disk.
    if (Result<void> synced = files_.change(change::SyncDirectory{directory_}); !synced) return synced;
    for (;;) {
        Result<bool> found = read_newest(now);
        if (!found) return failure(std::move(found).error());
        if (*found) return {};
    }
}

void AuditJournal::note(const std::string& what, Time now) {
    notes_.push_back(what);
    own_.push_back(Json::object({{"at", to_json(std::optional(now))}, {"type", "journal.damaged"}, {"message", what}}));
}

// False: the newest file held nothing and was removed; the one before is the newest now.
Result<bool> AuditJournal::read_newest(Time now) {
    if (names_.empty()) {
        head_ = {};
        full_ = true;
        return true;
    }
    const std::string name = names_.back();
    const Path path = directory_ / name;
    Result<std::string> text = files_.read(path, read_limit);
    if (!text) return failure(std::move(text).error());
    std::string_view whole = std::string_view(*text).substr(0, text->rfind('\n') + 1);  // npos + 1 is 0
    std::string_view tail = std::string_view(*text).substr(whole.size());
    if (!tail.empty()) {
        if (Result<void> kept = set_aside(name, tail, now); !kept) return failure(kept.error());
    }
    if (whole.empty()) {
        if (Result<void> gone = files_.change(change::Remove{path}); !gone) return failure(gone.error());
        if (Result<void> synced = files_.change(change::SyncDirectory{directory_}); !synced)
            return failure(synced.error());
        names_.pop_back();
        return false;
    }
    // A new inode: an fsync that failed is never repeated on the same file.
    if (!tail.empty() || mistrusted_) {
        if (Result<void> written = durable_write(files_, path, whole); !written) return failure(written.error());
    }
    AuditWalk walk;
    walk.file(name, whole);
    const AuditReport& report = walk.so_far();
    if (!report.holds()) {
        note(fmt::format("{} of the audit journal is damaged at line {} and is left as it is", name,
                         report.findings.back().line),
             now);
    }
    head_ = report.head;
    size_ = whole.size();
    began_ = report.since.value_or(Time{});
    full_ = !report.holds();
    return true;
}

Result<void> AuditJournal::set_aside(const std::string& name, std::string_view tail, Time now) {
    std::string kept = fmt::format("{}.torn-{}", name, tail.size());
    if (Result<void> written = durable_write(files_, directory_ / kept, tail); !written) return written;
    note(fmt::format("The last line of {} of the audit journal was cut off after {} octets, which are kept in {}", name,
                     tail.size(), kept),
         now);
    return {};
}

Result<AuditReport> verify_audit(FileSystem& files, const Path& directory) {
    Result<std::vector<std::string>> names = audit_files(files, directory);
    if (!names) return failure(std::move(names).error());
    AuditWalk walk;
    for (const std::string& name : *names) {
        Result<std::string> text = files.read(directory / name, read_limit);
        // Retention may have come in between.
        if (!text && text.error().code == "storage.missing") continue;
        if (!text) return failure(std::move(text).error());
        walk.file(name, *text);
    }
    return std::move(walk).finish();
}

Result<std::vector<Json>> audit_history(FileSystem& files, const Path& directory, const std::string& lineage,
                                        std::size_t limit) {
    Result<std::vector<std::string>> names = audit_files(files, directory);
    if (!names) return failure(std::move(names).error());
    const std::string mark = to_text(Json::object({{"lineage", lineage}})).substr(1, lineage.size() + 12);
    std::vector<Json> found;  // newest first
    for (auto name = names->rbegin(); name != names->rend() && found.size() < limit; ++name) {
        Result<std::string> read = files.read(directory / *name, read_limit);
        if (!read && read.error().code == "storage.missing") continue;
        if (!read) return failure(std::move(read).error());
        std::string_view text = std::string_view(*read).substr(0, read->rfind('\n') + 1);
        while (!text.empty() && found.size() < limit) {
            text.remove_suffix(1);
            std::size_t begin = text.rfind('\n') + 1;
            std::string_view line = text.substr(begin);
            text = text.substr(0, begin);
            if (line.find(mark) == std::string_view::npos) continue;
            Result<Json> json = parse_json(line);
            if (json && json->string_or("lineage") == lineage) found.push_back(std::move(*json));
        }
    }
    std::ranges::reverse(found);
    return found;
}

}  // namespace certd
