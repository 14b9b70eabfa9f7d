// certbot's hook directories: which scripts are in them, and how each is run. As certbot does it: files that may be
// executed and whose names do not end in '~', sorted by name, with nothing on stdin.
#pragma once

#include "config/model.hpp"
#include "libacme/async/process.hpp"

#include <string>
#include <string_view>
#include <vector>

namespace certd {

struct DirectoryEntry {
    std::string name;
    bool executable = false;  // a file, or a symlink to one, with the permission to execute it
};
// The names of the scripts among them, in the order in which they are run. Pure.
std::vector<std::string> scripts_among(const std::vector<DirectoryEntry>& entries);

struct HookScript {
    std::string path;
    bool needs_shell = false;  // it does not say what runs it; certbot runs every script by way of /bin/sh
};

// The scripts in `kind` ("pre", "deploy", "post") below the directory; none where there is no such subdirectory.
// Blocking. Problem hook.directory when the directory itself is not there or cannot be read; process.unsafe when
// somebody else may change the subdirectory, one of the scripts, or a directory above.
Result<std::vector<HookScript>> hook_scripts(const config::RenewalHooks& hooks, std::string_view kind);

Command script_command(const config::RenewalHooks& hooks, const HookScript& script,
                       std::vector<std::string> environment);

}  // namespace certd
