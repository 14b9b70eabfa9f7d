// Roles from peer credentials and the group database.
#include "daemon/control/access.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <map>
#include <optional>
#include <utility>

#include <grp.h>
#include <pwd.h>

namespace certd::control {

namespace {

constexpr std::array<std::string_view, 4> role_names = {"none", "viewer", "operator", "admin"};
constexpr std::size_t largest_buffer = std::size_t{1} << 20;  // groups with very many members need much

// getpwuid_r and getgrgid_r tell with ERANGE that the buffer was too small. The entry points into the buffer given.
template <class Entry, class Id>
bool look_up(int (*call)(Id, Entry*, char*, std::size_t, Entry**), Id id, Entry& entry, std::vector<char>& buffer) {
    for (buffer.resize(4096); buffer.size() <= largest_buffer; buffer.resize(buffer.size() * 4)) {
        Entry* found = nullptr;
        int error = call(id, &entry, buffer.data(), buffer.size(), &found);
        if (error != ERANGE) return error == 0 && found != nullptr;
    }
    return false;
}

std::optional<std::string> user_name(uid_t uid, gid_t& primary) {
    passwd entry{};
    std::vector<char> buffer;
    if (!look_up(::getpwuid_r, uid, entry, buffer)) return std::nullopt;
    primary = entry.pw_gid;
    return std::string(entry.pw_name);
}

std::vector<gid_t> group_ids(const std::string& user, gid_t primary) {
    std::vector<gid_t> ids(64);
    auto count = static_cast<int>(ids.size());
    while (::getgrouplist(user.c_str(), primary, ids.data(), &count) < 0 && ids.size() < 65536) {
        ids.resize(std::max<std::size_t>(static_cast<std::size_t>(std::max(count, 0)), ids.size() * 2));
        count = static_cast<int>(ids.size());
    }
    ids.resize(std::min(ids.size(), static_cast<std::size_t>(std::max(count, 0))));
    return ids;
}

bool share_an_element(const std::vector<std::string>& left, const std::vector<std::string>& right) {
    return std::ranges::find_first_of(left, right) != left.end();
}

}  // namespace

std::string_view to_string(Role role) {
    return role_names.at(static_cast<std::size_t>(role));
}

Role role_of(const AccessRules& rules, const Peer& peer) {
    if (!peer.uid || !peer.gid) return Role::none;
    if (*peer.uid == 0 || *peer.uid == rules.own_uid) return Role::admin;
    if (!rules.groups_of) return Role::none;
    std::vector<std::string> groups = rules.groups_of(*peer.uid, *peer.gid);
    std::erase(groups, std::string());
    if (share_an_element(groups, rules.control.admins)) return Role::admin;
    if (share_an_element(groups, {rules.control.group})) return Role::operator_;
    if (share_an_element(groups, rules.control.viewers)) return Role::viewer;
    return Role::none;
}

std::vector<std::string> system_groups_of(uid_t uid, gid_t gid) {
    std::vector<gid_t> ids = {gid};
    gid_t primary = gid;
    if (std::optional<std::string> user = user_name(uid, primary)) {
        std::vector<gid_t> more = group_ids(*user, primary);
        ids.insert(ids.end(), more.begin(), more.end());
    }
    std::ranges::sort(ids);
    ids.erase(std::ranges::unique(ids).begin(), ids.end());

    std::vector<std::string> names;
    std::vector<char> buffer;
    for (gid_t id : ids) {
        group entry{};
        if (look_up(::getgrgid_r, id, entry, buffer)) names.emplace_back(entry.gr_name);
    }
    return names;
}

GroupsOf cached(const Clock& clock, GroupsOf lookup, Duration keep) {
    struct Entry {
        Duration until{};
        std::vector<std::string> groups;
    };
    return [&clock, lookup = std::move(lookup), keep, known = std::map<std::pair<uid_t, gid_t>, Entry>()](
               uid_t uid, gid_t gid) mutable {
        Duration now = clock.monotonic();
        auto found = known.find({uid, gid});
        if (found != known.end() && now < found->second.until) return found->second.groups;
        if (known.size() >= 1000) known.clear();
        Entry& entry = known[{uid, gid}];
        entry = {now + keep, lookup(uid, gid)};
        return entry.groups;
    };
}

}  // namespace certd::control
