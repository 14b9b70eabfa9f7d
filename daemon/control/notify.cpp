// The noun "notify": who is told of incidents, which are open, and a test of the way.
#include "daemon/control/routes.hpp"

namespace certd::control {

Task<> list_notifications(Exchange& exchange) {
    Json document = api::to_json(exchange.operations.notifications());
    document.set("now", to_json(std::optional<Time>(exchange.clock.now())));
    co_await exchange.answer.json(200, std::move(document));
}

// Each receiver has a limit of its own, below that of clients.
Task<> test_notifiers(Exchange& exchange) {
    auto request = value_or_fail(api::notify_test_request_from_json(exchange.body));
    exchange.record("notify test");
    Json results = Json::array();
    for (const api::NotifyTest& test : value_or_fail(co_await exchange.operations.test_notifiers(request.name)))
        results.push(api::to_json(test));
    co_await exchange.answer.json(200, Json::object({{"results", std::move(results)}}));
}

}  // namespace certd::control
