// Who may do what on the control socket: peer credentials → role (DESIGN §6).
#pragma once

#include "config/model.hpp"
#include "libacme/async/clock.hpp"
#include "libacme/net/http_server.hpp"

#include <functional>
#include <string>
#include <string_view>
#include <vector>

namespace certd::control {

// Each role may do what the ones before it may.
enum class Role { none, viewer, operator_, admin };
std::string_view to_string(Role role);  // "operator"

// The names of the groups a uid belongs to, the group of gid included.
using GroupsOf = std::function<std::vector<std::string>(uid_t uid, gid_t gid)>;

// uid 0 and certd's own uid are admin; members of `control.admins` admin, of `control.group` operator, of
// `control.viewers` viewer.
struct AccessRules {
    config::Control control;
    uid_t own_uid = 0;
    GroupsOf groups_of;
};

// Pure but for `groups_of`, which is not asked about root and certd itself. A peer without credentials has no role.
Role role_of(const AccessRules& rules, const Peer& peer);

// The system's user and group database: local, yet blocking, so wrap it in `cached`. An unknown uid has the group of
// its gid only.
std::vector<std::string> system_groups_of(uid_t uid, gid_t gid);

// Remembers answers for `keep`, and no more than 1,000 of them.
GroupsOf cached(const Clock& clock, GroupsOf lookup, Duration keep = minutes(1));

}  // namespace certd::control
