// The rate budgets of all CAs: ledgers in memory, written through to the store. Decisions are allowance()'s.
#pragma once

#include "daemon/lineage/limits.hpp"
#include "daemon/renew/pipeline.hpp"
#include "libacme/async/gate.hpp"

#include <map>
#include <optional>
#include <set>

namespace certd {

class Budgets {
   public:
    Budgets(Clock& clock, Workers& workers, Store& store) : clock_(clock), workers_(workers), store_(store) {}

    // Reads the ledgers of CAs not known yet. A damaged one begins anew: the CA itself goes on counting.
    Task<> load(config::ConfigPtr config);

    // Why and until when an order for `record` waits; nullopt: it need not. No wait goes beyond the emergency point of
    // the live certificate: the budget is a model, the end of a certificate is not.
    std::optional<Allowance> wait_for(const config::Ca& ca, const LineageRecord& record) const;
    std::optional<Allowance> wait_for(const config::Ca& ca, const LineageRecord& record, const OrderFacts& order) const;

    // Counts an order before it is placed, so that those admitted with it see what is left; a refund is for one that
    // was not placed, or counted already before a crash. Memory only, until save().
    void reserve(const config::Ca& ca, const OrderFacts& order);
    void refund(const config::Ca& ca, const OrderFacts& order);
    void note_failure(const config::Ca& ca, const OrderFacts& order, const Problem& problem);
    // A failure to write is no failure of the order.
    Task<> save(config::Ca ca);

    std::vector<BucketUse> survey(const config::Ca& ca) const;

   private:
    Clock& clock_;
    Workers& workers_;
    Store& store_;
    std::map<CaName, Ledger> ledgers_;
    Gate disk_{1};  // an older copy must not be written after a newer one
};

// What one job spends, at its CA and at the staging CA that is asked before it.
class OrderTab {
   public:
    // Reserves an order at `ca`.
    OrderTab(Budgets& budgets, Clock& clock, config::ConfigPtr config, const LineageRecord& record, const CaName& ca);
    ~OrderTab();  // what was not placed is given back
    OrderTab(const OrderTab&) = delete;
    OrderTab& operator=(const OrderTab&) = delete;

    // An order for this type of key is about to be placed at `ca`, or one placed before a crash is gone on with. It is
    // on disk before the CA hears of it: after a crash it counts once, or twice when nobody knows whether the CA got
    // it.
    Task<> ordering(CaName ca, KeyType key, bool resumed);
    // The last order failed with `problem` because of the `refused` names, and one for `names` only is to follow at
    // `ca`: why it has to wait; empty: it need not, and is reserved.
    std::string narrow(const CaName& ca, const Problem& problem, std::vector<Identifier> refused,
                       std::vector<Identifier> names);
    // How it ended: `problem` is of the CA that was asked last; none: it led to a certificate.
    Task<> settle(std::optional<Problem> problem);

   private:
    struct Item {
        config::Ca ca;
        OrderFacts facts;
        bool reserved = false;
        std::set<KeyType> placed;  // the first of them was reserved beforehand
        bool spent = false;        // on orders before, of more names
    };
    Item& open(const CaName& ca);
    void release(Item& item);

    Budgets& budgets_;
    Clock& clock_;
    config::ConfigPtr config_;
    const LineageRecord& record_;
    std::map<CaName, Item> items_;
    std::optional<CaName> last_;
};

// Of the first order of an attempt, and of one for these names.
OrderFacts order_facts(const config::Ca& ca, const LineageRecord& record, Time now);
OrderFacts order_facts(const config::Ca& ca, const LineageRecord& record, std::vector<Identifier> names, Time now);

}  // namespace certd
