// The routing table: every route of the control API with the least role that may use it.
#include "daemon/control/routes.hpp"

namespace certd::control {

const std::vector<Route>& routes() {
    static const std::vector<Route> table = {
        {"GET", "/v1/status", Role::viewer, {}, show_daemon},
        {"GET", "/v1/lineages", Role::viewer, {"view", "name"}, list_lineages},
        {"GET", "/v1/lineages/{name}", Role::viewer, {}, show_lineage},
        {"GET", "/v1/lineages/{name}/explain", Role::viewer, {}, explain_lineage},
        {"GET", "/v1/lineages/{name}/history", Role::viewer, {}, show_history},
        {"GET", "/v1/accounts", Role::admin, {}, list_accounts},
        {"GET", "/v1/accounts/{name}/orders", Role::admin, {}, list_account_orders},
        {"GET", "/v1/plan", Role::viewer, {}, list_plan},
        {"GET", "/v1/limits", Role::viewer, {}, list_limits},
        {"GET", "/v1/notify", Role::viewer, {}, list_notifications},
        {"GET", "/v1/events", Role::viewer, {"follow", "after", "lineage"}, list_events},
        {"GET", "/metrics", Role::viewer, {}, show_metrics},
        {"GET", "/healthz", Role::none, {}, show_health},
        {"POST", "/v1/lineages/{name}/renew", Role::operator_, {}, renew_lineage, "renew"},
        {"POST", "/v1/lineages/{name}/rollback", Role::operator_, {}, roll_back_lineage, "rollback"},
        {"POST", "/v1/lineages/{name}/deploy", Role::operator_, {}, deploy_lineage, "deploy"},
        {"POST", "/v1/lineages/{name}/check", Role::operator_, {}, check_lineage, "check"},
        {"POST", "/v1/lineages/{name}/pause", Role::operator_, {}, pause_lineage, "pause"},
        {"POST", "/v1/lineages/{name}/resume", Role::operator_, {}, resume_lineage, "resume"},
        {"POST", "/v1/lineages/{name}/revoke", Role::admin, {}, revoke_lineage, "revoke"},
        {"POST", "/v1/accounts/{name}/rollover", Role::admin, {}, roll_over_account, "account rollover"},
        {"POST", "/v1/accounts/{name}/deactivate", Role::admin, {}, deactivate_account, "account deactivate"},
        {"POST", "/v1/accounts/{name}/import", Role::admin, {}, import_account, "account import", true},
        {"POST", "/v1/notify/test", Role::operator_, {}, test_notifiers, "notify test"},
        {"POST", "/v1/doctor", Role::operator_, {}, examine_daemon, "doctor"},
        {"POST", "/v1/reload", Role::operator_, {}, reload_daemon, "reload"},
    };
    return table;
}

}  // namespace certd::control
