// Making the authorizations of an order valid (RFC 8555 §7.5): present all, respond to all, poll until all are final,
// clean up.
#pragma once

#include "libacme/protocol/issue.hpp"
#include "libacme/protocol/order.hpp"

namespace certd::acme {

// Returns when every authorization is valid. Throws DeadOrder when the order cannot be finished any more; `engaged` is
// set once the CA was told to validate. `deadline` bounds the polling.
Task<> validate_order(Session& session, const Order& order, std::vector<Identifier> names, Time deadline,
                      const IssueHooks& hooks, bool& engaged);

}  // namespace certd::acme
