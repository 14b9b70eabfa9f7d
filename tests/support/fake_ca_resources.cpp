// The fake CA's directory, accounts and orders.
#include "libacme/protocol/order.hpp"
#include "tests/support/fake_ca_state.hpp"

#include <algorithm>

namespace certd::test {

HttpResponse FakeCa::State::directory() const {
    Json document = Json::object({{"newNonce", base() + "/nonce"},
                                  {"newAccount", base() + "/new-account"},
                                  {"newOrder", base() + "/new-order"},
                                  {"newAuthz", nullptr},
                                  {"revokeCert", base() + "/revoke"},
                                  {"keyChange", base() + "/key-change"},
                                  {"Tz3kPq81", "https://example.org/adding-random-entries"}});
    if (knobs().renewal_info) document.set("renewalInfo", base() + "/renewal-info");
    Json meta = Json::object({{"externalAccountRequired", knobs().external_account_required}});
    if (!knobs().terms_of_service.empty()) meta.set("termsOfService", knobs().terms_of_service);
    if (!knobs().profiles.empty()) {
        Json profiles = Json::object();
        for (const auto& [name, description] : knobs().profiles)
            profiles.set(name, description);
        meta.set("profiles", std::move(profiles));
    }
    if (!knobs().caa_identities.empty()) {
        Json identities = Json::array();
        for (const std::string& identity : knobs().caa_identities)
            identities.push(identity);
        meta.set("caaIdentities", std::move(identities));
    }
    document.set("meta", std::move(meta));
    return json_answer(200, document);
}

HttpResponse FakeCa::State::dispatch(RequestKind kind, Request& request) {
    switch (kind) {
        case RequestKind::new_account:
            return new_account(request);
        case RequestKind::account:
            return account(request);
        case RequestKind::new_order:
            return new_order(request);
        case RequestKind::order:
            return order(request);
        case RequestKind::authorization:
            return authorization(request);
        case RequestKind::challenge:
            return challenge(request);
        case RequestKind::finalize:
            return finalize(request);
        case RequestKind::certificate:
            return certificate(request);
        case RequestKind::key_change:
            return key_change(request);
        case RequestKind::revoke:
            return revoke(request);
        default:
            refuse(404, "malformed", "not offered");
    }
}

HttpResponse FakeCa::State::new_account(Request& request) {
    if (!only_members(request.json,
                      {"contact", "termsOfServiceAgreed", "onlyReturnExisting", "externalAccountBinding"})) {
        violation("newAccount has members of its own");
    }
    auto found = account_of_thumbprint.find(request.new_key->thumbprint());
    int status = 200;
    if (found == account_of_thumbprint.end()) {
        if (request.json.bool_or("onlyReturnExisting")) refuse(400, "accountDoesNotExist", "no account with this key");
        if (!knobs().terms_of_service.empty() && !request.json.bool_or("termsOfServiceAgreed")) {
            refuse(403, "userActionRequired", "agree to the terms");
        }
        if (knobs().external_account_required) check_binding(request);
        AccountEntry entry{
            accounts.size(), url("account", accounts.size()), "valid", request.json["contact"], *request.new_key, {}};
        found = account_of_thumbprint.emplace(entry.key.thumbprint(), accounts.size()).first;
        accounts.push_back(std::move(entry));
        status = 201;
    }
    const AccountEntry& entry = accounts[found->second];
    if (entry.status != "valid") refuse(401, "unauthorized", "the account is " + entry.status);
    HttpResponse response = json_answer(status, Json::object({{"status", entry.status}, {"contact", entry.contact}}));
    response.headers.add("Location", entry.url);
    return response;
}

// RFC 8555 §7.1.2.1.
HttpResponse FakeCa::State::order_list(const Request& request) const {
    must_be_empty(request);
    std::vector<std::size_t> own;
    for (std::size_t number = 0; number < orders.size(); ++number) {
        if (orders[number].account == request.account->number) own.push_back(number);
    }
    std::size_t page = request.route.numbers.empty() ? 0 : request.route.numbers[0];
    Json list = Json::array();
    std::size_t first = page * knobs().orders_per_page, last = first + knobs().orders_per_page;
    for (std::size_t i = first; i < std::min(last, own.size()); ++i)
        list.push(url("order", own[i]));
    HttpResponse response = json_answer(200, Json::object({{"orders", std::move(list)}}));
    std::size_t next = knobs().orders_run_in_circles ? 0 : page + 1;
    if (knobs().orders_run_in_circles || last < own.size())
        response.headers.add("Link", "<" + url("orders", next) + ">;rel=\"next\"");
    return response;
}

HttpResponse FakeCa::State::account(Request& request) {
    if (request.route.name == "orders") return order_list(request);
    if (!request.payload.empty() && !only_members(request.json, {"status", "contact"}))
        violation("an account's update has members of its own");
    if (request.json.string_or("status") == "deactivated") request.account->status = "deactivated";
    if (request.json["contact"].if_array() != nullptr) request.account->contact = request.json["contact"];
    Json document = Json::object({{"status", request.account->status}, {"contact", request.account->contact}});
    if (knobs().lists_orders) document.set("orders", url("orders", 0));
    return json_answer(200, document);
}

void FakeCa::State::check_paused(const std::vector<Identifier>& names) const {
    for (const Identifier& name : names) {
        if (!knobs().paused_names.contains(name.value)) continue;
        refuse(429, "rateLimited",
               "Your account is temporarily prevented from requesting certificates for " + name.value +
                   " and possibly others. Please visit: " + knobs().unpause_page);
    }
}

std::vector<Identifier> FakeCa::State::ordered_names(const Json& payload) {
    if (!only_members(payload, {"identifiers", "notBefore", "notAfter", "replaces", "profile"}))
        violation("newOrder has members of its own");
    const Json::Array* items = payload["identifiers"].if_array();
    if (items == nullptr || items->empty()) violation("newOrder has no identifiers");
    std::vector<Identifier> names;
    for (const Json& item : *items) {
        std::string type = item.string_or("type");
        if (type != "dns" && type != "ip") refuse(400, "unsupportedIdentifier", type);
        names.push_back({type == "dns" ? Identifier::Type::dns : Identifier::Type::ip, item.string_or("value")});
    }
    if (acme::normalized(names).size() != names.size()) violation("newOrder names an identifier twice");
    return names;
}

void FakeCa::State::check_rejected(const std::vector<Identifier>& names) const {
    Json parts = Json::array();
    for (const Identifier& name : names) {
        if (!knobs().rejected_names.contains(name.value)) continue;
        parts.push(Json::object({{"type", "urn:ietf:params:acme:error:rejectedIdentifier"},
                                 {"detail", "policy forbids " + name.value},
                                 {"identifier", identifier_json(name)}}));
    }
    if (parts.if_array()->empty()) return;
    Json document =
        Json::object({{"type", "urn:ietf:params:acme:error:rejectedIdentifier"}, {"detail", "some names are refused"}});
    throw Refusal{json_answer(403, document.set("subproblems", std::move(parts)))};
}

void FakeCa::State::count_order(AccountEntry& account) {
    std::deque<Time>& recent = account.recent_orders;
    while (!recent.empty() && recent.front() + knobs().order_window <= clock.now())
        recent.pop_front();
    if (static_cast<int>(recent.size()) >= knobs().order_limit) {
        Refusal refusal{problem_answer(429, "rateLimited", "too many new orders")};
        auto wait = std::chrono::ceil<seconds>(recent.front() + knobs().order_window - clock.now());
        refusal.response.headers.add("Retry-After", std::to_string(wait.count()));
        refusal.response.headers.add("Link", "<https://ca.test/docs/limits>;rel=\"help\"");
        throw refusal;
    }
    recent.push_back(clock.now());
}

HttpResponse FakeCa::State::new_order(Request& request) {
    if (knobs().terms_changed) {
        Refusal refusal{problem_answer(403, "userActionRequired", "the terms have changed")};
        refusal.response.headers.add("Link", "<https://ca.test/terms/v2>;rel=\"terms-of-service\"");
        if (!knobs().instance.empty()) {
            Json document = value_or_fail(parse_json(refusal.response.body));
            refusal.response.body = to_text(document.set("instance", knobs().instance));
        }
        throw refusal;
    }
    std::vector<Identifier> names = ordered_names(request.json);
    check_rejected(names);
    check_paused(names);
    std::string replaces = request.json.string_or("replaces");
    check_replaces(replaces, request.account->number, names);
    if (replaces.empty() || !knobs().limit_spares_replacements) count_order(*request.account);
    OrderEntry entry;
    entry.replaces = std::move(replaces);
    entry.profile = request.json.string_or("profile");
    if (!entry.profile.empty() &&
        (!knobs().profiles.contains(entry.profile) || knobs().refused_profiles.contains(entry.profile))) {
        refuse(400, "invalidProfile", "no such profile");
    }
    entry.account = request.account->number;
    entry.names = names;
    entry.expires = clock.now() + knobs().order_lifetime;
    for (const Identifier& name : names)
        entry.authorizations.push_back(authorization_for(entry.account, name));
    // As Pebble does: nothing may be read into the order of the lists (RFC 8555 §7.1.3).
    std::ranges::shuffle(entry.authorizations, random);
    orders.push_back(std::move(entry));
    if (knobs().ready_on_arrival) settle(orders.back(), false);
    HttpResponse response = json_answer(201, order_json(orders.size() - 1));
    response.headers.add("Location", url("order", orders.size() - 1));
    return response;
}

OrderEntry& FakeCa::State::order_of(const Request& request) {
    if (request.route.numbers.empty() || request.route.numbers[0] >= orders.size())
        refuse(404, "malformed", "no such order");
    OrderEntry& entry = orders[request.route.numbers[0]];
    if (entry.account != request.account->number) refuse(403, "unauthorized", "another account's order");
    return entry;
}

HttpResponse FakeCa::State::order(Request& request) {
    must_be_empty(request);
    OrderEntry& entry = order_of(request);
    settle(entry, true);
    HttpResponse response = json_answer(200, order_json(request.route.numbers[0]));
    if (entry.status == "processing") add_retry_after(response);
    return response;
}

void FakeCa::State::settle(OrderEntry& entry, bool polled) {
    if (entry.status == "pending") {
        bool all_valid = true;
        for (std::size_t number : entry.authorizations) {
            settle(authorizations[number], false);
            const std::string& status = authorizations[number].status;
            if (status != "valid") all_valid = false;
            if (status != "valid" && status != "pending") entry.status = "invalid";
        }
        if (all_valid) entry.status = "ready";
    }
    if ((entry.status == "pending" || entry.status == "ready") && entry.expires <= clock.now())
        entry.status = "invalid";
    if (entry.status != "processing" || clock.now() < entry.issued_at) return;
    if (entry.polls_left > 0) {
        if (polled) --entry.polls_left;
        return;
    }
    entry.status = "valid";
}

Json FakeCa::State::order_json(std::size_t number) const {
    const OrderEntry& entry = orders[number];
    Json identifiers = Json::array();
    for (const Identifier& name : entry.names)
        identifiers.push(identifier_json(name));
    Json list = Json::array();
    for (std::size_t authorization : entry.authorizations)
        list.push(url("authz", authorization));
    Json json = Json::object({{"status", entry.status},
                              {"expires", format_rfc3339(entry.expires)},
                              {"identifiers", std::move(identifiers)},
                              {"authorizations", std::move(list)},
                              {"finalize", url("finalize", number)}});
    if (!entry.replaces.empty()) json.set("replaces", entry.replaces);
    if (entry.status == "valid") json.set("certificate", url("cert", *entry.certificate));
    return json;
}

void FakeCa::State::add_retry_after(HttpResponse& response) const {
    for (const std::string& value : knobs().retry_after)
        response.headers.add("Retry-After", value);
}

}  // namespace certd::test
