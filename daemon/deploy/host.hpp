// The host seam: every privileged effect of a deployment goes through here, on this machine or on another.
#pragma once

#include "libacme/async/process.hpp"
#include "libacme/base/file_system.hpp"
#include "libacme/net/local_question.hpp"
#include "libacme/net/tls_probe.hpp"

#include <optional>
#include <string>
#include <vector>

namespace certd {

struct InstalledFile {
    std::string path;
    std::string content;
    FileAttributes attributes;
    // In place of the numbers of `attributes`, for a host that has users of its own; empty: as there.
    std::string owner_name = {}, group_name = {};
    bool operator==(const InstalledFile& other) const {
        return path == other.path && content == other.content && attributes.mode == other.attributes.mode &&
               attributes.owner == other.attributes.owner && attributes.group == other.attributes.group;
    }
};

// What a rehearsal shows to one command: the files of a target at their paths, and the version as the lineage's `live`.
struct RehearsalView {
    std::vector<InstalledFile> files;
    std::string live;                    // the directory of the `live` links
    std::vector<InstalledFile> version;  // paths below `live`: "shop/privkey.pem"
    std::string place;                   // an empty directory of certd's own
    std::vector<std::vector<std::string>> commands =
        {};  // that a deployment would run, for a host that may refuse them
};

class Host {
   public:
    virtual ~Host() = default;
    // The file as it stands (a symlink at the last component is followed); nullopt when there is none.
    virtual Task<Result<std::optional<InstalledFile>>> read(std::string path) = 0;
    // Writes every file beside its place under a temp name, then renames them one right after the other.
    // Nothing is renamed when one cannot be written.
    virtual Task<Result<void>> install(std::vector<InstalledFile> files) = 0;
    // The same with what had been there before a deployment: a host that remembers versions goes back to the one
    // before.
    virtual Task<Result<void>> put_back(std::vector<InstalledFile> files) { return install(std::move(files)); }
    virtual Task<Result<void>> remove(std::string path) = 0;  // a missing file is success
    virtual Task<Result<ProcessResult>> run(Command command) = 0;
    // Looks whether the files could be installed, and runs `command`, if any, where it sees them while nobody else
    // does: deploy.notRehearsed where that is impossible, as it is everywhere but on this machine. Nothing is changed.
    virtual Task<Result<ProcessResult>> rehearse(RehearsalView /*view*/, std::optional<Command> /*command*/) {
        co_return failure("deploy.notRehearsed", "The new files cannot be shown to a command of this machine alone");
    }
    virtual Task<Result<Served>> probe(ProbeRequest request) = 0;
    // Asks a program of the host over its Unix socket; only this machine's can be reached.
    virtual Task<Result<std::string>> ask(LocalQuestion question) {
        co_return failure("host.refused", "The socket " + question.socket + " is not on this machine");
    }
};

}  // namespace certd
