// The directory as a whole, the state of lineages and the `live` links.
#include "daemon/store/store.hpp"

#include "daemon/store/document.hpp"
#include "daemon/store/layout.hpp"

#include <atomic>
#include <charconv>

#include <fmt/format.h>

#include <unistd.h>

namespace certd {

namespace {

constexpr std::size_t probe_size = std::size_t{64} << 10;  // more than order, version and state of one issuance

using Kind = FileStatus::Kind;

bool is_missing(const Problem& problem) {
    return problem.code == "storage.missing";
}

Result<void> refuse(const Path& path, std::string_view fault) {
    return failure("storage.permissions", fmt::format("{} {}", path.string(), fault));
}

Result<void> check_owner(const Path& path, const FileStatus& status) {
    if (status.owner == 0 || status.owner == ::geteuid()) return {};
    return refuse(path, fmt::format("belongs to user {}, neither root nor the one certd runs as", status.owner));
}

Result<void> check_directory(FileSystem& files, const Path& path) {
    Result<FileStatus> status = files.inspect(path);
    if (!status) return failure(std::move(status).error());
    if (status->kind == Kind::symlink)
        return failure("storage.symlink", path.string() + " is a symlink instead of a directory");
    if (status->kind != Kind::directory) return corrupt(path, "it is not a directory");
    if (status->mode & 022) return refuse(path, fmt::format("may be written by others (mode {:04o})", status->mode));
    return check_owner(path, *status);
}

// A missing key is no matter of permissions.
Result<void> check_key(FileSystem& files, const Path& path) {
    Result<FileStatus> status = files.inspect(path);
    if (!status) return failure(std::move(status).error());
    if (status->kind == Kind::missing) return {};
    if (status->kind != Kind::file) return failure("storage.symlink", path.string() + " is not a regular file");
    if (status->mode & 077) return refuse(path, fmt::format("may be read by others (mode {:04o})", status->mode));
    return check_owner(path, *status);
}

// The key of a version, and those in the directories of further ones.
Result<void> check_keys(FileSystem& files, const Path& version) {
    if (Result<void> safe = check_key(files, version / "privkey.pem"); !safe) return safe;
    for (const std::string& name : files.list(version).value_or(std::vector<std::string>())) {
        if (!key_type_from(name)) continue;
        if (Result<void> safe = check_key(files, version / name / "privkey.pem"); !safe) return safe;
    }
    return {};
}

// Whether others can reach what is inside; as certd makes its directories they cannot, whatever the modes there.
Result<bool> may_enter(FileSystem& files, const Path& directory) {
    return files.inspect(directory).map([](const FileStatus& status) { return (status.mode & 011) != 0; });
}

Result<void> check_layout_number(FileSystem& files, const Path& root) {
    Path path = layout::number_file(root);
    Result<std::string> text = files.read(path, 64);
    if (!text && is_missing(text.error())) return durable_write(files, path, fmt::format("{}\n", layout::known_layout));
    if (!text) return failure(std::move(text).error());
    int number = 0;
    auto [end, error] = std::from_chars(text->data(), text->data() + text->size(), number);
    if (error != std::errc() || number < 1 || std::string_view(end) != "\n") return corrupt(path, "it holds no number");
    if (number <= layout::known_layout) return {};
    return failure("storage.newerLayout", fmt::format("State directory {} has layout {}, this release knows up to {}",
                                                      root.string(), number, layout::known_layout));
}

}  // namespace

Store::Store(FileSystem& files, Path root)
    : files_(files), root_(root.has_filename() ? std::move(root) : root.parent_path()) {}

Result<void> Store::open() {
    // "." follows the one symlink that is allowed: the state directory itself may lie elsewhere.
    Result<FileStatus> status = files_.inspect(root_ / ".");
    if (!status) return failure(std::move(status).error());
    if (status->kind != Kind::directory) {
        if (Result<void> made = make_directories(files_, root_); !made) return made;
    }
    if (Result<void> safe = check_directory(files_, root_ / "."); !safe) return safe;
    if (Result<void> known = check_layout_number(files_, root_); !known) return known;
    for (const Path& path : {layout::accounts(root_), layout::lineages(root_), layout::live_links(root_)}) {
        Result<FileStatus> there = files_.inspect(path);
        if (there && there->kind != Kind::missing) continue;
        if (Result<void> made = make_directories(files_, path); !made) return made;
    }
    return check_permissions();
}

Result<void> Store::check_permissions() {
    for (const Path& path : {layout::accounts(root_), layout::lineages(root_), layout::live_links(root_)}) {
        if (Result<void> safe = check_directory(files_, path); !safe) return safe;
    }
    Result<std::vector<std::string>> accounts = files_.list(layout::accounts(root_));
    if (!accounts) return failure(std::move(accounts).error());
    for (const std::string& ca : *accounts) {
        if (layout::is_temp(ca)) continue;
        Path directory = layout::accounts(root_) / ca;
        if (Result<void> safe = check_directory(files_, directory); !safe) return safe;
        if (Result<void> safe = check_key(files_, directory / "key.pem"); !safe) return safe;
    }
    Result<bool> reachable = may_enter(files_, root_ / ".");
    if (reachable && *reachable) reachable = may_enter(files_, layout::lineages(root_));
    if (!reachable) return failure(std::move(reachable).error());
    return *reachable ? check_lineages() : Result<void>();
}

Result<void> Store::check_lineages() {
    Result<std::vector<LineageName>> names = lineages();
    if (!names) return failure(std::move(names).error());
    for (const LineageName& name : *names) {
        if (Result<void> safe = check_directory(files_, layout::lineage(root_, name)); !safe) return safe;
        if (Result<void> safe = check_keys(files_, live_path(name)); !safe) return safe;
        if (Result<void> safe = check_key(files_, layout::next_keys(root_, name)); !safe) return safe;
    }
    return {};
}

Result<Path> Store::rehearsal_directory() {
    Path path = layout::rehearsal(root_);
    if (Result<void> made = make_directories(files_, path); !made) return failure(std::move(made).error());
    return path;
}

Result<void> Store::probe() {
    static std::atomic<unsigned> number;
    Path path = root_ / fmt::format("{}probe-{}", layout::temp_prefix, number++);
    const std::string content(probe_size, '\0');
    Result<void> written = files_.create(path, content, {});
    if (!written && written.error().code == "storage.exists") {
        if (Result<void> removed = files_.change(change::Remove{path}); !removed) return removed;
        written = files_.create(path, content, {});
    }
    if (!written) return written;
    return files_.change(change::Remove{path});
}

Result<std::vector<LineageName>> Store::lineages() {
    Result<std::vector<std::string>> entries = files_.list(layout::lineages(root_));
    if (!entries) return failure(std::move(entries).error());
    std::vector<LineageName> names;
    names.reserve(entries->size());
    for (const std::string& entry : *entries) {
        if (Result<LineageName> name = LineageName::parse(entry)) names.push_back(std::move(*name));
    }
    return names;
}

// A new lineage's directories appear together by one rename: what is there is durable once `lineages` is synced.
Result<void> Store::make_lineage(const LineageName& name) {
    Path directory = layout::lineage(root_, name);
    std::vector<Path> parts{layout::order_directory(root_, name), layout::versions(root_, name),
                            layout::deploy(root_, name)};
    Result<bool> there = exists(files_, directory);
    if (!there) return failure(std::move(there).error());
    if (*there) {
        for (const Path& part : parts) {
            if (Result<void> made = make_directories(files_, part); !made) return made;
        }
        return {};
    }
    Path temp = layout::lineages(root_) / (std::string(layout::temp_prefix) + name.text());
    std::vector<Change> changes{change::MakeDirectory{temp}};
    for (const Path& part : parts)
        changes.push_back(change::MakeDirectory{temp / part.filename()});
    changes.push_back(change::SyncDirectory{temp});
    changes.push_back(change::Rename{temp, directory});
    changes.push_back(change::SyncDirectory{layout::lineages(root_)});
    if (Result<void> cleared = remove_tree(files_, temp); !cleared) return cleared;
    for (const Change& change : changes) {
        Result<void> done = files_.change(change);
        if (done) continue;
        (void)remove_tree(files_, temp);
        return done;
    }
    return {};
}

// The directories are there but for the first time; so they are made when missed instead of looked for each time.
Result<void> Store::write_in_lineage(const LineageName& name, const Path& path, const Json& document) {
    Result<void> written = write_document(files_, path, document);
    if (written || !is_missing(written.error())) return written;
    if (Result<void> made = make_lineage(name); !made) return made;
    return write_document(files_, path, document);
}

Result<std::optional<LineageState>> Store::load_state(const LineageName& name) {
    Path path = layout::state_file(root_, name);
    Result<std::optional<Json>> json = read_document(files_, path);
    if (!json) return failure(std::move(json).error());
    if (!*json) return std::optional<LineageState>();
    if ((**json)["lineage"] != Json(name.text())) return corrupt(path, "it belongs to another lineage");
    Result<LineageState> state = lineage_state_from_json(**json);
    if (!state) return corrupt(path, state.error().what);
    return std::optional(std::move(*state));
}

Result<void> Store::save_state(const LineageName& name, const LineageState& state) {
    Json json = to_json(state);
    json.set("lineage", name.text());
    return write_in_lineage(name, layout::state_file(root_, name), json);
}

Result<std::optional<Json>> Store::load_notifications() {
    return read_document(files_, layout::notifications(root_));
}

Result<void> Store::save_notifications(const Json& document) {
    return write_document(files_, layout::notifications(root_), document);
}

Path Store::live_path(const LineageName& name) const {
    return layout::live_links(root_) / name.text();
}

Result<VersionNumber> Store::live(const LineageName& name) {
    Result<FileStatus> status = files_.inspect(live_path(name));
    if (!status) return failure(std::move(status).error());
    if (status->kind == Kind::missing) return VersionNumber{};
    std::optional<VersionNumber> number = layout::parse_live_target(name, status->link_target);
    if (status->kind != Kind::symlink || !number)
        return corrupt(live_path(name), "it is no link to a version of its lineage");
    return *number;
}

Result<void> Store::set_live(const LineageName& name, VersionNumber number) {
    Path record = version_directory(name, number) / layout::version_record;
    Result<bool> complete = exists(files_, record);
    if (!complete) return failure(std::move(complete).error());
    if (!*complete)
        return failure("storage.missing", fmt::format("Version {} of {} is not there", number.value, name.text()));
    return durable_symlink(files_, layout::live_target(name, number), live_path(name));
}

}  // namespace certd
