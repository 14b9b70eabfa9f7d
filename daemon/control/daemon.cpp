// The daemon as a whole: its status and the reload of its configuration.
#include "daemon/control/routes.hpp"

namespace certd::control {

Task<> show_daemon(Exchange& exchange) {
    co_await exchange.answer.json(200, api::to_json(exchange.operations.daemon()));
}

Task<> reload_daemon(Exchange& exchange) {
    value_or_fail(api::no_arguments_from_json(exchange.body));
    exchange.record("reload");
    value_or_fail(co_await exchange.operations.reload());
    api::JobResult result{"", "reloaded", 0, "The configuration was loaded again"};
    co_await exchange.answer.json(200, Json::object({{"result", api::to_json(result)}}));
}

}  // namespace certd::control
