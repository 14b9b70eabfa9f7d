// NextKeyKeeper: who needs keys, and when it is tried again.
#include "daemon/schedule/next_key_keeper.hpp"

#include <algorithm>

namespace certd {

namespace {

const std::string lane = "keys";
constexpr Duration after_failure = minutes(10);

}  // namespace

NextKeyKeeper::NextKeyKeeper(asio::any_io_executor executor, Parts parts)
    : parts_(std::move(parts)),
      queue_(1),
      tasks_(std::move(executor),
             [this](const std::string& name, std::exception_ptr error) { tell_fault(name, problem_of(error)); }) {}

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
    Time at = parts_.clock.now();
    if (auto failed = failed_.find(name); failed != failed_.end())
        at = std::max(at, saturating_add(failed->second, after_failure));
    queue_.place(lane, at, name);
}

void NextKeyKeeper::start_due() {
    while (auto admitted = queue_.admit(parts_.clock.now())) {
        std::string name = admitted->lineage;
        tasks_.spawn(std::move(name), keep(*std::move(admitted)));
    }
}

Task<> NextKeyKeeper::keep(PollQueue::Admitted admitted) {
    std::exception_ptr error;
    try {
        co_await make(admitted.lineage);
    } catch (...) {
        error = std::current_exception();
    }
    queue_.done(admitted);
    failed_.erase(admitted.lineage);
    if (error) failed_[admitted.lineage] = parts_.clock.now();
    parts_.ended(admitted.lineage);
    if (error) std::rethrow_exception(error);
}

Task<> NextKeyKeeper::make(std::string lineage) {
    const LineageRecord* record = parts_.find(lineage);
    if (record == nullptr || !record->newest) co_return;
    Need need{record->newest->number, record->spec->keys};
    value_or_fail(co_await parts_.pipeline.make_next_keys(record->spec));
    met_[lineage] = std::move(need);
}

void NextKeyKeeper::tell_fault(const std::string& lineage, Problem problem) {
    Event event;
    event.type = EventType::daemon_problem;
    event.severity = Severity::error;
    event.lineage = lineage;
    event.message = "The keys of the next version could not be made; certd tries again in ten minutes";
    event.problem = std::move(problem);
    parts_.bus.publish(std::move(event));
}

}  // namespace certd
