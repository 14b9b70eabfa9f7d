// The rate budgets of all CAs: ledgers in memory, written through to the store. Decisions are allowance()'s.
#pragma once

#include "daemon/lineage/limits.hpp"
#include "daemon/renew/pipeline.hpp"
#include "libacme/async/gate.hpp"

#include <map>
#include <optional>

namespace certd {

class Budgets {
   public:
    Budgets(Clock& clock, Workers& workers, Store& store) : clock_(clock), workers_(workers), store_(store) {}

    // Reads the ledgers of CAs not known yet. A damaged one begins anew: the CA itself goes on counting.
    Task<> load(config::ConfigPtr config);

    // Why and until when an order for `record` waits; nullopt: it need not. No wait goes beyond the emergency point of
    // the live certificate: the budget is a model, the end of a certificate is not.
    std::optional<Allowance> wait_for(const config::Ca& ca, const LineageRecord& record) const;

    // An order is about to be placed, and what came of it: `problem` null when it led to a certificate. The second
    // writes the ledger; a failure to write is no failure of the order.
    void begin(const config::Ca& ca, const OrderFacts& order);
    Task<> end(config::Ca ca, OrderFacts order, std::optional<Problem> problem);

    std::vector<BucketUse> survey(const config::Ca& ca) const;

   private:
    Clock& clock_;
    Workers& workers_;
    Store& store_;
    std::map<CaName, Ledger> ledgers_;
    Gate disk_{1};  // an older copy must not be written after a newer one
};

OrderFacts order_facts(const config::Ca& ca, const LineageRecord& record, Time now);

}  // namespace certd
