// Budgets.
#include "daemon/schedule/budgets.hpp"

#include "daemon/lineage/issue_need.hpp"
#include "daemon/lineage/subset.hpp"

#include <algorithm>
#include <utility>

namespace certd {

Task<> Budgets::load(config::ConfigPtr config) {
    std::vector<CaName> unknown;
    for (const auto& [name, ca] : config->cas) {
        if (budget_model(ca.limits) != nullptr && !ledgers_.contains(name)) unknown.push_back(name);
    }
    if (unknown.empty()) co_return;
    auto loaded = co_await offload(workers_, [&] {
        std::map<CaName, Ledger> ledgers;
        for (const CaName& name : unknown)
            ledgers.emplace(name, store_.load_limits(name).value_or(Ledger{}));
        return ledgers;
    });
    ledgers_.merge(loaded);
}

std::optional<Allowance> Budgets::wait_for(const config::Ca& ca, const LineageRecord& record) const {
    return wait_for(ca, record, order_facts(ca, record, clock_.now()));
}

std::optional<Allowance> Budgets::wait_for(const config::Ca& ca, const LineageRecord& record,
                                           const OrderFacts& order) const {
    const BudgetModel* model = budget_model(ca.limits);
    auto found = ledgers_.find(ca.name);
    if (model == nullptr || found == ledgers_.end()) return std::nullopt;
    Time now = clock_.now();
    Allowance allowed = allowance(*model, found->second, order, now);
    if (record.live) allowed.at = std::min(allowed.at, emergency_point(*record.live));
    return allowed.at > now ? std::optional(std::move(allowed)) : std::nullopt;
}

void Budgets::reserve(const config::Ca& ca, const OrderFacts& order) {
    if (const BudgetModel* model = budget_model(ca.limits))
        charge_order(*model, ledgers_[ca.name], order, clock_.now());
}

void Budgets::refund(const config::Ca& ca, const OrderFacts& order) {
    if (const BudgetModel* model = budget_model(ca.limits))
        refund_order(*model, ledgers_[ca.name], order, clock_.now());
}

void Budgets::note_failure(const config::Ca& ca, const OrderFacts& order, const Problem& problem) {
    if (const BudgetModel* model = budget_model(ca.limits))
        charge_failure(*model, ledgers_[ca.name], order, problem, clock_.now());
}

Task<> Budgets::save(config::Ca ca) {
    if (budget_model(ca.limits) == nullptr) co_return;
    Ledger& ledger = ledgers_[ca.name];  // never erased
    prune(ledger, clock_.now());
    Gate::Pass pass = co_await disk_.enter();
    // A copy: other orders charge the ledger while the worker writes.
    Ledger written = ledger;
    (void)co_await offload(workers_, [&] { return store_.save_limits(ca.name, written); });
}

std::vector<BucketUse> Budgets::survey(const config::Ca& ca) const {
    const BudgetModel* model = budget_model(ca.limits);
    auto found = ledgers_.find(ca.name);
    if (model == nullptr || found == ledgers_.end()) return {};
    return certd::survey(*model, found->second, clock_.now());
}

OrderTab::OrderTab(Budgets& budgets, Clock& clock, config::ConfigPtr config, const LineageRecord& record,
                   const CaName& ca)
    : budgets_(budgets), clock_(clock), config_(std::move(config)), record_(record) {
    open(ca);
}

OrderTab::~OrderTab() {
    for (auto& [name, item] : items_) {
        if (item.placed.empty()) release(item);
    }
}

OrderTab::Item& OrderTab::open(const CaName& ca) {
    auto [found, added] = items_.try_emplace(ca);
    Item& item = found->second;
    if (added) {
        item.ca = config_->cas.at(ca);
        item.facts = order_facts(item.ca, record_, clock_.now());
        budgets_.reserve(item.ca, item.facts);
        item.reserved = true;
    }
    return item;
}

void OrderTab::release(Item& item) {
    if (std::exchange(item.reserved, false)) budgets_.refund(item.ca, item.facts);
}

Task<> OrderTab::ordering(CaName ca, KeyType key, bool resumed) {
    Item& item = open(ca);
    last_ = ca;
    const bool first = item.placed.empty();
    const bool another = item.placed.insert(key).second && !first;
    if (resumed) {
        if (first) release(item);
    } else if (!item.reserved || another) {
        budgets_.reserve(item.ca, item.facts);
        item.reserved = true;
    }
    if (!resumed) co_await budgets_.save(item.ca);
}

std::string OrderTab::narrow(const CaName& ca, const Problem& problem, std::vector<Identifier> refused,
                             std::vector<Identifier> names) {
    if (last_) {
        Item& failed = items_.at(*last_);
        failed.facts.refused = std::move(refused);
        budgets_.note_failure(failed.ca, failed.facts, problem);
        failed.spent = true;
        failed.reserved = false;
        failed.placed.clear();
    }
    Item& next = open(ca);
    release(next);
    next.facts = order_facts(next.ca, record_, std::move(names), clock_.now());
    if (std::optional<Allowance> held = budgets_.wait_for(next.ca, record_, next.facts)) return held->reason;
    budgets_.reserve(next.ca, next.facts);
    next.reserved = true;
    return {};
}

Task<> OrderTab::settle(std::optional<Problem> problem) {
    for (auto& [name, item] : items_) {
        if (item.placed.empty()) release(item);
        if (!item.placed.empty() && problem && last_ == name) budgets_.note_failure(item.ca, item.facts, *problem);
        if (!item.placed.empty() || item.spent) co_await budgets_.save(item.ca);
    }
}

OrderFacts order_facts(const config::Ca& ca, const LineageRecord& record, Time now) {
    SubsetInput input{*record.spec, record.state, record.live.get(), record.newest.get(), now};
    return order_facts(ca, record, names_to_order(input), now);
}

OrderFacts order_facts(const config::Ca& ca, const LineageRecord& record, std::vector<Identifier> names, Time now) {
    OrderFacts order;
    order.names = std::move(names);
    order.renewal = record.newest && name_changes(order.names, *record.newest).empty();
    const std::optional<AriState>& ari = record.state.ari;
    bool in_window = ari && ari->version == record.state.newest && ari->window && ari->window->start <= now;
    order.suggested = in_window && !predecessor_at(ca, record.newest.get(), order.names).empty();
    return order;
}

}  // namespace certd
