#include "daemon/deploy/rehearsal_view.hpp"

#include "daemon/deploy/file_place.hpp"
#include "libacme/base/text.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <fstream>
#include <iterator>
#include <map>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

namespace certd {

namespace fs = std::filesystem;

namespace {

bool is_below(std::string_view path, std::string_view directory) {
    return path.size() > directory.size() && path.starts_with(directory) && path[directory.size()] == '/';
}

// The highest ones: what is below them comes along.
std::vector<std::string> mounts_below(const std::string& directory, const std::vector<std::string>& mount_points) {
    std::vector<std::string> found;
    for (const auto& point : mount_points) {
        if (!is_below(point, directory)) continue;
        const bool covered = std::ranges::any_of(
            mount_points, [&](const auto& other) { return is_below(other, directory) && is_below(point, other); });
        auto name = point.substr(directory.size() + 1);
        if (!covered && std::ranges::find(found, name) == found.end()) found.push_back(std::move(name));
    }
    return found;
}

// Each name once, a folder after the one that it is in.
void add_folders(Shadow::Directory& directory, const std::string& name) {
    for (auto slash = name.find('/'); slash != std::string::npos; slash = name.find('/', slash + 1)) {
        auto folder = name.substr(0, slash);
        if (std::ranges::find(directory.folders, folder) == directory.folders.end())
            directory.folders.push_back(std::move(folder));
    }
}

// "\040" in mountinfo is a space.
std::string unescaped(std::string_view text) {
    std::string plain;
    for (std::size_t i = 0; i < text.size(); ++i) {
        const auto is_octal = [](char c) { return c >= '0' && c <= '7'; };
        const bool escaped =
            text[i] == '\\' && i + 3 < text.size() && std::ranges::all_of(text.substr(i + 1, 3), is_octal);
        if (!escaped) {
            plain += text[i];
            continue;
        }
        plain += static_cast<char>((text[i + 1] - '0') * 64 + (text[i + 2] - '0') * 8 + (text[i + 3] - '0'));
        i += 3;
    }
    return plain;
}

tl::unexpected<Problem> not_installable(const std::string& path, std::string_view why, int error = 0) {
    return failure("deploy.install", fmt::format("Cannot install {}: {}", path, why),
                   error != 0 ? std::strerror(error) : "");
}

Result<Shadow::Directory> directory_at(const Path& path, const std::string& wanted_for) {
    std::error_code error;
    const auto real = fs::canonical(path, error);
    if (error) return not_installable(wanted_for, "there is no directory " + path.string(), error.value());
    struct stat status {};
    if (::stat(real.c_str(), &status) != 0 || !S_ISDIR(status.st_mode))
        return not_installable(wanted_for, "there is no directory " + path.string());
    if (real == "/") {
        return failure("deploy.notRehearsed",
                       fmt::format("No private view can be made of the root directory, where {} is", wanted_for));
    }
    return Shadow::Directory{real.string(), status.st_mode & 07777U, status.st_uid, status.st_gid, {}, {}, {}};
}

Result<ViewedFile> viewed(const InstalledFile& file) {
    RealFileSystem files;
    const auto place = place_for_file(files, file.path);
    if (!place) return failure(place.error());
    auto directory = directory_at(place->path.parent_path(), file.path);
    if (!directory) return failure(directory.error());
    // The view could be written in any case; the directory may be read-only under systemd's protection.
    if (::faccessat(AT_FDCWD, directory->path.c_str(), W_OK | X_OK, AT_EACCESS) != 0)
        return not_installable(file.path, "certd may not write to " + directory->path, errno);
    const auto& given = file.attributes;
    return ViewedFile{*std::move(directory),
                      {place->path.filename().string(), file.content, given.mode, given.owner, given.group}};
}

std::string read_all(const char* path) {
    std::ifstream in(path);
    return {std::istreambuf_iterator<char>(in), {}};
}

}  // namespace

Shadow assemble(std::string place, std::vector<ViewedFile> files, const std::vector<std::string>& mount_points) {
    std::map<std::string, Shadow::Directory> directories;  // in this order each is after those above it
    for (auto& [directory, file] : files) {
        const auto path = directory.path;
        auto& there = directories.try_emplace(path, std::move(directory)).first->second;
        add_folders(there, file.name);
        // Of two installations to one place the second one stays.
        std::erase_if(there.files, [&](const auto& other) { return other.name == file.name; });
        there.files.push_back(std::move(file));
    }
    Shadow shadow{std::move(place), {}};
    for (auto& [path, directory] : directories) {
        directory.mounts = mounts_below(path, mount_points);
        shadow.directories.push_back(std::move(directory));
    }
    return shadow;
}

std::vector<std::string> parse_mount_points(std::string_view mountinfo) {
    std::vector<std::string> points;
    for (const auto line : split(mountinfo, '\n')) {
        const auto fields = split(line, ' ');
        if (fields.size() > 4) points.push_back(unescaped(fields[4]));
    }
    return points;
}

Result<Shadow> shadow_of(const RehearsalView& view) {
    std::vector<ViewedFile> files;
    for (const auto& file : view.files) {
        auto found = viewed(file);
        if (!found) return failure(found.error());
        files.push_back(*std::move(found));
    }
    const auto live = directory_at(view.live, view.live);
    if (!live) return failure(live.error());
    for (const auto& file : view.version)
        files.push_back({*live, {file.path, file.content, file.attributes.mode, {}, {}}});
    return assemble(view.place, std::move(files), parse_mount_points(read_all("/proc/self/mountinfo")));
}

}  // namespace certd
