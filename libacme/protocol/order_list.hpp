// The orders that a CA lists for an account (RFC 8555 §7.1.2.1): for people who look into what is there. Nothing
// depends on it, for CAs may leave the list out, or orders out of it.
#pragma once

#include "libacme/protocol/session.hpp"

#include <string>
#include <vector>

namespace certd::acme {

struct OrderList {
    bool offered = false;  // the account names a list
    bool complete = true;  // false: there is more than is read, or a page could not be believed
    std::vector<std::string> urls;
};

// Of the account in use. Reads 20 pages and 1,000 orders at most, whatever they lead to. Throws Failure.
Task<OrderList> list_orders(Session& session);

}  // namespace certd::acme
