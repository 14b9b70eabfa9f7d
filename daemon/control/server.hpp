// The control API (DESIGN §6) over an HttpServer on a Unix socket, with roles from peer credentials; also serves /metrics.
#pragma once

#include "config/model.hpp"
#include "daemon/control/operations.hpp"
#include "libacme/net/http_server.hpp"

#include <functional>
#include <memory>

namespace certd::control {

enum class Role { none, viewer, operator_, admin };
std::string_view to_string(Role role);

// Pure: what a peer may do. uid 0 and certd's own uid are admin; members of `group` operator; `viewers`, `admins` as named.
// `groups_of` gives the names of the groups a uid belongs to (primary gid included).
struct AccessRules {
    config::Control control;
    uid_t own_uid = 0;
    std::function<std::vector<std::string>(uid_t uid, gid_t gid)> groups_of;
};
Role role_of(const AccessRules& rules, const Peer& peer);
// The system's group database; blocking but local, cached for a minute.
std::vector<std::string> system_groups_of(uid_t uid, gid_t gid);

// The request handler for HttpServer: routes, checks the role, logs mutating calls as control.call events.
RequestHandler make_handler(Operations& operations, AccessRules rules, Clock& clock);
// Only GET /metrics and GET /healthz, for the TCP listener.
RequestHandler make_metrics_handler(Operations& operations);

}  // namespace certd::control
