// Versions: built under a temp name, made durable, shown by one rename, never changed again.
#include "daemon/store/document.hpp"
#include "daemon/store/layout.hpp"
#include "daemon/store/store.hpp"

#include "daemon/lineage/retention.hpp"
#include "libacme/crypto/digest.hpp"

#include <algorithm>

#include <fmt/format.h>

namespace certd {

namespace {

constexpr std::size_t file_limit = std::size_t{1} << 20;

struct NamedText {
    std::string name;
    const std::string* text;
};

void add_files(std::vector<NamedText>& all, const std::string& prefix, const CertificateFiles& files,
               const std::vector<std::string>& alternates) {
    // The operator has the key of a certificate for his own request.
    if (!files.privkey.empty()) all.push_back({prefix + "privkey.pem", &files.privkey});
    all.push_back({prefix + "cert.pem", &files.cert});
    all.push_back({prefix + "chain.pem", &files.chain});
    all.push_back({prefix + "fullchain.pem", &files.fullchain});
    for (std::size_t index = 0; index < alternates.size(); ++index)
        all.push_back({fmt::format("{}alternate-{}.pem", prefix, index + 1), &alternates[index]});
}

std::string directory_of(KeyType further) {
    return std::string(to_string(further)) + "/";
}

std::vector<NamedText> files_of(const NewVersion& version) {
    static const std::vector<std::string> none;
    std::vector<NamedText> all;
    add_files(all, "", version.files, version.alternates);
    for (const auto& [type, files] : version.files.further) {
        auto alternates = version.further_alternates.find(type);
        add_files(all, directory_of(type), files,
                  alternates == version.further_alternates.end() ? none : alternates->second);
    }
    return all;
}

Json record_of(const LineageName& name, const VersionFacts& facts, const std::vector<NamedText>& files) {
    Json digests = Json::object();
    for (const NamedText& file : files)
        digests.set(file.name, sha256_hex(*file.text));
    Json record = to_json(facts);
    record.set("lineage", name.text());
    record.set("files", std::move(digests));
    return record;
}

// Everything up to the moment at which the version can be seen.
Result<void> build(FileSystem& files, const Path& directory, const std::vector<NamedText>& texts,
                   const VersionFacts& facts, const Json& record) {
    if (Result<void> cleared = remove_tree(files, directory); !cleared) return cleared;
    if (Result<void> made = files.change(change::MakeDirectory{directory}); !made) return made;
    for (const CertificateFacts& further : facts.further) {
        Change make = change::MakeDirectory{directory / to_string(further.key_type)};
        if (Result<void> made = files.change(make); !made) return made;
    }
    for (const NamedText& file : texts) {
        if (Result<void> written = files.create(directory / file.name, *file.text, {}); !written) return written;
    }
    for (const CertificateFacts& further : facts.further) {
        Change sync = change::SyncDirectory{directory / to_string(further.key_type)};
        if (Result<void> synced = files.change(sync); !synced) return synced;
    }
    if (Result<void> written = files.create(directory / layout::version_record, seal(record), {}); !written)
        return written;
    return files.change(change::SyncDirectory{directory});
}

Result<void> show(FileSystem& files, const Path& temp, const Path& directory) {
    if (Result<void> renamed = files.change(change::Rename{temp, directory}); !renamed) return renamed;
    Result<void> synced = files.change(change::SyncDirectory{directory.parent_path()});
    if (!synced) (void)files.change(change::Rename{directory, temp});
    return synced;
}

// Whether `record` describes the same certificate with the same key.
bool is_record_of(const Json& record, const NewVersion& version) {
    if (record.string_or("fingerprint_sha256") != version.facts.fingerprint) return false;
    const std::string& key = version.files.privkey;
    if (record["files"].string_or("privkey.pem") != (key.empty() ? "" : sha256_hex(key))) return false;
    Result<VersionFacts> known = version_facts_from_json(record);
    return known && known->further == version.facts.further;
}

VersionNumber next_number(const std::vector<std::string>& names) {
    VersionNumber highest;
    for (const std::string& name : names)
        highest = std::max(highest, layout::number_taken_by(name).value_or(VersionNumber{}));
    return {highest.value + 1};
}

Path temp_directory(const Path& versions, std::string_view purpose, VersionNumber number) {
    return versions / fmt::format("{}{}{}", layout::temp_prefix, purpose, layout::version_name(number));
}

// Everything under a temp name, whoever left it there.
Result<void> remove_hidden(FileSystem& files, const Path& versions) {
    Result<std::vector<std::string>> names = files.list(versions);
    if (!names) return names.error().code == "storage.missing" ? Result<void>() : failure(std::move(names).error());
    std::erase_if(*names, [](const std::string& name) { return !layout::is_temp(name); });
    if (names->empty()) return {};
    if (Result<void> synced = files.change(change::SyncDirectory{versions}); !synced) return synced;
    for (const std::string& name : *names) {
        if (Result<void> removed = remove_tree(files, versions / name); !removed) return removed;
    }
    return {};
}

}  // namespace

Path Store::version_directory(const LineageName& name, VersionNumber number) const {
    return layout::below_lineage(root_, name, "/versions/" + layout::version_name(number));
}

Result<VersionFacts> Store::add_version(const LineageName& name, NewVersion version) {
    Path directory = layout::versions(root_, name);
    Result<std::vector<std::string>> names = files_.list(directory);
    if (!names && names.error().code == "storage.missing") {
        if (Result<void> made = make_lineage(name); !made) return failure(std::move(made).error());
        names = files_.list(directory);
    }
    if (!names) return failure(std::move(names).error());
    version.facts.number = next_number(*names);
    VersionNumber newest{version.facts.number.value - 1};
    Result<Json> record = newest ? version_record(name, newest) : failure("storage.missing", "No version yet");
    if (record && is_record_of(*record, version)) {
        // Stored by an attempt that could not make it durable, or was not told of.
        if (Result<void> synced = files_.change(change::SyncDirectory{directory}); !synced)
            return failure(std::move(synced).error());
        return facts_of(name, newest, *record);
    }

    std::vector<NamedText> texts = files_of(version);
    Path temp = temp_directory(directory, "", version.facts.number);
    Result<void> added = build(files_, temp, texts, version.facts, record_of(name, version.facts, texts));
    if (added) added = show(files_, temp, version_directory(name, version.facts.number));
    if (added) return version.facts;
    (void)remove_tree(files_, temp);
    return failure(std::move(added).error());
}

Result<std::vector<VersionNumber>> Store::version_numbers(const LineageName& name) {
    Result<std::vector<std::string>> names = files_.list(layout::versions(root_, name));
    std::vector<VersionNumber> numbers;
    if (!names && names.error().code == "storage.missing") return numbers;
    if (!names) return failure(std::move(names).error());
    for (const std::string& entry : *names) {
        if (std::optional<VersionNumber> number = layout::parse_version_name(entry)) numbers.push_back(*number);
    }
    std::ranges::sort(numbers);  // "10000" sorts before "9999"
    return numbers;
}

Result<Json> Store::version_record(const LineageName& name, VersionNumber number) {
    Path path = version_directory(name, number) / layout::version_record;
    Result<std::optional<Json>> json = read_document(files_, path);
    if (!json) return failure(std::move(json).error());
    if (!*json)
        return failure("storage.missing", fmt::format("Version {} of {} is not there", number.value, name.text()));
    if ((**json)["lineage"] != Json(name.text()) || (**json)["number"] != Json(number.value)) {
        return corrupt(path, "it belongs to another version");
    }
    return std::move(**json);
}

Result<VersionFacts> Store::facts_of(const LineageName& name, VersionNumber number, const Json& record) {
    Result<VersionFacts> facts = version_facts_from_json(record);
    if (!facts) return corrupt(version_directory(name, number) / layout::version_record, facts.error().what);
    return facts;
}

Result<VersionFacts> Store::version(const LineageName& name, VersionNumber number) {
    Result<Json> record = version_record(name, number);
    if (!record) return failure(std::move(record).error());
    return facts_of(name, number, *record);
}

Result<std::vector<VersionFacts>> Store::versions(const LineageName& name) {
    Result<std::vector<VersionNumber>> numbers = version_numbers(name);
    if (!numbers) return failure(std::move(numbers).error());
    std::vector<VersionFacts> complete;
    for (VersionNumber number : *numbers) {
        Result<VersionFacts> facts = version(name, number);
        if (facts) {
            complete.push_back(std::move(*facts));
        } else if (facts.error().code != "storage.missing" && facts.error().code != "storage.corrupt") {
            return failure(std::move(facts).error());
        }
    }
    return complete;
}

Result<VersionFiles> Store::read_version(const LineageName& name, VersionNumber number) {
    Result<Json> record = version_record(name, number);
    if (!record) return failure(std::move(record).error());
    Result<VersionFacts> facts = facts_of(name, number, *record);
    if (!facts) return failure(std::move(facts).error());
    Path directory = version_directory(name, number);
    Result<CertificateFiles> first = read_certificate(directory, "", *record);
    if (!first) return failure(std::move(first).error());
    VersionFiles files{*std::move(first), {}};
    for (const CertificateFacts& further : facts->further) {
        Path subdirectory = directory_of(further.key_type);
        Result<CertificateFiles> read = read_certificate(directory, subdirectory, *record);
        if (!read) return failure(std::move(read).error());
        files.further.emplace(further.key_type, *std::move(read));
    }
    return files;
}

Result<CertificateFiles> Store::read_certificate(const Path& directory, const Path& subdirectory, const Json& record) {
    CertificateFiles texts;
    std::array<std::string*, layout::version_files.size()> into{&texts.privkey, &texts.cert, &texts.chain,
                                                                &texts.fullchain};
    for (std::size_t index = 0; index < into.size(); ++index) {
        bool is_foreign_key = index == 0 && !record.string_or("csr_key_sha256").empty();
        if (is_foreign_key) continue;
        Path file = subdirectory / layout::version_files[index];
        Path path = directory / file;
        Result<std::string> text = files_.read(path, file_limit);
        if (!text && text.error().code == "storage.missing") return corrupt(path, "it is missing");
        if (!text) return failure(std::move(text).error());
        if (sha256_hex(*text) != record["files"].string_or(file.native()))
            return corrupt(path, "its digest is not the one in version.json");
        *into[index] = std::move(*text);
    }
    return texts;
}

Result<void> Store::prune(const LineageName& name, std::uint32_t keep, const std::vector<VersionNumber>& wanted) {
    Result<std::vector<VersionNumber>> numbers = version_numbers(name);
    if (!numbers) return failure(std::move(numbers).error());
    Result<VersionNumber> current = live(name);
    if (!current) return failure(std::move(current).error());

    // Out of sight first, durably: a version is there as a whole or not at all, also while its files go one by one.
    Path directory = layout::versions(root_, name);
    for (VersionNumber number : versions_to_remove(*numbers, keep, *current, wanted)) {
        Change hide = change::Rename{version_directory(name, number), temp_directory(directory, "old-", number)};
        if (Result<void> hidden = files_.change(hide); !hidden) return hidden;
    }
    return remove_hidden(files_, directory);
}

}  // namespace certd
