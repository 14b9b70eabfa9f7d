// What a CA's rate limits still allow, by token buckets as the CA keeps them, counted from what certd itself did and
// corrected by the CA's refusals (acme-facts §7.1). Pure.
#pragma once

#include "config/model.hpp"
#include "daemon/lineage/lineage.hpp"

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace certd {

// `capacity` at once, one more each `refill`.
struct Bucket {
    std::string_view kind;     // "orders": stable, in the ledger's keys and the control API
    std::string_view counts;   // "certificates for the registered domain {}": {} is the key
    std::string_view refusal;  // what the CA's refusal says when this one is empty
    std::uint32_t capacity;
    Duration refill;
};

// The limits that a daemon with this back-off can reach. Let's Encrypt's others cannot be: accounts are created once,
// and daily retries never empty a bucket of 1,152 failures that refills daily.
struct BudgetModel {
    Bucket orders;     // of the account
    Bucket domain;     // certificates per registered domain
    Bucket exact_set;  // certificates for the same names
    Bucket failures;   // failed validations per name
};
const BudgetModel* budget_model(config::LimitsModel limits);  // null: nothing is limited

// accounts/<ca>/limits.json: when each bucket that is not full will be full again, by "kind key".
struct Ledger {
    std::map<std::string, Time> full_at;
    bool operator==(const Ledger&) const = default;
};
Json to_json(const Ledger& ledger);
Result<Ledger> ledger_from_json(const Json& json);  // problem storage.corrupt

struct OrderFacts {
    std::vector<Identifier> names;
    bool renewal = false;    // of a certificate with the same names: exempt from the limits on orders and domains
    bool suggested = false;  // names its predecessor (RFC 9773 §5) within the CA's window: exempt from all of them
    std::vector<Identifier> refused = {};  // of a failed order: the names at fault; empty: not known, so all of them
};

struct Allowance {
    Time at;             // when every bucket has a token; not after `now`: order away
    std::string reason;  // of the bucket that takes longest; empty when allowed now
};
Allowance allowance(const BudgetModel& model, const Ledger& ledger, const OrderFacts& order, Time now);

// Takes the tokens of an order about to be placed.
void charge_order(const BudgetModel& model, Ledger& ledger, const OrderFacts& order, Time now);
// It was not placed after all, or had been charged before.
void refund_order(const BudgetModel& model, Ledger& ledger, const OrderFacts& order, Time now);
// The order has led to no certificate: what only certificates cost is given back; refused validations and what the CA
// says of its limits are counted.
void charge_failure(const BudgetModel& model, Ledger& ledger, const OrderFacts& order, const Problem& problem,
                    Time now);

// One bucket that is not full, for people.
struct BucketUse {
    std::string kind, key;
    std::uint32_t used = 0, capacity = 0;
    Time next;  // when one more is allowed; not after `now`: one is
    Time full_at;
};
// Forgets buckets that have filled up since.
std::vector<BucketUse> survey(const BudgetModel& model, const Ledger& ledger, Time now);
void prune(Ledger& ledger, Time now);

// The registered domain by the public suffix list, an IPv4 address, or the /64 of an IPv6 address: what CAs count by.
std::string registered_domain(const Identifier& name);

}  // namespace certd
