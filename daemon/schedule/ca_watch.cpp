// CaWatch.
#include "daemon/schedule/ca_watch.hpp"

#include "daemon/lineage/limits.hpp"

#include <algorithm>

#include <fmt/format.h>

namespace certd {

Task<> CaWatch::load(config::ConfigPtr config) {
    std::vector<CaName> unknown;
    for (const auto& [name, ca] : config->cas) {
        if (loaded_.insert(name).second) unknown.push_back(name);
    }
    if (unknown.empty()) co_return;
    auto found = co_await offload(workers_, [&] {
        std::map<CaName, CaHealth> health;
        for (const CaName& name : unknown)
            health.emplace(name, store_.load_health(name).value_or(CaHealth{}));
        return health;
    });
    std::erase_if(found, [](const auto& item) { return item.second == CaHealth{}; });
    health_.merge(found);
}

bool CaWatch::note(const CaName& ca, const std::optional<Problem>& silence) {
    if (!silence && !find(ca)) return false;
    CaHealth& health = health_[ca];
    CaHealth before = health;
    if (silence) {
        note_silence(health, *silence, clock_.now());
    } else {
        note_answer(health, clock_.now());
    }
    if (health != before) unsaved_.insert(ca);
    bool changed = is_down(health) != is_down(before);
    if (changed && silence) tell_down(ca, health);
    if (changed && !silence) tell_up(ca);
    return changed;
}

Task<> CaWatch::save(CaName ca) {
    if (unsaved_.erase(ca) == 0) co_return;
    Gate::Pass pass = co_await disk_.enter();
    CaHealth written = health_[ca];  // a copy: others go on noting
    (void)co_await offload(workers_, [&] { return store_.save_health(ca, written); });
}

const CaHealth* CaWatch::find(const CaName& ca) const {
    auto found = health_.find(ca);
    return found == health_.end() ? nullptr : &found->second;
}

std::size_t CaWatch::places(const config::Ca& ca) const {
    const CaHealth* health = find(ca.name);
    if (health == nullptr) return ca.parallel_orders;
    if (opens_at(ca) > clock_.now()) return 0;
    return health->failures == 0 ? ca.parallel_orders : 1;
}

Time CaWatch::opens_at(const config::Ca& ca) const {
    const CaHealth* health = find(ca.name);
    if (health == nullptr) return Time::min();
    Time at = rests_until(*health, clock_.now());
    auto paced = next_paced_.find(ca.name);
    return paced != next_paced_.end() && is_paced(*health, clock_.now()) ? std::max(at, paced->second) : at;
}

void CaWatch::note_start(const config::Ca& ca) {
    const CaHealth* health = find(ca.name);
    const BudgetModel* model = budget_model(ca.limits);
    if (model == nullptr || health == nullptr || !is_paced(*health, clock_.now())) return;
    next_paced_[ca.name] = saturating_add(clock_.now(), model->orders.refill);
}

void CaWatch::tell_down(const CaName& ca, const CaHealth& health) {
    Event event;
    event.type = EventType::ca_down;
    event.severity = Severity::error;
    event.message = fmt::format(
        "{} did not answer {} times in a row; it is asked again now and then by one lineage for all, and those that "
        "have "
        "another CA go there",
        ca.text, health.failures);
    event.problem = health.problem;
    event.data = Json::object({{"ca", ca.text}});
    bus_.publish(std::move(event));
}

void CaWatch::tell_up(const CaName& ca) {
    Event event;
    event.type = EventType::ca_up;
    event.severity = Severity::notice;
    event.message = fmt::format("{} answers again", ca.text);
    event.data = Json::object({{"ca", ca.text}});
    bus_.publish(std::move(event));
}

}  // namespace certd
