// From an order whose authorizations are valid to an order whose certificate can be downloaded (RFC 8555 §7.4).
#pragma once

#include "libacme/base/bytes.hpp"
#include "libacme/protocol/order.hpp"

namespace certd::acme {

// Sends the CSR unless it was sent before, and polls until the order is valid. Returns the valid order with its
// certificate URL. Throws DeadOrder when the order cannot be finished any more, or `deadline` has come.
Task<Order> finalize_order(Session& session, Order order, Bytes csr_der, Time deadline);

}  // namespace certd::acme
