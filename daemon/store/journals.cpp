// Journals of what is in progress. Of a deployment: the old contents as files, then journal.json, which makes them
// count. Of hook rounds: one document.
#include "daemon/lineage/codec.hpp"
#include "daemon/store/document.hpp"
#include "daemon/store/layout.hpp"
#include "daemon/store/store.hpp"

#include "libacme/crypto/digest.hpp"

#include <algorithm>

#include <fmt/format.h>

namespace certd {

namespace {

struct BackupRecord {
    std::string path;
    bool existed = false;
    std::uint32_t mode = 0, owner = 0, group = 0;
    std::string file;  // beside journal.json; empty when nothing existed
    std::string sha256;
};

struct JournalRecord {
    TargetName target;
    VersionNumber version, previous_live;
    std::vector<BackupRecord> backups;
    std::string host;  // empty: this machine
};

constexpr std::string_view journal_name = "journal.json";

}  // namespace

namespace codec {

template <class Visit>
static void fields(Is<BackupRecord> auto& backup, Visit& visit) {
    visit("path", backup.path);
    visit("existed", backup.existed);
    visit("mode", backup.mode);
    visit("owner", backup.owner);
    visit("group", backup.group);
    visit("file", backup.file);
    visit("sha256", backup.sha256);
}

template <class Visit>
static void fields(Is<JournalRecord> auto& journal, Visit& visit) {
    visit("target", journal.target);
    visit("version", journal.version);
    visit("previous_live", journal.previous_live);
    visit("backups", journal.backups);
    visit.optional("host", journal.host);
}

}  // namespace codec

namespace {

// A host's name may hold what a file's should not.
std::string directory_name(const Place& place) {
    if (place.is_local()) return place.target.text;
    return place.target.text + "@" + sha256_hex(place.host).substr(0, 16);
}

Result<Path> journal_directory(const Path& root, const LineageName& name, const Place& place) {
    return layout::component(place.target.text).map([&](const Path&) {
        return layout::deploy(root, name) / directory_name(place);
    });
}

// Names that no journal before this one used: the old journal holds until the new journal.json replaces it.
JournalRecord record_of(const DeployJournal& journal, const std::vector<std::string>& taken) {
    JournalRecord record{journal.target, journal.version, journal.previous_live, {}, {}};
    if (!journal.place().is_local()) record.host = journal.host;
    std::size_t number = 0;
    for (const DeployJournal::Backup& backup : journal.backups) {
        BackupRecord entry{backup.path, backup.existed, backup.mode, backup.owner, backup.group, {}, {}};
        if (backup.existed) {
            do {
                entry.file = fmt::format("backup-{}", ++number);
            } while (std::ranges::find(taken, entry.file) != taken.end());
            entry.sha256 = sha256_hex(backup.content);
        }
        record.backups.push_back(std::move(entry));
    }
    return record;
}

Result<void> write_backups(FileSystem& files, const Path& directory, const DeployJournal& journal,
                           const JournalRecord& record) {
    for (std::size_t index = 0; index < record.backups.size(); ++index) {
        if (!record.backups[index].existed) continue;
        Path path = directory / record.backups[index].file;
        if (Result<void> written = files.create(path, journal.backups[index].content, {}); !written) return written;
    }
    return {};
}

// The usual case: everything appears by one rename.
Result<void> make_journal(FileSystem& files, const Path& directory, const DeployJournal& journal) {
    JournalRecord record = record_of(journal, {});
    Path temp = directory.parent_path() / (std::string(layout::temp_prefix) + directory_name(journal.place()));
    std::string text = seal(codec::Coder<JournalRecord>::encode(record));
    if (Result<void> cleared = remove_tree(files, temp); !cleared) return cleared;
    if (Result<void> made = files.change(change::MakeDirectory{temp}); !made) return made;
    Result<void> done = write_backups(files, temp, journal, record);
    if (done) done = files.create(temp / journal_name, text, {});
    if (done) done = files.change(change::SyncDirectory{temp});
    if (done) done = files.change(change::Rename{temp, directory});
    if (!done) (void)remove_tree(files, temp);
    return done;
}

// Over one that was never dropped: it holds until the rename of journal.json, before which the new backups are durable.
Result<void> replace_journal(FileSystem& files, const Path& directory, const DeployJournal& journal) {
    Result<std::vector<std::string>> before = files.list(directory);
    if (!before) return failure(std::move(before).error());
    JournalRecord record = record_of(journal, *before);
    if (Result<void> written = write_backups(files, directory, journal, record); !written) return written;
    if (Result<void> synced = files.change(change::SyncDirectory{directory}); !synced) return synced;
    Json json = codec::Coder<JournalRecord>::encode(record);
    if (Result<void> written = write_document(files, directory / journal_name, json); !written) return written;
    for (const std::string& old : *before) {
        if (old.starts_with("backup-")) (void)files.change(change::Remove{directory / old});
    }
    return {};
}

Result<DeployJournal> load_backups(FileSystem& files, const Path& directory, JournalRecord record) {
    DeployJournal journal{record.target, record.version, record.previous_live, {}};
    if (!record.host.empty()) journal.host = record.host;
    for (BackupRecord& entry : record.backups) {
        DeployJournal::Backup backup{std::move(entry.path), entry.existed, entry.mode, entry.owner, entry.group, {}};
        if (entry.existed) {
            Result<Path> file = layout::component(entry.file);
            if (!file) return corrupt(directory / journal_name, "it names a strange file");
            Result<std::string> content = files.read(directory / *file, default_read_limit);
            if (!content) return failure(std::move(content).error());
            if (sha256_hex(*content) != entry.sha256)
                return corrupt(directory / *file, "its digest is not the one in journal.json");
            backup.content = std::move(*content);
        }
        journal.backups.push_back(std::move(backup));
    }
    return journal;
}

}  // namespace

Result<void> Store::save_hook_rounds(const std::vector<HookRound>& rounds) {
    return write_document(files_, layout::hook_rounds(root_), to_json(rounds));
}

Result<std::vector<HookRound>> Store::load_hook_rounds() {
    Result<std::optional<Json>> json = read_document(files_, layout::hook_rounds(root_));
    if (!json) return failure(std::move(json).error());
    return *json ? hook_rounds_from_json(**json) : std::vector<HookRound>();
}

Result<void> Store::save_deploy_journal(const LineageName& name, const DeployJournal& journal) {
    Result<Path> directory = journal_directory(root_, name, journal.place());
    if (!directory) return failure(std::move(directory).error());
    Result<bool> there = exists(files_, *directory);
    if (!there) return failure(std::move(there).error());
    auto write = [&] {
        return *there ? replace_journal(files_, *directory, journal) : make_journal(files_, *directory, journal);
    };
    Result<void> written = write();
    if (!written && written.error().code == "storage.missing") {
        if (Result<void> made = make_lineage(name); !made) return made;
        written = write();
    }
    if (!written) return written;
    return files_.change(change::SyncDirectory{directory->parent_path()});
}

Result<std::vector<DeployJournal>> Store::deploy_journals(const LineageName& name) {
    std::vector<DeployJournal> journals;
    Path deploy = layout::deploy(root_, name);
    Result<std::vector<std::string>> entries = files_.list(deploy);
    if (!entries && entries.error().code == "storage.missing") return journals;
    if (!entries) return failure(std::move(entries).error());
    for (const std::string& entry : *entries) {
        if (layout::is_temp(entry)) continue;
        Path directory = deploy / entry;
        Result<std::optional<Json>> json = read_document(files_, directory / journal_name);
        if (!json) return failure(std::move(json).error());
        if (!*json) continue;  // never completed, or its removal was not
        Result<JournalRecord> record =
            codec::decode_document<JournalRecord>(**json, (directory / journal_name).string());
        if (!record) return failure(std::move(record).error());
        Result<DeployJournal> journal = load_backups(files_, directory, std::move(*record));
        if (!journal) return failure(std::move(journal).error());
        if (directory_name(journal->place()) != entry)
            return corrupt(directory / journal_name, "it belongs to another target");
        journals.push_back(std::move(*journal));
    }
    return journals;
}

Result<void> Store::drop_deploy_journal(const LineageName& name, const Place& place) {
    Result<Path> directory = journal_directory(root_, name, place);
    if (!directory) return failure(std::move(directory).error());
    Result<void> removed = files_.change(change::Remove{*directory / journal_name});
    if (!removed && removed.error().code != "storage.missing") return removed;
    // Before the rest goes: a journal that came back would undo a deployment that was committed.
    Result<void> synced = files_.change(change::SyncDirectory{*directory});
    if (!synced) return synced.error().code == "storage.missing" ? Result<void>() : synced;
    return remove_tree(files_, *directory);
}

}  // namespace certd
