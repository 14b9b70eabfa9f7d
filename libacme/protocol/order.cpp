// Orders: reading, comparing and asking for them.
#include "libacme/protocol/order.hpp"

#include "libacme/base/text.hpp"

#include <algorithm>

namespace certd::acme {

namespace {

constexpr std::size_t most_authorizations = 200;

std::optional<Identifier> read_identifier(const Json& json) {
    std::string type = json.string_or("type");
    if (type != "dns" && type != "ip") return std::nullopt;
    return Identifier{type == "dns" ? Identifier::Type::dns : Identifier::Type::ip, json.string_or("value")};
}

std::vector<Identifier> read_identifiers(const Json& document) {
    std::vector<Identifier> result;
    if (const Json::Array* items = document["identifiers"].if_array()) {
        for (const Json& item : *items) {
            if (auto identifier = read_identifier(item)) result.push_back(*std::move(identifier));
        }
    }
    return normalized(std::move(result));
}

// RFC 8555 §7.1.3 demands the URL always; it is of no use any more after it was used.
bool needs_finalize(OrderStatus status) {
    return status == OrderStatus::pending || status == OrderStatus::ready;
}

Json order_payload(const std::vector<Identifier>& names, const OrderExtras& extras) {
    Json identifiers = Json::array();
    for (const Identifier& name : names) {
        identifiers.push(Json::object({{"type", to_string(name.type)}, {"value", name.value}}));
    }
    Json payload = Json::object({{"identifiers", std::move(identifiers)}});
    if (!extras.replaces.empty()) payload.set("replaces", extras.replaces);
    if (extras.profile) payload.set("profile", *extras.profile);
    return payload;
}

// Repeated once when the connection broke: at worst one order is left over at the CA, which ends by itself.
Task<HttpResponse> post_new_order(Session& session, Url url, Json payload, std::string what) {
    try {
        co_return co_await session.post(RequestKind::new_order, url, payload, what);
    } catch (const Failure& failure) {
        if (failure.problem().code != "net.closed") throw;
    }
    co_return co_await session.post(RequestKind::new_order, std::move(url), std::move(payload), std::move(what));
}

}  // namespace

OrderStatus order_status_from(std::string_view text) {
    if (text == "pending") return OrderStatus::pending;
    if (text == "ready") return OrderStatus::ready;
    if (text == "processing") return OrderStatus::processing;
    if (text == "valid") return OrderStatus::valid;
    if (text == "invalid") return OrderStatus::invalid;
    return OrderStatus::unknown;
}

std::vector<Identifier> normalized(std::vector<Identifier> names) {
    for (Identifier& name : names) {
        name.value = lower_ascii(name.value);
        if (name.value.ends_with('.')) name.value.pop_back();
    }
    std::ranges::sort(names);
    auto [first, last] = std::ranges::unique(names);
    names.erase(first, last);
    return names;
}

std::string names_text(const std::vector<Identifier>& names) {
    constexpr std::size_t shown = 3;
    std::string text;
    for (std::size_t i = 0; i < std::min(shown, names.size()); ++i) {
        text += (i == 0 ? "" : ", ") + escape_untrusted(names[i].value, 260);
    }
    if (names.size() > shown) text += " and " + std::to_string(names.size() - shown) + " more";
    return text;
}

bool has_expired(const std::optional<Time>& expires, Time now) {
    return expires && *expires <= now;
}

bool is_same_order(const Order& first, const Order& later) {
    auto sorted = [](const Order& order) {
        std::vector<std::string> urls;
        for (const Url& url : order.authorizations)
            urls.push_back(url.text);
        std::ranges::sort(urls);
        return urls;
    };
    // What a later answer leaves out did not change.
    bool same_names = later.identifiers.empty() || first.identifiers == later.identifiers;
    bool same_authorizations = later.authorizations.empty() || sorted(first) == sorted(later);
    bool same_finalize = later.finalize.text.empty() || first.finalize == later.finalize;
    return same_names && same_authorizations && same_finalize;
}

Order read_order(const Session& session, const Url& url, const HttpResponse& response, Time now) {
    auto document = parse_json(response.body);
    if (!document || !document->is_object()) {
        fail("acme.badResponse", "The order of " + session.options().ca + " is not a JSON object");
    }
    Order order;
    order.url = url;
    const std::string* status = (*document)["status"].if_string();
    if (status == nullptr) fail("acme.badResponse", "The order of " + session.options().ca + " has no status");
    order.status = order_status_from(*status);
    // Some CAs send 1970-01-01 for "no limit" (acme-facts §8).
    order.expires = time_in(*document, "expires");
    if (order.expires && *order.expires < Time(days(366))) order.expires.reset();
    order.identifiers = read_identifiers(*document);
    std::vector<std::string> authorizations = document->strings("authorizations");
    if (authorizations.size() > most_authorizations) {
        fail("acme.badResponse", "The order of " + session.options().ca + " has more than 200 authorizations");
    }
    for (const std::string& text : authorizations) {
        order.authorizations.push_back(value_or_fail(session.server_url(text, "authorization URL")));
    }
    std::string finalize = document->string_or("finalize");
    if (!finalize.empty() || needs_finalize(order.status)) {
        order.finalize = value_or_fail(session.server_url(finalize, "finalize URL"));
    }
    if (std::string text = document->string_or("certificate"); !text.empty()) {
        order.certificate = value_or_fail(session.server_url(text, "certificate URL"));
    }
    if (const Json& error = (*document)["error"]; error.is_object()) {
        order.error = problem_of_document(
            error, session.options().ca + " declared the order for " + names_text(order.identifiers) + " invalid");
    }
    order.poll_again = retry_after(response.headers, now);
    return order;
}

Task<Order> place_order(Session& session, std::vector<Identifier> names, OrderExtras extras) {
    Directory directory = co_await session.directory();
    std::string what = "Cannot order a certificate for " + names_text(names) + " at " + session.options().ca;
    HttpResponse response = co_await post_new_order(session, directory.new_order, order_payload(names, extras), what);
    auto location = response.headers.find("Location");
    if (!location) fail("acme.badResponse", what + ": the answer carries no order URL");
    Url url = value_or_fail(session.server_url(*location, directory.new_order, "order URL"));
    Order order = read_order(session, url, response, session.clock().now());
    if (order.identifiers != normalized(std::move(names))) {
        fail("acme.badResponse", what + ": the order is for other names", names_text(order.identifiers));
    }
    co_return order;
}

// RFC 9773 §5 names alreadyReplaced only; the other refusals come as whatever the CA likes.
bool may_blame_replaces(const Failure& refusal) {
    const auto* response = dynamic_cast<const ErrorResponse*>(&refusal);
    if (response == nullptr || response->status() >= 500) return false;
    const std::string& code = refusal.problem().code;
    return response->status() == 404 || response->status() == 409 || code == "acme.alreadyReplaced" ||
           code == "acme.malformed" || code == "acme.accountRefused";
}

Task<Order> fetch_order(Session& session, Url url) {
    std::string what = "Cannot fetch the order from " + session.options().ca;
    HttpResponse response = co_await session.post(RequestKind::order, url, std::nullopt, std::move(what));
    co_return read_order(session, url, response, session.clock().now());
}

}  // namespace certd::acme
