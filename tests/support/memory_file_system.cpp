// The operations on inodes and names.
#include "tests/support/memory_file_system.hpp"

#include "tests/support/memory_inode.hpp"

namespace certd::test {

using Kind = FileStatus::Kind;

// The directory a path's last component stands in.
struct MemoryFileSystem::Place {
    InodePtr directory;
    std::string name;
    InodePtr inode;  // null when there is none
};

namespace {

tl::unexpected<Problem> missing(const Path& path) {
    return failure("storage.missing", "Memory: nothing at " + path.string());
}
tl::unexpected<Problem> there(const Path& path) {
    return failure("storage.exists", "Memory: " + path.string() + " exists");
}
tl::unexpected<Problem> wrong_kind(const Path& path) {
    return failure("storage.io", "Memory: wrong kind of file at " + path.string());
}

struct Describe {
    std::string operator()(const change::MakeDirectory& it) const { return "mkdir " + it.path.string(); }
    std::string operator()(const change::Rename& it) const {
        return "rename " + it.from.string() + " -> " + it.to.string();
    }
    std::string operator()(const change::Remove& it) const { return "remove " + it.path.string(); }
    std::string operator()(const change::Symlink& it) const {
        return "symlink " + it.path.string() + " -> " + it.target;
    }
    std::string operator()(const change::SyncDirectory& it) const { return "sync " + it.path.string(); }
};

}  // namespace

MemoryFileSystem::MemoryFileSystem() : root_(std::make_shared<Inode>()) {
    root_->kind = Kind::directory;
    root_->mode = 0755;
}
MemoryFileSystem::~MemoryFileSystem() = default;

Result<std::string> MemoryFileSystem::read(const Path& path, std::size_t limit) {
    std::scoped_lock lock(mutex_);
    if (auto refused = refuse(false, "read " + path.string())) return failure(*refused);
    Result<InodePtr> inode = find(path, true);
    if (!inode) return failure(inode.error());
    if ((*inode)->kind != Kind::file) return wrong_kind(path);
    if ((*inode)->text->size() > limit)
        return failure("storage.tooLarge", "Memory: " + path.string() + " is too large");
    return *(*inode)->text;
}

Result<void> MemoryFileSystem::create(const Path& path, std::string_view content, const FileAttributes& attributes) {
    std::scoped_lock lock(mutex_);
    if (faults_.plan().torn && faults_.count() == faults_.plan().crash_at) {
        (void)create_now(path, content.substr(0, content.size() / 2), attributes);
    }
    if (auto refused = refuse(true, "create " + path.string())) return failure(*refused);
    return create_now(path, content, attributes);
}

Result<void> MemoryFileSystem::create_now(const Path& path, std::string_view content,
                                          const FileAttributes& attributes) {
    Result<Place> place = place_of(path);
    if (!place) return failure(place.error());
    if (place->inode) return there(path);
    auto inode = std::make_shared<Inode>();
    inode->mode = attributes.mode;
    inode->owner = attributes.owner.value_or(inode->owner);
    inode->group = attributes.group.value_or(inode->group);
    inode->text = std::make_shared<const std::string>(content);
    set_name(*place->directory, place->name, std::move(inode), next_unit_++);
    return {};
}

Result<void> MemoryFileSystem::change(const Change& change) {
    std::scoped_lock lock(mutex_);
    if (auto refused = refuse(true, std::visit(Describe{}, change))) return failure(*refused);
    return std::visit([this](const auto& it) { return apply(it); }, change);
}

Result<std::vector<std::string>> MemoryFileSystem::list(const Path& directory) {
    std::scoped_lock lock(mutex_);
    if (auto refused = refuse(false, "list " + directory.string())) return failure(*refused);
    Result<InodePtr> inode = find(directory, true);
    if (!inode) return failure(inode.error());
    if ((*inode)->kind != Kind::directory) return wrong_kind(directory);
    std::vector<std::string> names;
    for (const auto& [name, entry] : (*inode)->names)
        names.push_back(name);
    return names;
}

Result<FileStatus> MemoryFileSystem::inspect(const Path& path) {
    std::scoped_lock lock(mutex_);
    if (auto refused = refuse(false, "inspect " + path.string())) return failure(*refused);
    Result<InodePtr> inode = find(path, false);
    FileStatus status;
    if (!inode) return status;
    const Inode& it = **inode;
    status.kind = it.kind;
    status.mode = it.mode;
    status.owner = it.owner;
    status.group = it.group;
    status.size = it.text ? it.text->size() : 0;
    if (it.kind == Kind::symlink) status.link_target = *it.text;
    return status;
}

Result<void> MemoryFileSystem::apply(const change::MakeDirectory& it) {
    Result<Place> place = place_of(it.path);
    if (!place) return failure(place.error());
    if (place->inode) return there(it.path);
    auto inode = std::make_shared<Inode>();
    inode->kind = Kind::directory;
    inode->mode = it.mode;
    set_name(*place->directory, place->name, std::move(inode), next_unit_++);
    return {};
}

Result<void> MemoryFileSystem::apply(const change::Rename& it) {
    Result<Place> from = place_of(it.from), to = place_of(it.to);
    if (!from) return failure(from.error());
    if (!to) return failure(to.error());
    if (!from->inode) return missing(it.from);
    if (to->inode == from->inode) return {};
    bool directory = from->inode->kind == Kind::directory;
    if (to->inode) {
        if (directory != (to->inode->kind == Kind::directory)) return wrong_kind(it.to);
        if (directory && !to->inode->names.empty()) return there(it.to);
    }
    // Atomic within one directory; between two, nothing promises that both changes reach the disk together.
    std::size_t unit = next_unit_++;
    set_name(*to->directory, to->name, from->inode, unit);
    set_name(*from->directory, from->name, nullptr, from->directory == to->directory ? unit : next_unit_++);
    return {};
}

Result<void> MemoryFileSystem::apply(const change::Remove& it) {
    Result<Place> place = place_of(it.path);
    if (!place) return failure(place.error());
    if (!place->inode) return missing(it.path);
    if (place->inode->kind == Kind::directory && !place->inode->names.empty()) return there(it.path);
    set_name(*place->directory, place->name, nullptr, next_unit_++);
    return {};
}

Result<void> MemoryFileSystem::apply(const change::Symlink& it) {
    Result<Place> place = place_of(it.path);
    if (!place) return failure(place.error());
    if (place->inode) return there(it.path);
    auto inode = std::make_shared<Inode>();
    inode->kind = Kind::symlink;
    inode->mode = 0777;
    inode->text = std::make_shared<const std::string>(it.target);
    set_name(*place->directory, place->name, std::move(inode), next_unit_++);
    return {};
}

Result<void> MemoryFileSystem::apply(const change::SyncDirectory& it) {
    Result<InodePtr> inode = find(it.path, true);
    if (!inode) return failure(inode.error());
    if ((*inode)->kind != Kind::directory) return wrong_kind(it.path);
    for (Inode::Change& change : (*inode)->unsynced) {
        if (change.inode) {
            (*inode)->on_disk[change.name] = std::move(change.inode);
        } else {
            (*inode)->on_disk.erase(change.name);
        }
    }
    (*inode)->unsynced.clear();
    return {};
}

void MemoryFileSystem::set_name(Inode& directory, const std::string& name, InodePtr inode, std::size_t unit) {
    if (inode) {
        directory.names[name] = inode;
    } else {
        directory.names.erase(name);
    }
    directory.unsynced.push_back({unit, name, std::move(inode)});
}

Result<MemoryFileSystem::InodePtr> MemoryFileSystem::find(const Path& path, bool follow_last) const {
    std::vector<InodePtr> above{root_};
    std::vector<std::string> ahead;  // components still to go, the next one last
    auto push = [&](const Path& part) {
        std::vector<std::string> components;
        for (const Path& component : part.relative_path())
            components.push_back(component.string());
        ahead.insert(ahead.end(), components.rbegin(), components.rend());
    };
    push(path);
    for (int links = 0; !ahead.empty();) {
        std::string name = std::move(ahead.back());
        ahead.pop_back();
        if (name.empty() || name == ".") continue;
        if (name == "..") {
            if (above.size() > 1) above.pop_back();
            continue;
        }
        if (above.back()->kind != Kind::directory) return wrong_kind(path);
        auto found = above.back()->names.find(name);
        if (found == above.back()->names.end()) return missing(path);
        const InodePtr& inode = found->second;
        if (inode->kind == Kind::symlink && (follow_last || !ahead.empty())) {
            if (++links > 40) return failure("storage.symlink", "Memory: too many links at " + path.string());
            Path target = *inode->text;
            if (target.is_absolute()) above.resize(1);
            push(target);
        } else {
            above.push_back(inode);
        }
    }
    return above.back();
}

Result<MemoryFileSystem::Place> MemoryFileSystem::place_of(const Path& path) const {
    Result<InodePtr> parent = find(path.parent_path(), true);
    if (!parent) return failure(parent.error());
    if ((*parent)->kind != Kind::directory) return wrong_kind(path.parent_path());
    std::string name = path.filename().string();
    auto found = (*parent)->names.find(name);
    return Place{*parent, name, found == (*parent)->names.end() ? nullptr : found->second};
}

void MemoryFileSystem::plan(FaultPlan plan) {
    std::scoped_lock lock(mutex_);
    faults_.plan(std::move(plan));
}

std::size_t MemoryFileSystem::operations() const {
    std::scoped_lock lock(mutex_);
    return faults_.count();
}

bool MemoryFileSystem::fired() const {
    std::scoped_lock lock(mutex_);
    return faults_.fired();
}

void MemoryFileSystem::record(bool on) {
    std::scoped_lock lock(mutex_);
    recording_ = on;
    log_.clear();
}

std::vector<std::string> MemoryFileSystem::log() const {
    std::scoped_lock lock(mutex_);
    return log_;
}

std::optional<Problem> MemoryFileSystem::refuse(bool changes, const std::string& what) {
    if (recording_) log_.push_back(what);
    switch (faults_.next(changes)) {
        case FaultCounter::Verdict::crash:
            throw SimulatedCrash{faults_.count() - 1};
        case FaultCounter::Verdict::fail:
            return faults_.injected(what);
        case FaultCounter::Verdict::go_on:
            break;
    }
    return std::nullopt;
}

void MemoryFileSystem::overwrite(const Path& path, std::string content) {
    std::scoped_lock lock(mutex_);
    find(path, true).value()->text = std::make_shared<const std::string>(std::move(content));
}

void MemoryFileSystem::set_mode(const Path& path, mode_t mode) {
    std::scoped_lock lock(mutex_);
    find(path, true).value()->mode = mode;
}

void MemoryFileSystem::set_owner(const Path& path, uid_t owner) {
    std::scoped_lock lock(mutex_);
    find(path, true).value()->owner = owner;
}

}  // namespace certd::test
