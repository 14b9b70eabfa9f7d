#include "daemon/deploy/hook_directory.hpp"

#include "daemon/deploy/owner.hpp"
#include "libacme/async/program.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>

#include <fmt/format.h>
#include <unistd.h>

namespace certd {

namespace fs = std::filesystem;

namespace {

constexpr mode_t usual_umask = 022;  // the scripts were written for it

bool is_executable(const fs::path& path) {
    std::error_code error;
    return fs::is_regular_file(path, error) && ::access(path.c_str(), X_OK) == 0;
}

// Whether the kernel knows by its first octets how to run it.
bool names_its_interpreter(const std::string& path) {
    std::array<char, 4> start{};
    std::ifstream(path).read(start.data(), start.size());
    return std::string_view(start.data(), 2) == "#!" || std::string_view(start.data(), 4) ==
                                                            "\x7F"
                                                            "ELF";
}

Result<std::vector<DirectoryEntry>> entries_of(const fs::path& directory) {
    std::vector<DirectoryEntry> entries;
    std::error_code error;
    for (fs::directory_iterator entry(directory, error), end; !error && entry != end; entry.increment(error))
        entries.push_back({entry->path().filename().string(), is_executable(entry->path())});
    if (!error) return entries;
    return failure("hook.directory", fmt::format("Cannot read the hook directory {}", directory.string()),
                   error.message());
}

Result<std::optional<uid_t>> runs_as(const config::RenewalHooks& hooks) {
    if (hooks.user.empty()) return std::optional<uid_t>();
    auto user = user_id(hooks.user);
    if (!user)
        return failure("hook.directory",
                       fmt::format("The hooks in {} cannot be run as {}", hooks.directory, hooks.user),
                       user.error().what);
    return std::optional<uid_t>(*user);
}

}  // namespace

std::vector<std::string> scripts_among(const std::vector<DirectoryEntry>& entries) {
    std::vector<std::string> names;
    for (const DirectoryEntry& entry : entries) {
        if (entry.executable && !entry.name.ends_with('~')) names.push_back(entry.name);
    }
    std::ranges::sort(names);
    return names;
}

Result<std::vector<HookScript>> hook_scripts(const config::RenewalHooks& hooks, std::string_view kind) {
    std::error_code error;
    if (!fs::is_directory(hooks.directory, error))
        return failure("hook.directory", fmt::format("There is no directory {} with hooks", hooks.directory));
    std::vector<HookScript> scripts;
    const fs::path directory = fs::path(hooks.directory) / kind;
    // Nothing at all, and not something that cannot be seen.
    if (fs::symlink_status(directory, error).type() == fs::file_type::not_found) return scripts;
    const auto user = runs_as(hooks);
    if (!user) return failure(user.error());
    if (auto trusted = check_trusted(directory.string(), *user); !trusted) return failure(trusted.error());
    const auto entries = entries_of(directory);
    if (!entries) return failure(entries.error());
    for (const std::string& name : scripts_among(*entries)) {
        HookScript script{(directory / name).string()};
        if (auto trusted = check_trusted(script.path, *user); !trusted) return failure(trusted.error());
        script.needs_shell = !names_its_interpreter(script.path);
        scripts.push_back(std::move(script));
    }
    return scripts;
}

Command script_command(const config::RenewalHooks& hooks, const HookScript& script,
                       std::vector<std::string> environment) {
    Command command;
    if (script.needs_shell) command.argv.emplace_back("/bin/sh");
    command.argv.push_back(script.path);
    command.environment = std::move(environment);
    command.directory = hooks.working_directory;
    if (!hooks.user.empty()) command.user = hooks.user;
    command.timeout = hooks.timeout;
    command.umask = usual_umask;
    return command;
}

}  // namespace certd
