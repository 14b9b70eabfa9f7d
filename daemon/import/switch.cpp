// Every step is one rename or one exchange, made durable before the next.
#include "daemon/import/switch.hpp"

#include "daemon/import/read_versions.hpp"

#include <array>

#include <fmt/format.h>

namespace certd::certbot {

namespace {

using Kind = FileStatus::Kind;

constexpr std::array probes = {".certd-probe-1", ".certd-probe-2"};

struct Places {
    Places(const Path& root, const std::string& name)
        : live(root / "live" / name),
          side(root / "live" / (".certd-" + name)),
          kept_live(kept_directory(root) / "live" / name),
          conf(root / "renewal" / (name + ".conf")),
          kept_conf(kept_directory(root) / "renewal" / (name + ".conf")) {}
    Path live, side, kept_live, conf, kept_conf;
};

Result<Kind> kind_of(FileSystem& files, const Path& path) {
    return files.inspect(path).map([](const FileStatus& status) { return status.kind; });
}

Result<void> sync(FileSystem& files, const Path& directory) {
    return files.change(change::SyncDirectory{directory});
}

// Durable in both directories, the new name first.
Result<void> move(FileSystem& files, const Path& from, const Path& to) {
    if (Result<void> moved = files.change(change::Rename{from, to}); !moved) return moved;
    if (Result<void> synced = sync(files, to.parent_path()); !synced) return synced;
    return sync(files, from.parent_path());
}

Result<void> move_if_there(FileSystem& files, const Path& from, const Path& to) {
    Result<bool> there = exists(files, from);
    if (!there) return failure(std::move(there).error());
    return *there ? move(files, from, to) : Result<void>();
}

Result<void> exchange(const Seams& seams, const Path& one, const Path& other) {
    if (Result<void> exchanged = seams.exchange(one, other); !exchanged) return exchanged;
    return sync(seams.files, one.parent_path());
}

tl::unexpected<Problem> unexpected(const Path& path, std::string_view what) {
    return failure("import.changed", fmt::format("{} {}", path.string(), what));
}

// The link comes under a name of its own first.
Result<void> put_link_aside(FileSystem& files, const Path& side, const Path& target) {
    Result<Kind> kind = kind_of(files, side);
    if (!kind) return failure(std::move(kind).error());
    if (*kind == Kind::directory) return unexpected(side, "is a directory although live has its own");
    if (*kind != Kind::missing) {
        if (Result<void> removed = files.change(change::Remove{side}); !removed) return removed;
    }
    if (Result<void> made = files.change(change::Symlink{target.string(), side}); !made) return made;
    return sync(files, side.parent_path());
}

// Each link to `number`, by a rename; their directory as seen from where they are kept does not matter.
Result<void> point_links(FileSystem& files, const Path& directory, std::uint32_t number) {
    for (std::string_view kind : archive_kinds) {
        Path link = directory / fmt::format("{}.pem", kind);
        Result<FileStatus> status = files.inspect(link);
        if (!status) return failure(std::move(status).error());
        if (status->kind != Kind::symlink) return unexpected(link, "is no link");
        Path target = Path(status->link_target).parent_path() / fmt::format("{}{}.pem", kind, number);
        if (target == Path(status->link_target)) continue;
        if (Result<void> pointed = durable_symlink(files, target.string(), link); !pointed) return pointed;
    }
    return {};
}

}  // namespace

Path kept_directory(const Path& root) {
    return root / "certd-kept";
}

Result<void> switch_over(const Seams& seams, const Path& root, const std::string& name, const Path& target) {
    FileSystem& files = seams.files;
    Places at(root, name);
    for (const Path& kept : {at.kept_live.parent_path(), at.kept_conf.parent_path()}) {
        if (Result<void> made = make_directories(files, kept); !made) return made;
    }
    Result<FileStatus> live = files.inspect(at.live);
    if (!live) return failure(std::move(live).error());
    if (live->kind == Kind::directory) {
        if (Result<void> made = put_link_aside(files, at.side, target); !made) return made;
        if (Result<void> exchanged = exchange(seams, at.side, at.live); !exchanged) return exchanged;
    } else if (live->link_target != target) {
        return unexpected(at.live, "is neither certbot's directory nor a link to certd's");
    }
    if (Result<void> kept = move_if_there(files, at.side, at.kept_live); !kept) return kept;
    return move_if_there(files, at.conf, at.kept_conf);
}

Result<Path> links_directory(FileSystem& files, const Path& root, const std::string& name) {
    Places at(root, name);
    for (const Path& path : {at.kept_live, at.side, at.live}) {
        Result<Kind> kind = kind_of(files, path);
        if (!kind) return failure(std::move(kind).error());
        if (*kind == Kind::directory) return path;
    }
    return unexpected(at.kept_live, "is not there any more");
}

Result<Path> archive_directory(FileSystem& files, const Path& root, const std::string& name) {
    Result<Path> links = links_directory(files, root, name);
    if (!links) return links;
    Result<FileStatus> status = files.inspect(*links / "cert.pem");
    if (!status) return failure(std::move(status).error());
    if (status->kind != Kind::symlink) return unexpected(*links / "cert.pem", "is no link");
    return (root / "live" / name / status->link_target).lexically_normal().parent_path();
}

Result<void> switch_back(const Seams& seams, const Path& root, const std::string& name, std::uint32_t number) {
    FileSystem& files = seams.files;
    Places at(root, name);
    Result<Path> links = links_directory(files, root, name);
    if (!links) return failure(std::move(links).error());
    if (Result<void> pointed = point_links(files, *links, number); !pointed) return pointed;
    if (*links != at.live) {
        if (*links != at.side) {
            if (Result<void> moved = move(files, *links, at.side); !moved) return moved;
        }
        Result<Kind> live = kind_of(files, at.live);
        if (!live) return failure(std::move(live).error());
        Result<void> there = *live == Kind::missing ? move(files, at.side, at.live) : exchange(seams, at.side, at.live);
        if (!there) return there;
    }
    // Nothing is left beside it but our link.
    Result<Kind> side = kind_of(files, at.side);
    if (!side) return failure(std::move(side).error());
    if (*side != Kind::missing) {
        if (Result<void> removed = files.change(change::Remove{at.side}); !removed) return removed;
    }
    return move_if_there(files, at.kept_conf, at.conf);
}

Result<void> remove_probes(FileSystem& files, const Path& root) {
    for (const char* name : probes) {
        Result<void> removed = files.change(change::Remove{root / "live" / name});
        if (!removed && removed.error().code != "storage.missing") return removed;
    }
    return {};
}

Result<void> probe_exchange(const Seams& seams, const Path& root) {
    Result<void> result = remove_probes(seams.files, root);
    for (const char* name : probes) {
        if (result) result = seams.files.change(change::Symlink{"probe", root / "live" / name});
    }
    if (result) result = seams.exchange(root / "live" / probes[0], root / "live" / probes[1]);
    Result<void> removed = remove_probes(seams.files, root);
    return result ? removed : result;
}

}  // namespace certd::certbot
