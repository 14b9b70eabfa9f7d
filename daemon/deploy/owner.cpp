#include "daemon/deploy/owner.hpp"

#include <charconv>
#include <optional>
#include <vector>

#include <grp.h>
#include <pwd.h>

namespace certd {

namespace {

constexpr std::size_t entry_size = 65536;  // groups may have many members

std::optional<std::uint32_t> number_in(const std::string& text) {
    std::uint32_t value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
    return value;
}

}  // namespace

Result<uid_t> user_id(const std::string& name) {
    if (const auto number = number_in(name)) return *number;
    std::vector<char> buffer(entry_size);
    passwd entry{};
    passwd* found = nullptr;
    ::getpwnam_r(name.c_str(), &entry, buffer.data(), buffer.size(), &found);
    if (found == nullptr) return failure("deploy.install", "There is no user " + name);
    return found->pw_uid;
}

Result<gid_t> group_id(const std::string& name) {
    if (const auto number = number_in(name)) return *number;
    std::vector<char> buffer(entry_size);
    group entry{};
    group* found = nullptr;
    ::getgrnam_r(name.c_str(), &entry, buffer.data(), buffer.size(), &found);
    if (found == nullptr) return failure("deploy.install", "There is no group " + name);
    return found->gr_gid;
}

Result<FileAttributes> attributes_of(const config::InstallStep& step) {
    FileAttributes attributes;
    attributes.mode = step.mode;
    if (step.owner) {
        const auto owner = user_id(*step.owner);
        if (!owner) return failure(owner.error());
        attributes.owner = *owner;
    }
    if (step.group) {
        const auto group = group_id(*step.group);
        if (!group) return failure(group.error());
        attributes.group = *group;
    }
    return attributes;
}

}  // namespace certd
