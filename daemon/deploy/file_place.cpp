#include "daemon/deploy/file_place.hpp"

namespace certd {

namespace {

constexpr int longest_link_chain = 16;

Result<FilePlace> end_of_links(FileSystem& files, Path path) {
    if (!path.is_absolute() || !path.has_filename())
        return failure("deploy.install", path.string() + " is not an absolute path of a file");
    for (int hop = 0; hop < longest_link_chain; ++hop) {
        auto status = files.inspect(path);
        if (!status) return failure(status.error());
        if (status->kind != FileStatus::Kind::symlink) return FilePlace{path, *status};
        path = path.parent_path() / status->link_target;  // an absolute target replaces the whole
    }
    return failure("deploy.install", path.string() + " is a chain of too many symlinks");
}

}  // namespace

Result<FilePlace> place_for_file(FileSystem& files, const Path& path) {
    auto place = end_of_links(files, path);
    if (!place) return place;
    const auto kind = place->status.kind;
    if (kind != FileStatus::Kind::missing && kind != FileStatus::Kind::file)
        return failure("deploy.install", place->path.string() + " is not a regular file");
    return place;
}

}  // namespace certd
