// The noun "account": those that certd has at CAs, their keys and their end.
#include "daemon/control/routes.hpp"

namespace certd::control {

namespace {

Task<> answer_done(Exchange& exchange, std::string outcome, std::string message) {
    api::JobResult result{"", std::move(outcome), 0, std::move(message)};
    co_await exchange.answer.json(200, Json::object({{"result", api::to_json(result)}}));
}

}  // namespace

Task<> list_accounts(Exchange& exchange) {
    Json list = Json::array();
    for (const api::Account& account : value_or_fail(co_await exchange.operations.accounts()))
        list.push(api::to_json(account));
    co_await exchange.answer.json(200, Json::object({{"accounts", std::move(list)}}));
}

Task<> roll_over_account(Exchange& exchange) {
    value_or_fail(api::no_arguments_from_json(exchange.body));
    exchange.record("account rollover");
    value_or_fail(co_await exchange.operations.roll_over_account(exchange.name().text()));
    co_await answer_done(exchange, "key-changed", "The account has a new key");
}

Task<> deactivate_account(Exchange& exchange) {
    value_or_fail(api::no_arguments_from_json(exchange.body));
    exchange.record("account deactivate");
    value_or_fail(co_await exchange.operations.deactivate_account(exchange.name().text()));
    co_await answer_done(exchange, "deactivated",
                         "The account is no more; the next renewal at this CA makes a new one");
}

Task<> import_account(Exchange& exchange) {
    auto request = value_or_fail(api::import_request_from_json(exchange.body));
    exchange.record("account import");
    std::string url =
        value_or_fail(co_await exchange.operations.import_account(exchange.name().text(), std::move(request.key)));
    co_await answer_done(exchange, "imported", "The account in use is " + url);
}

Task<> list_account_orders(Exchange& exchange) {
    api::OrderList list = value_or_fail(co_await exchange.operations.account_orders(exchange.name().text()));
    co_await exchange.answer.json(200, Json::object({{"orders", api::to_json(list)}}));
}

}  // namespace certd::control
