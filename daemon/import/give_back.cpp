// The way back: what certd issued becomes further versions in certbot's archive, then certbot's directory is as it was.
#include "daemon/import/import.hpp"

#include "config/load.hpp"
#include "daemon/import/certbot_lock.hpp"
#include "daemon/import/copies.hpp"
#include "daemon/import/read_tree.hpp"
#include "daemon/import/read_versions.hpp"
#include "daemon/import/steps.hpp"
#include "daemon/import/stock.hpp"

#include <algorithm>
#include <set>

#include <fmt/format.h>

namespace certd::certbot {

namespace {

constexpr std::size_t file_limit = std::size_t{64} << 10;

// The certificates of an archive by their fingerprints.
Result<std::map<std::string, std::uint32_t>> archived(FileSystem& files, const Path& archive) {
    Result<std::vector<std::string>> names = files.list(archive);
    if (!names) return failure(std::move(names).error());
    std::map<std::string, std::uint32_t> numbers;
    for (const std::string& file : *names) {
        auto number = archive_number(file, "cert");
        if (!number) continue;
        Result<std::string> text = files.read(archive / file, file_limit);
        if (!text) return failure(std::move(text).error());
        // One that cannot be read keeps its number from being used again.
        Result<Chain> chain = parse_chain(*text);
        numbers[chain ? chain->front().fingerprint_sha256() : file] = *number;
    }
    return numbers;
}

std::uint32_t highest(const std::map<std::string, std::uint32_t>& numbers) {
    std::uint32_t number = 0;
    for (const auto& [fingerprint, taken] : numbers)
        number = std::max(number, taken);
    return number;
}

// As the version before has them.
FileAttributes attributes_like(FileSystem& files, const Path& path, mode_t otherwise) {
    Result<FileStatus> status = files.inspect(path);
    if (!status || status->kind != FileStatus::Kind::file) return {otherwise, {}, {}};
    return {status->mode, status->owner, status->group};
}

// The certificate last: with it the version counts as there.
Result<void> append(FileSystem& files, const Path& archive, std::uint32_t number, const VersionFiles& version) {
    const std::array<std::pair<std::string_view, const std::string*>, 4> texts = {{{"privkey", &version.privkey},
                                                                                   {"chain", &version.chain},
                                                                                   {"fullchain", &version.fullchain},
                                                                                   {"cert", &version.cert}}};
    for (const auto& [kind, text] : texts) {
        Path before = archive / fmt::format("{}{}.pem", kind, number - 1);
        FileAttributes attributes = attributes_like(files, before, kind == "privkey" ? 0600 : 0644);
        Path path = archive / fmt::format("{}{}.pem", kind, number);
        if (Result<void> written = durable_write(files, path, *text, attributes); !written) return written;
    }
    return {};
}

// What still holds something stays.
void remove_empty_directories(FileSystem& files, const Path& root) {
    Path kept = kept_directory(root);
    for (const Path& path : {kept / "live", kept / "renewal", kept, copies_directory(root, "x").parent_path()})
        (void)files.change(change::Remove{path});
}

// A name for what is put aside: nothing is overwritten, whoever edited it.
Path unused_beside(FileSystem& files, const Path& path) {
    Path aside = path;
    aside += ".given-back";
    for (int number = 2; exists(files, aside).value_or(false); ++number)
        aside = fmt::format("{}.given-back-{}", path.string(), number);
    return aside;
}

class GiveBack {
   public:
    GiveBack(const Context& context, Outcome& outcome, Store& store)
        : context_(context),
          files_(context.seams.files),
          outcome_(outcome),
          made_(outcome.preparation),
          store_(store) {}

    Result<void> run() {
        for (Stage stage : {Stage::preparing, Stage::switching, Stage::taken})
            made_.record.advance(stage, Stage::returning);
        if (Result<void> recorded = record(); !recorded) return recorded;
        if (Result<void> removed = remove_probes(files_, made_.record.from); !removed) return removed;
        std::vector<Entry> entries = made_.record.at(Stage::returning);
        if (Result<void> aside = put_files_aside(entries); !aside) return aside;
        for (const Entry& entry : entries) {
            if (Result<void> returned = give_back(entry); !returned) return returned;
        }
        made_.record.advance(Stage::returning, Stage::returned);
        remove_empty_directories(files_, made_.record.from);
        outcome_.done.push_back(
            fmt::format("gave {} lineage{} back to certbot", entries.size(), entries.size() == 1 ? "" : "s"));
        compare_accounts(entries);
        return record();
    }

   private:
    Result<void> record() { return save_record(files_, made_.state_directory, made_.record); }

    // First of all: a certd that is started in between must not renew any more.
    Result<void> put_files_aside(const std::vector<Entry>& entries) {
        std::set<Path> paths;
        for (const Entry& entry : entries)
            paths.insert(entry.file);
        for (const Path& path : paths) {
            Result<bool> there = exists(files_, path);
            if (!there) return failure(std::move(there).error());
            if (!*there) continue;
            Path aside = unused_beside(files_, path);
            if (Result<void> moved = files_.change(change::Rename{path, aside}); !moved) return moved;
            if (Result<void> synced = files_.change(change::SyncDirectory{path.parent_path()}); !synced) return synced;
            outcome_.done.push_back(fmt::format("renamed {} to {}", path.string(), aside.filename().string()));
        }
        return {};
    }

    Result<void> give_back(const Entry& entry) {
        LineageName name = value_or_fail(LineageName::parse(entry.lineage));
        Result<Path> archive = archive_directory(files_, made_.record.from, entry.certbot_name);
        if (!archive) return failure(std::move(archive).error());
        Result<std::uint32_t> number = append_new(entry, name, *archive);
        if (!number) return failure(std::move(number).error());
        Result<void> switched = switch_back(context_.seams, made_.record.from, entry.certbot_name, *number);
        if (!switched) return switched;
        return remove_tree(files_, copies_directory(made_.record.from, entry.certbot_name));
    }

    // The number of the version that is live at certd.
    Result<std::uint32_t> append_new(const Entry& entry, const LineageName& name, const Path& archive) {
        Result<std::map<std::string, std::uint32_t>> numbers = archived(files_, archive);
        if (!numbers) return failure(std::move(numbers).error());
        Result<std::vector<VersionFacts>> versions = store_.versions(name);
        if (!versions) return failure(std::move(versions).error());
        Result<VersionNumber> live = store_.live(name);
        if (!live) return failure(std::move(live).error());
        std::uint32_t live_number = 0;
        for (const VersionFacts& facts : *versions) {
            auto known = numbers->find(facts.fingerprint);
            std::uint32_t number = known != numbers->end() ? known->second : highest(*numbers) + 1;
            if (known == numbers->end()) {
                if (Result<bool> added = append_version(entry, name, archive, facts, number); !added || !*added) {
                    if (!added) return failure(std::move(added).error());
                    continue;
                }
                numbers->emplace(facts.fingerprint, number);
            }
            if (facts.number == *live) live_number = number;
        }
        return live_number != 0 ? Result<std::uint32_t>(live_number) : shown_before(entry);
    }

    // False for one whose key certd does not have.
    Result<bool> append_version(const Entry& entry, const LineageName& name, const Path& archive,
                                const VersionFacts& facts, std::uint32_t number) {
        Result<VersionFiles> version = store_.read_version(name, facts.number);
        if (!version) return failure(std::move(version).error());
        if (version->privkey.empty()) {
            note(entry, fmt::format("version {} has no key at certd and is not given back", facts.number.value));
            return false;
        }
        if (Result<void> written = append(files_, archive, number, *version); !written)
            return failure(std::move(written).error());
        outcome_.done.push_back(
            fmt::format("{}: certd's version {} is {} of the archive", entry.certbot_name, facts.number.value, number));
        return true;
    }

    // Where nothing of certd's is live: what certbot's own links show.
    Result<std::uint32_t> shown_before(const Entry& entry) {
        Result<Path> links = links_directory(files_, made_.record.from, entry.certbot_name);
        if (!links) return failure(std::move(links).error());
        Result<FileStatus> status = files_.inspect(*links / "cert.pem");
        if (!status) return failure(std::move(status).error());
        auto number = archive_number(Path(status->link_target).filename().native(), "cert");
        if (!number) return failure("import.changed", (*links / "cert.pem").string() + " is no link into the archive");
        return *number;
    }

    // certbot cannot be told of a new key, so that it would fail where certd changed the key meanwhile.
    void compare_accounts(const std::vector<Entry>& entries) {
        Result<Tree> tree = read_tree(files_, {made_.record.from, {}});
        if (!tree) return;
        for (const Entry& entry : entries) {
            auto facts = std::ranges::find(tree->lineages, entry.certbot_name, &LineageFacts::name);
            Result<LineageName> name = LineageName::parse(entry.lineage);
            if (facts == tree->lineages.end() || !facts->account || !name) continue;
            Result<std::vector<VersionFacts>> versions = store_.versions(*name);
            if (!versions || versions->empty()) continue;
            Result<std::optional<StoredAccount>> stored = store_.load_account(versions->back().ca);
            Result<PrivateKey> key =
                stored && *stored ? PrivateKey::from_pem((*stored)->key_pem) : failure("storage.missing", "");
            if (key && key->thumbprint() != facts->account->thumbprint) {
                note(entry, fmt::format("the account at {} has another key now, which certbot does not have: register "
                                        "certbot anew there",
                                        versions->back().ca.text));
            }
        }
    }

    void note(const Entry& entry, const std::string& text) {
        made_.translation.notes.push_back(fmt::format("{}: {}", entry.certbot_name, text));
    }

    const Context& context_;
    FileSystem& files_;
    Outcome& outcome_;
    Preparation& made_;
    Store& store_;
};

std::set<Path> files_of(const Record& record) {
    std::set<Path> paths;
    for (const Entry& entry : record.entries) {
        if (entry.stage != Stage::returned) paths.insert(entry.file);
    }
    return paths;
}

// Lineages that were added to an imported file, or that use what is in it, would be lost with it. The configuration as
// it will be.
Result<config::ConfigPtr> check_rest(const Record& record, const Options& options) {
    std::vector<config::Fragment> without;
    for (const Path& path : files_of(record))
        without.push_back({path.string(), ""});
    config::Loaded now = config::load_with(options.config_file, {});
    if (!now.config) return failure(config::to_problem(now.diagnostics));
    for (const auto& [name, lineage] : now.config->lineages) {
        const std::shared_ptr<const std::string>& file = lineage->location.file;
        bool imported = std::ranges::any_of(record.entries, [&](const Entry& entry) { return entry.lineage == name; });
        if (imported || !file || !files_of(record).contains(Path(*file))) continue;
        return failure("import.clash",
                       fmt::format("{} holds the lineage {}, which did not come from certbot: move it to "
                                   "another file first",
                                   *file, name));
    }
    config::Loaded rest = config::load_with(options.config_file, without);
    if (!rest.config) return failure(config::to_problem(rest.diagnostics));
    return rest.config;
}

}  // namespace

Result<Outcome> give_back(const Context& context) {
    FileSystem& files = context.seams.files;
    Result<Path> state_directory = configured_state_directory(context.options);
    if (!state_directory) return failure(std::move(state_directory).error());
    Result<Record> record = load_record(files, *state_directory);
    if (!record) return failure(std::move(record).error());
    if (record->entries.empty() || record->from != context.options.from) {
        return failure("import.nothing",
                       fmt::format("Nothing was taken over from {}{}", context.options.from.string(),
                                   record->entries.empty() ? "" : ", but from " + record->from.string()));
    }
    Result<CertbotLock> certbot = CertbotLock::acquire(record->from);
    if (!certbot) return failure(std::move(certbot).error());
    Result<StateLock> lock = lock_state(files, *state_directory);
    if (!lock) return failure(std::move(lock).error());
    Store store(files, *state_directory);
    if (Result<void> opened = store.open(); !opened) return failure(std::move(opened).error());

    Outcome outcome{"give-back", context.now, {}, {}, {}};
    outcome.preparation.state_directory = *state_directory;
    outcome.preparation.record = *std::move(record);
    if (outcome.preparation.record.at(Stage::returned).size() == outcome.preparation.record.entries.size()) {
        remove_empty_directories(files, outcome.preparation.record.from);
        outcome.done.emplace_back("everything was given back before");
        return outcome;
    }
    Result<config::ConfigPtr> rest = check_rest(outcome.preparation.record, context.options);
    if (!rest) return failure(std::move(rest).error());
    if (Result<void> returned = GiveBack(context, outcome, store).run(); !returned)
        return failure(std::move(returned).error());
    outcome.steps = steps_after_give_back(!(*rest)->lineages.empty());
    return outcome;
}

}  // namespace certd::certbot
