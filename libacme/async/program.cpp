#include "libacme/async/program.hpp"

#include "libacme/base/text.hpp"

#include <fmt/format.h>

#include <cerrno>
#include <cstring>
#include <filesystem>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

namespace certd {

namespace fs = std::filesystem;

namespace {

enum class Found { no, not_executable, yes };

Found look_at(const std::string& path) {
    struct stat status {};
    if (::stat(path.c_str(), &status) != 0 || S_ISDIR(status.st_mode)) return Found::no;
    return ::faccessat(AT_FDCWD, path.c_str(), X_OK, AT_EACCESS) == 0 ? Found::yes : Found::not_executable;
}

std::string_view search_path(const std::vector<std::string>& environment) {
    constexpr std::string_view name = "PATH=";
    for (const auto& entry : environment) {
        if (entry.starts_with(name)) return std::string_view(entry).substr(name.size());
    }
    return {};
}

Result<std::string> accept(std::string path, Found found) {
    if (found == Found::yes) return path;
    if (found == Found::no) return failure("process.notFound", fmt::format("There is no program {}", path));
    return failure("process.start", fmt::format("{} is not executable", path), std::strerror(EACCES));
}

std::string writer_of(const struct stat& status, std::optional<uid_t> also_trusted) {
    const bool sticky_directory = S_ISDIR(status.st_mode) && (status.st_mode & S_ISVTX) != 0;
    if ((status.st_mode & S_IWOTH) != 0 && !sticky_directory) return "everybody";
    // The group of root may become root anyhow.
    if ((status.st_mode & S_IWGRP) != 0 && status.st_gid != 0 && !sticky_directory)
        return fmt::format("members of group {}", status.st_gid);
    if (status.st_uid == 0 || status.st_uid == ::geteuid() || status.st_uid == also_trusted) return {};
    return fmt::format("its owner, user {}", status.st_uid);
}

Result<void> check_path(const std::string& program, fs::path path, std::optional<uid_t> also_trusted) {
    for (;; path = path.parent_path()) {
        struct stat status {};
        if (::stat(path.c_str(), &status) != 0) {
            return failure("process.unsafe", fmt::format("Cannot see who may change {}", path.string()),
                           std::strerror(errno));
        }
        if (const auto writer = writer_of(status, also_trusted); !writer.empty()) {
            return failure("process.unsafe",
                           fmt::format("Refused to run {}: {} may be changed by {}", program, path.string(), writer));
        }
        if (path == path.root_path()) return {};
    }
}

}  // namespace

Result<std::string> find_program(const std::string& name, const std::vector<std::string>& environment,
                                 const std::string& directory) {
    if (name.empty()) return failure("process.notFound", "The command is empty");
    if (name.find('/') != std::string::npos) {
        auto path = (fs::path(directory) / name).lexically_normal().string();
        const auto found = look_at(path);
        return accept(std::move(path), found);
    }
    for (const auto folder : split(search_path(environment), ':')) {
        if (folder.empty() || folder.front() != '/') continue;  // an empty entry would mean the working directory
        auto path = fmt::format("{}/{}", folder, name);
        if (look_at(path) == Found::yes) return path;
    }
    return failure("process.notFound",
                   fmt::format("There is no program {} in PATH ({})", name, search_path(environment)));
}

Result<void> check_trusted(const std::string& program, std::optional<uid_t> also_trusted) {
    if (auto checked = check_path(program, program, also_trusted); !checked) return checked;
    std::error_code error;
    const auto resolved = fs::canonical(program, error);
    if (error) return failure("process.unsafe", fmt::format("Cannot resolve {}", program), error.message());
    return check_path(program, resolved, also_trusted);
}

}  // namespace certd
