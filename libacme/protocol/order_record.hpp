// What an order record on disk is still good for. Pure, but for the making of a key.
#pragma once

#include "libacme/protocol/issue.hpp"

#include <optional>

namespace certd::acme {

// The key of a record that fits the request and has a sound CSR for it; nullopt when a new one must be made.
std::optional<PrivateKey> reusable_key(const OrderRecord& record, const IssueRequest& request,
                                       const PrivateKey& account_key);

enum class RecordUse {
    new_order,          // nothing to go on with: a new key and a new order
    new_order_old_key,  // the CA was never asked: key and CSR are still good
    resume,             // ask for the order and go on with it
    give_up             // the order is for something else now, or has taken too long: let go of it first
};
RecordUse use_of_record(const OrderRecord& record, const IssueRequest& request, const Session& session, Time now);

// A new key, or the one to be used again, with its CSR, made off the event loop and not yet stored; or the operator's
// CSR. Throws Failure(crypto.csrKey) when that is for the account's key.
Task<OrderRecord> make_record(Session& session, Workers& workers, IssueRequest request);

}  // namespace certd::acme
