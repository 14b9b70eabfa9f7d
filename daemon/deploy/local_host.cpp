#include "daemon/deploy/local_host.hpp"

#include "daemon/deploy/file_place.hpp"
#include "daemon/deploy/rehearsal_view.hpp"

#include <fmt/format.h>

#include <set>

namespace certd {

namespace {

Result<std::optional<InstalledFile>> read_file(FileSystem& files, const std::string& path) {
    auto place = place_for_file(files, path);
    if (!place) return failure(place.error());
    if (place->status.kind == FileStatus::Kind::missing) return std::nullopt;
    auto content = files.read(place->path, default_read_limit);
    if (!content) return failure(content.error());
    InstalledFile file;
    file.path = path;
    file.content = std::move(*content);
    file.attributes.mode = place->status.mode;
    file.attributes.owner = place->status.owner;
    file.attributes.group = place->status.group;
    return file;
}

// New files beside their places. The names are fixed, so that a crash leaves at most one per place and the next
// installation clears it away.
class Staging {
   public:
    explicit Staging(FileSystem& files) : files_(files) {}

    void discard() {
        for (const auto& entry : staged_)
            (void)files_.change(change::Remove{entry.temp});
    }

    Result<void> write(const InstalledFile& file) {
        auto place = place_for_file(files_, file.path);
        if (!place) return failure(place.error());
        const Path temp = place->path.parent_path() / fmt::format(".{}.certd-new", place->path.filename().string());
        auto created = files_.create(temp, file.content, file.attributes);
        if (!created && created.error().code == "storage.exists") {
            if (auto cleared = files_.change(change::Remove{temp}); !cleared) return cleared;
            created = files_.create(temp, file.content, file.attributes);
        }
        if (!created) return created;
        staged_.push_back({temp, place->path});
        return {};
    }

    Result<void> put_in_place() {
        std::set<Path> directories;
        while (!staged_.empty()) {
            const auto& [temp, path] = staged_.front();
            if (auto renamed = files_.change(change::Rename{temp, path}); !renamed) return renamed;
            directories.insert(path.parent_path());
            staged_.erase(staged_.begin());
        }
        for (const auto& directory : directories) {
            if (auto synced = files_.change(change::SyncDirectory{directory}); !synced) return synced;
        }
        return {};
    }

   private:
    struct Entry {
        Path temp, path;
    };
    FileSystem& files_;
    std::vector<Entry> staged_;
};

Result<void> install_files(FileSystem& files, const std::vector<InstalledFile>& all) {
    Staging staging(files);
    Result<void> done;
    for (const auto& file : all) {
        if (done) done = staging.write(file);
    }
    if (done) done = staging.put_in_place();
    if (!done) staging.discard();
    return done;
}

Result<void> remove_file(FileSystem& files, const std::string& path) {
    auto place = place_for_file(files, path);
    if (!place) return failure(place.error());
    if (place->status.kind == FileStatus::Kind::missing) return {};
    if (auto removed = files.change(change::Remove{place->path}); !removed) return removed;
    return files.change(change::SyncDirectory{place->path.parent_path()});
}

}  // namespace

Task<Result<std::optional<InstalledFile>>> LocalHost::read(std::string path) {
    co_return co_await offload(workers_, [&] { return read_file(files_, path); });
}

Task<Result<void>> LocalHost::install(std::vector<InstalledFile> files) {
    co_return co_await offload(workers_, [&] { return install_files(files_, files); });
}

Task<Result<void>> LocalHost::remove(std::string path) {
    co_return co_await offload(workers_, [&] { return remove_file(files_, path); });
}

Task<Result<ProcessResult>> LocalHost::run(Command command) {
    try {
        co_return co_await runner_.run(std::move(command));
    } catch (const Failure& failed) {
        co_return failure(failed.problem());
    }
}

Task<Result<ProcessResult>> LocalHost::rehearse(RehearsalView view, std::optional<Command> command) {
    auto shadow = co_await offload(workers_, [&] { return shadow_of(view); });
    if (!shadow) co_return failure(shadow.error());
    if (!command) co_return ProcessResult{.exit_code = 0};
    command->environment.push_back("CERTD_SHADOW=" + scratch_of(*shadow));
    command->shadow = *std::move(shadow);
    auto ran = co_await run(*std::move(command));
    if (ran || ran.error().code != "process.shadow") co_return ran;
    Problem refused =
        problem("deploy.notRehearsed", "The new files cannot be shown to it in private: " + ran.error().what,
                ran.error().remote);
    refused.hint = ran.error().hint;
    refused.parts.push_back(std::move(ran).error());
    co_return failure(std::move(refused));
}

Task<Result<Served>> LocalHost::probe(ProbeRequest request) {
    try {
        co_return co_await probe_tls(clock_, std::move(request));
    } catch (const Failure& failed) {
        co_return failure(failed.problem());
    }
}

Task<Result<std::string>> LocalHost::ask(LocalQuestion question) {
    try {
        co_return co_await ask_local(clock_, std::move(question));
    } catch (const Failure& failed) {
        co_return failure(failed.problem());
    }
}

}  // namespace certd
