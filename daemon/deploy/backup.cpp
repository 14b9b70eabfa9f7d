#include "daemon/deploy/backup.hpp"

#include <algorithm>

namespace certd {

namespace {

DeployJournal::Backup backup_of(std::string path, const std::optional<InstalledFile>& file) {
    DeployJournal::Backup backup;
    backup.path = std::move(path);
    if (!file) return backup;
    backup.existed = true;
    backup.mode = file->attributes.mode;
    backup.owner = file->attributes.owner.value_or(0);
    backup.group = file->attributes.group.value_or(0);
    backup.content = file->content;
    return backup;
}

InstalledFile file_of(const DeployJournal::Backup& backup) {
    InstalledFile file;
    file.path = backup.path;
    file.content = backup.content;
    file.attributes.mode = backup.mode;
    file.attributes.owner = backup.owner;
    file.attributes.group = backup.group;
    return file;
}

}  // namespace

Task<Result<Backups>> read_backups(Host& host, std::vector<std::string> paths) {
    Backups backups;
    for (const auto& path : paths) {
        auto file = co_await host.read(path);
        if (!file) co_return failure(file.error());
        backups.push_back(backup_of(path, *file));
    }
    co_return backups;
}

Backups prefer_older(Backups fresh, const Backups& left_over) {
    for (auto& backup : fresh) {
        const auto older = std::ranges::find(left_over, backup.path, &DeployJournal::Backup::path);
        if (older != left_over.end()) backup = *older;
    }
    return fresh;
}

Task<Result<void>> put_back(Host& host, Backups backups) {
    std::vector<InstalledFile> changed;
    std::vector<std::string> appeared;
    for (const auto& backup : backups) {
        const auto now = co_await host.read(backup.path);
        // What cannot be read is written again.
        if (backup.existed) {
            if (!now || *now != file_of(backup)) changed.push_back(file_of(backup));
        } else if (!now || *now) {
            appeared.push_back(backup.path);
        }
    }
    if (!changed.empty()) {
        if (auto installed = co_await host.put_back(changed); !installed) co_return installed;
    }
    for (const auto& path : appeared) {
        if (auto removed = co_await host.remove(path); !removed) co_return removed;
    }
    co_return Result<void>{};
}

Task<bool> all_in_place(Host& host, std::vector<InstalledFile> files) {
    for (const auto& file : files) {
        const auto now = co_await host.read(file.path);
        if (!now || !*now || (*now)->content != file.content) co_return false;
    }
    co_return true;
}

bool none_existed(const Backups& backups) {
    return std::ranges::none_of(backups, &DeployJournal::Backup::existed);
}

}  // namespace certd
