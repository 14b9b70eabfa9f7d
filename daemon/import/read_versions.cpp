// Archive and live links of one lineage.
#include "daemon/import/read_versions.hpp"

#include "daemon/import/read_tree.hpp"
#include "libacme/base/text.hpp"

#include <algorithm>
#include <charconv>
#include <set>

#include <fmt/format.h>
#include <unistd.h>

namespace certd::certbot {

namespace {

constexpr std::size_t file_limit = std::size_t{64} << 10;

tl::unexpected<Problem> unusable(std::string what) {
    return failure("import.files", std::move(what));
}

Path archive_of(const Path& root, const IniSection& conf, const std::string& name) {
    auto given = conf.values.find("archive_dir");
    return given == conf.values.end() || given->second.items.empty() ? root / "archive" / name
                                                                     : Path(given->second.items.front());
}

// The paths that the settings name must be the ones that are taken over.
Result<void> check_place(const Path& root, const IniSection& conf, const std::string& name) {
    for (std::string_view kind : archive_kinds) {
        auto given = conf.values.find(std::string(kind));
        if (given == conf.values.end() || given->second.items.size() != 1)
            return unusable(fmt::format("renewal/{}.conf does not say where its {} is", name, kind));
        Path expected = root / "live" / name / fmt::format("{}.pem", kind);
        if (Path(given->second.items.front()).lexically_normal() != expected)
            return unusable(fmt::format("its {} is {}, not {}", kind, given->second.items.front(), expected.string()));
    }
    return {};
}

// The version that all four links show.
Result<std::uint32_t> live_number(FileSystem& files, const Path& live) {
    std::set<std::uint32_t> numbers;
    for (std::string_view kind : archive_kinds) {
        Path path = live / fmt::format("{}.pem", kind);
        Result<FileStatus> status = files.inspect(path);
        if (!status) return failure(std::move(status).error());
        if (status->kind == FileStatus::Kind::missing) return unusable(path.string() + " is missing");
        std::optional<std::uint32_t> number = archive_number(Path(status->link_target).filename().native(), kind);
        if (status->kind != FileStatus::Kind::symlink || !number)
            return unusable(path.string() + " is no link into the archive");
        numbers.insert(*number);
    }
    if (numbers.size() == 1) return *numbers.begin();
    return unusable(live.string() + " shows files of different versions");
}

// certd's own directory is for root alone, so that who else reads the key now has to be known.
Result<std::optional<KeyReaders>> readers_of(FileSystem& files, const Path& root, const Path& archive,
                                             std::uint32_t number) {
    Result<FileStatus> key = files.inspect(archive / fmt::format("privkey{}.pem", number));
    if (!key) return failure(std::move(key).error());
    std::vector<FileStatus> way;
    for (const Path& path : {root / "archive", archive, root / "live"}) {
        Result<FileStatus> status = files.inspect(path);
        if (!status) return failure(std::move(status).error());
        way.push_back(*std::move(status));
    }
    return key_readers(*key, way, ::geteuid());
}

std::vector<std::uint32_t> numbers_in(FileSystem& files, const Path& archive) {
    std::vector<std::uint32_t> numbers;
    for (const std::string& file : files.list(archive).value_or(std::vector<std::string>())) {
        if (auto number = archive_number(file, "cert")) numbers.push_back(*number);
    }
    std::ranges::sort(numbers);
    return numbers;
}

}  // namespace

std::optional<std::uint32_t> archive_number(std::string_view file_name, std::string_view kind) {
    if (!file_name.starts_with(kind) || !file_name.ends_with(".pem")) return std::nullopt;
    std::string_view digits = file_name.substr(kind.size(), file_name.size() - kind.size() - 4);
    std::uint32_t number = 0;
    auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), number);
    bool whole = error == std::errc() && end == digits.data() + digits.size() && digits.front() != '0';
    return whole ? std::optional(number) : std::nullopt;
}

Result<ArchivedVersion> read_archived(FileSystem& files, const Path& archive, std::uint32_t number) {
    auto read = [&](std::string_view kind) {
        return files.read(archive / fmt::format("{}{}.pem", kind, number), file_limit);
    };
    ArchivedVersion version;
    version.number = number;
    Result<std::string> key_pem = read("privkey"), cert = read("cert"), fullchain = read("fullchain");
    for (Result<std::string>* text : {&key_pem, &cert, &fullchain}) {
        if (!*text) return unusable(describe(text->error()));
    }
    Result<PrivateKey> key = PrivateKey::from_pem(*key_pem);
    if (!key) return unusable(fmt::format("privkey{}.pem: {}", number, describe(key.error())));
    Result<Chain> leaf = parse_chain(*cert), chain = parse_chain(*fullchain);
    if (!leaf) return unusable(fmt::format("cert{}.pem: {}", number, describe(leaf.error())));
    if (!chain) return unusable(fmt::format("fullchain{}.pem: {}", number, describe(chain.error())));
    if (leaf->front().der() != chain->front().der())
        return unusable(fmt::format("cert{0}.pem and fullchain{0}.pem are different certificates", number));
    if (leaf->front().public_key_der() != key->public_key_der())
        return unusable(fmt::format("privkey{0}.pem is not the key of cert{0}.pem", number));
    version.key_pem = *std::move(key_pem);
    version.key_type = key->type();
    version.chain = *std::move(chain);
    return version;
}

Result<void> read_versions(FileSystem& files, const Path& root, const IniSection& conf, LineageFacts& facts) {
    if (Result<void> placed = check_place(root, conf, facts.name); !placed) return placed;
    Path archive = archive_of(root, conf, facts.name);
    Result<std::uint32_t> live = live_number(files, root / "live" / facts.name);
    if (!live) return failure(std::move(live).error());
    Result<std::optional<KeyReaders>> readers = readers_of(files, root, archive, *live);
    if (!readers) return failure(std::move(readers).error());
    facts.readers = *readers;
    Result<ArchivedVersion> current = read_archived(files, archive, *live);
    if (!current) return failure(std::move(current).error());

    std::vector<std::uint32_t> numbers = numbers_in(files, archive);
    if (!numbers.empty() && numbers.back() > *live)
        facts.notes.push_back(fmt::format("versions beyond {}, which is live, stay in the archive", *live));
    std::erase_if(numbers, [&](std::uint32_t number) { return number >= *live; });
    std::size_t kept = std::min(numbers.size(), versions_limit - 1);
    numbers.erase(numbers.begin(), numbers.end() - static_cast<std::ptrdiff_t>(kept));
    for (std::uint32_t number : numbers) {
        if (Result<ArchivedVersion> older = read_archived(files, archive, number)) {
            facts.versions.push_back(*std::move(older));
        } else {
            facts.notes.push_back(fmt::format("version {} is left out: {}", number, older.error().what));
        }
    }
    facts.versions.push_back(*std::move(current));
    return {};
}

}  // namespace certd::certbot
