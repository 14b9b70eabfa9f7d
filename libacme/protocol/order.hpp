// An order (RFC 8555 §7.1.3) as values, and the requests that yield one.
#pragma once

#include "libacme/base/ids.hpp"
#include "libacme/protocol/session.hpp"

#include <optional>
#include <string>
#include <vector>

namespace certd::acme {

enum class OrderStatus { pending, ready, processing, valid, invalid, unknown };
OrderStatus order_status_from(std::string_view text);  // a string not known is `unknown`: not final

struct Order {
    Url url;
    OrderStatus status = OrderStatus::unknown;
    std::optional<Time> expires;
    std::vector<Identifier> identifiers;  // sorted, lower case
    std::vector<Url> authorizations;
    Url finalize;
    std::optional<Url> certificate;
    std::optional<Problem> error;
    std::optional<Time> poll_again;  // Retry-After of the answer
};

// A Failure after which this order can never be finished.
class DeadOrder final : public Failure {
   public:
    using Failure::Failure;
};

// Throws Failure(acme.badResponse, acme.badUrl).
Order read_order(const Session& session, const Url& url, const HttpResponse& response, Time now);
// RFC 8555 §7.1.3: an order whose identifiers or authorizations change is to be treated as invalid.
bool is_same_order(const Order& first, const Order& later);
bool has_expired(const std::optional<Time>& expires, Time now);
// Lower case, no trailing dot, sorted, each once.
std::vector<Identifier> normalized(std::vector<Identifier> names);
// "a, b and 98 more", for messages.
std::string names_text(const std::vector<Identifier>& names);

// What newOrder may say besides the names.
struct OrderExtras {
    std::string replaces;                // the predecessor (RFC 9773 §5); empty: none is named
    std::optional<std::string> profile;  // one of the CA's (draft-ietf-acme-profiles); unset: its default
};
// newOrder (§7.4); checks that the order is for exactly `names`.
Task<Order> place_order(Session& session, std::vector<Identifier> names, OrderExtras extras = {});
// Whether a refusal of newOrder can be due to its `replaces`: replaced before, not known, of another account.
bool may_blame_replaces(const Failure& refusal);
Task<Order> fetch_order(Session& session, Url url);

}  // namespace certd::acme
