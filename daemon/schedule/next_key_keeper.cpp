// NextKeyKeeper: who needs keys.
#include "daemon/schedule/next_key_keeper.hpp"

namespace certd {

NextKeyKeeper::NextKeyKeeper(asio::any_io_executor executor, Parts parts)
    : parts_(std::move(parts)),
      tasks_(std::move(executor), {parts_.clock, parts_.bus, 1,
                                   "The keys of the next version could not be made; certd tries again in ten minutes",
                                   [this](std::string lineage) { return make(std::move(lineage)); }, parts_.ended}) {}

// Before the first version its order makes them.
void NextKeyKeeper::place(const LineageRecord& record) {
    const std::string& name = record.spec->name;
    remove(name);
    if (!record.spec->next_key || !record.newest) {
        met_.erase(name);
        return;
    }
    const Need need{record.newest->number, record.spec->keys};
    if (auto met = met_.find(name); met != met_.end() && met->second == need) return;
    tasks_.place(name, parts_.clock.now());
}

Task<> NextKeyKeeper::make(std::string lineage) {
    const LineageRecord* record = parts_.find(lineage);
    if (record == nullptr || !record->newest) co_return;
    Need need{record->newest->number, record->spec->keys};
    value_or_fail(co_await parts_.pipeline.make_next_keys(record->spec));
    met_[lineage] = std::move(need);
}

}  // namespace certd
