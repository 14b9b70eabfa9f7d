// What a start has to put right after a crash or damage. Fast for the many lineages in which nothing was going on.
#include "daemon/store/document.hpp"
#include "daemon/store/layout.hpp"
#include "daemon/store/store.hpp"

#include "libacme/crypto/certificate.hpp"

#include <algorithm>

#include <fmt/format.h>

namespace certd {

namespace {

using Kind = FileStatus::Kind;

void note(Recovery& found, const LineageName& name, std::string_view what) {
    found.notes.push_back(fmt::format("{}: {}", name.text(), what));
}

void blame(Recovery& found, const LineageName& name, Problem problem) {
    found.damaged.emplace_back(name.text(), std::move(problem));
}

// Names in a directory that only a crash can have left there.
std::vector<std::string> temps_in(FileSystem& files, const Path& directory) {
    Result<std::vector<std::string>> names = files.list(directory);
    if (!names) return {};
    std::erase_if(*names, [](const std::string& name) { return !layout::is_temp(name); });
    return std::move(*names);
}

std::size_t remove_temps(FileSystem& files, const Path& directory) {
    std::size_t removed = 0;
    for (const std::string& name : temps_in(files, directory)) {
        if (remove_tree(files, directory / name)) ++removed;
    }
    return removed;
}

// A version appears whole or not at all; only somebody's hand can have taken a part of it away. The two without which
// it is useless are looked for, the others when they are read.
bool seems_whole(FileSystem& files, const Path& directory) {
    Path record = directory / layout::version_record;
    if (!exists(files, record).value_or(true)) return false;
    if (exists(files, directory / layout::version_files.front()).value_or(true)) return true;
    // Nor was there a key when the version was made, where the operator has it.
    Result<std::optional<Json>> json = read_document(files, record);
    return json && *json && !(**json).string_or("csr_key_sha256").empty();
}

// The directories of further keys in that of a version, whatever its record says.
std::vector<std::string> further_in(FileSystem& files, const Path& directory) {
    std::vector<std::string> names = files.list(directory).value_or(std::vector<std::string>());
    std::erase_if(names, [](const std::string& name) { return !key_type_from(name); });
    return names;
}

// Whether a certificate with a damaged record or digest would still serve: its key and certificate belong together.
bool is_pair(FileSystem& files, const Path& directory) {
    auto read = [&](std::string_view file) { return files.read(directory / file, std::size_t{1} << 20); };
    Result<std::string> key_pem = read("privkey.pem"), cert = read("cert.pem"), fullchain = read("fullchain.pem");
    if (!key_pem || !cert || !fullchain || !read("chain.pem")) return false;
    Result<PrivateKey> key = PrivateKey::from_pem(*key_pem);
    Result<Chain> leaf = parse_chain(*cert), chain = parse_chain(*fullchain);
    return key && leaf && chain && leaf->front().der() == chain->front().der() &&
           leaf->front().public_key_der() == key->public_key_der();
}

bool is_usable(FileSystem& files, const Path& directory) {
    return is_pair(files, directory) &&
           std::ranges::all_of(further_in(files, directory),
                               [&](const std::string& further) { return is_pair(files, directory / further); });
}

}  // namespace

Recovery Store::recover() {
    Recovery found;
    std::size_t left_over = 0;
    for (const Path& directory : {root_, layout::accounts(root_), layout::lineages(root_), layout::live_links(root_)}) {
        left_over += remove_temps(files_, directory);
    }
    for (const std::string& ca : files_.list(layout::accounts(root_)).value_or(std::vector<std::string>())) {
        left_over += remove_temps(files_, layout::accounts(root_) / ca);
    }
    if (Result<void> removed = remove_tree(files_, layout::rehearsal(root_)); !removed)
        found.notes.push_back(describe(removed.error()));
    if (left_over > 0) found.notes.push_back(fmt::format("Removed {} left over from an interrupted update", left_over));
    // A name that the last process made and was killed before syncing is there now and could be gone after a power
    // loss.
    for (const Path& directory : {layout::accounts(root_), layout::lineages(root_), layout::live_links(root_)}) {
        Result<void> synced = files_.change(change::SyncDirectory{directory});
        if (!synced) found.notes.push_back(describe(synced.error()));
    }

    Result<std::vector<LineageName>> names = lineages();
    if (!names) {
        found.notes.push_back(describe(names.error()));
        return found;
    }
    std::vector<std::string> links = files_.list(layout::live_links(root_)).value_or(std::vector<std::string>());
    for (const LineageName& name : *names)
        recover_lineage(name, std::ranges::binary_search(links, name.text()), found);
    for (const std::string& link : links) {
        Result<LineageName> name = LineageName::parse(link);
        if (name && !std::ranges::binary_search(*names, *name)) {
            blame(found, *name, corrupt(live_path(*name), "its lineage is not there").value());
        }
    }
    return found;
}

// Healthy and idle: no order in progress, and `live` names a version. A version is only ever added
// under an order, so that whatever else a crash can have left of it (temps of retention, of the state) waits for the
// next update.
void Store::recover_lineage(const LineageName& name, bool linked, Recovery& found) {
    bool interrupted = exists(files_, layout::order_file(root_, name)).value_or(true);
    Result<VersionNumber> current = linked ? live(name) : VersionNumber{};
    bool whole = linked && current && seems_whole(files_, version_directory(name, *current));
    if (interrupted || !linked) settle(name, found);
    if (interrupted || (linked && !whole)) examine_into(name, found);
}

// Makes durable and tidy what work in progress left behind.
void Store::settle(const LineageName& name, Recovery& found) {
    Path versions = layout::versions(root_, name);
    for (const Path& directory :
         {layout::lineage(root_, name), layout::order_directory(root_, name), layout::deploy(root_, name), versions}) {
        Result<void> synced = files_.change(change::SyncDirectory{directory});
        if (!synced && synced.error().code != "storage.missing") blame(found, name, synced.error());
        std::size_t removed = remove_temps(files_, directory);
        if (removed > 0) note(found, name, fmt::format("removed {} left over from an interrupted update", removed));
    }

    for (const std::string& file :
         files_.list(layout::order_directory(root_, name)).value_or(std::vector<std::string>())) {
        if (std::optional<KeyType> further = layout::further_order(file)) settle_order(name, further, found);
    }
    settle_order(name, {}, found);
}

void Store::settle_order(const LineageName& name, std::optional<KeyType> further, Recovery& found) {
    Path order = further ? layout::order_file(root_, name, *further) : layout::order_file(root_, name);
    if (!exists(files_, order).value_or(false)) return;
    Result<std::optional<acme::OrderRecord>> record = load_order(name, further);
    if (!record) {
        if (record.error().code != "storage.corrupt") return blame(found, name, record.error());
        Path aside = order;
        aside += layout::damaged_suffix;
        (void)files_.change(change::Rename{order, aside});
        blame(found, name, record.error());
    } else if (!*record) {
        (void)drop_order(name, further);
        note(found, name, "the order in progress had led to the newest version");
    } else {
        note(found, name, "an order is in progress and will be resumed");
    }
}

Recovery Store::examine(const LineageName& name) {
    Recovery found;
    examine_into(name, found);
    return found;
}

void Store::examine_into(const LineageName& name, Recovery& found) {
    Result<std::vector<VersionNumber>> numbers = version_numbers(name);
    Result<VersionNumber> current = live(name);
    if (!numbers) return blame(found, name, numbers.error());
    if (!current) blame(found, name, current.error());

    std::vector<VersionNumber> sound, unusable;
    for (VersionNumber number : *numbers) {
        Result<VersionFiles> files = read_version(name, number);
        if (files) {
            sound.push_back(number);
        } else {
            blame(found, name, files.error());
            bool temporary = files.error().code != "storage.corrupt" && files.error().code != "storage.missing";
            if (!temporary && !is_usable(files_, version_directory(name, number))) unusable.push_back(number);
        }
    }

    bool dangling = current && *current && std::ranges::find(*numbers, *current) == numbers->end();
    bool lost = !current || dangling || (*current && std::ranges::find(unusable, *current) != unusable.end());
    if (lost) {
        std::optional<VersionNumber> instead = fallback(name, sound);
        if (!instead) return;  // whatever `live` names is all there is
        if (Result<void> switched = set_live(name, *instead); !switched) return blame(found, name, switched.error());
        note(found, name, fmt::format("live goes back to version {}", instead->value));
    }
    for (VersionNumber number : unusable) {
        Path aside = version_directory(name, number);
        aside += layout::damaged_suffix;
        if (files_.change(change::Rename{version_directory(name, number), aside})) {
            note(found, name,
                 fmt::format("version {} cannot be used and is put aside as {}", number.value,
                             aside.filename().string()));
        }
    }
}

// The newest that is whole and was not rolled back from; a rejected one only when there is no other.
std::optional<VersionNumber> Store::fallback(const LineageName& name, const std::vector<VersionNumber>& sound) {
    if (sound.empty()) return std::nullopt;
    Result<std::optional<LineageState>> state = load_state(name);
    std::vector<VersionNumber> rejected = state && *state ? (*state)->rejected : std::vector<VersionNumber>();
    for (auto number = sound.rbegin(); number != sound.rend(); ++number) {
        if (std::ranges::find(rejected, *number) == rejected.end()) return *number;
    }
    return sound.back();
}

}  // namespace certd
