#include "daemon/schedule/timed_tasks.hpp"

#include <algorithm>

namespace certd {

namespace {

const std::string lane;  // one for all
constexpr Duration after_unexpected = minutes(10);

}  // namespace

TimedTasks::TimedTasks(asio::any_io_executor executor, Parts parts)
    : parts_(std::move(parts)),
      queue_(parts_.at_a_time),
      tasks_(std::move(executor), [this](const std::string& lineage, std::exception_ptr error) {
          tell_fault(lineage, parts_.unexpected, problem_of(error));
      }) {}

void TimedTasks::place(const std::string& lineage, Time at) {
    if (auto broken = broken_off_.find(lineage); broken != broken_off_.end())
        at = std::max(at, saturating_add(broken->second, after_unexpected));
    queue_.place(lane, at, lineage);
}

void TimedTasks::start_due() {
    while (auto admitted = queue_.admit(parts_.clock.now())) {
        std::string name = admitted->lineage;
        tasks_.spawn(std::move(name), run(*std::move(admitted)));
    }
}

Task<> TimedTasks::run(PollQueue::Admitted admitted) {
    std::exception_ptr error;
    try {
        co_await parts_.work(admitted.lineage);
    } catch (...) {
        error = std::current_exception();
    }
    queue_.done(admitted);
    broken_off_.erase(admitted.lineage);
    if (error) broken_off_[admitted.lineage] = parts_.clock.now();
    parts_.ended(admitted.lineage);
    if (error) std::rethrow_exception(error);
}

void TimedTasks::tell_fault(const std::string& lineage, std::string message, Problem problem) {
    Event event;
    event.type = EventType::daemon_problem;
    event.severity = Severity::error;
    event.lineage = lineage;
    event.message = std::move(message);
    event.problem = std::move(problem);
    parts_.bus.publish(std::move(event));
}

}  // namespace certd
