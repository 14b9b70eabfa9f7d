// Reading of the pages of an account's orders.
#include "libacme/protocol/order_list.hpp"

#include <algorithm>
#include <set>

namespace certd::acme {

namespace {

constexpr std::size_t most_pages = 20, most_orders = 1000;

// RFC 8555 §7.1.2.1: the next page, if there is one.
std::optional<std::string> next_page(const HttpResponse& response) {
    for (const Link& link : links(response.headers)) {
        if (link.relation == "next") return link.target;
    }
    return std::nullopt;
}

// URLs that the CA may not send us to are left out.
void add_orders(const Session& session, const Json& document, OrderList& list) {
    for (const std::string& text : document.strings("orders")) {
        Result<Url> url = session.server_url(text, "order URL");
        if (!url || list.urls.size() == most_orders) {
            list.complete = false;
        } else {
            list.urls.push_back(url->text);
        }
    }
}

Task<std::string> list_url(Session& session) {
    Url account = value_or_fail(session.server_url(session.account().url, "account URL"));
    HttpResponse response = co_await session.post(RequestKind::account, std::move(account), std::nullopt,
                                                  "Cannot fetch the account at " + session.options().ca);
    Result<Json> document = parse_json(response.body);
    co_return document ? document->string_or("orders") : std::string();
}

}  // namespace

Task<OrderList> list_orders(Session& session) {
    OrderList list;
    co_await session.directory();  // it tells on which hosts the list may live
    std::string text = co_await list_url(session);
    if (text.empty()) co_return list;
    list.offered = true;
    Url url = value_or_fail(session.server_url(text, "list of orders"));
    std::string what = "Cannot fetch the list of orders from " + session.options().ca;
    for (std::set<std::string> seen; seen.size() < most_pages && list.urls.size() < most_orders;) {
        if (!seen.insert(url.text).second) break;  // pages that lead to one another
        HttpResponse response = co_await session.post(RequestKind::account, url, std::nullopt, what);
        Result<Json> document = parse_json(response.body);
        if (!document || !document->is_object()) fail("acme.badResponse", what + ": the answer is no JSON object");
        add_orders(session, *document, list);
        std::optional<std::string> next = next_page(response);
        if (!next) co_return list;
        url = value_or_fail(session.server_url(*next, url, "next page of orders"));
    }
    list.complete = false;
    co_return list;
}

}  // namespace certd::acme
