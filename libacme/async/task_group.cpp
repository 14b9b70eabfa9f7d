// TaskGroup: named coroutines with one cancellation signal each, and a join that cannot be left early.
#include "libacme/async/task_group.hpp"

#include "libacme/async/signal.hpp"

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/error.hpp>
#include <boost/system/system_error.hpp>

#include <list>

namespace certd {

struct TaskGroup::State {
    struct Entry {
        std::string name;
        asio::cancellation_signal signal;
    };
    asio::any_io_executor executor;
    std::function<void(const std::string&, std::exception_ptr)> on_error;
    std::list<std::shared_ptr<Entry>> tasks;
    Signal ended;

    void finish(const Entry& entry, const std::exception_ptr& error) {
        ended.notify();
        if (error && !is_cancellation(error) && on_error) on_error(entry.name, error);
    }

    static bool is_cancellation(const std::exception_ptr& error) {
        try {
            std::rethrow_exception(error);
        } catch (const boost::system::system_error& failure) {
            return failure.code() == asio::error::operation_aborted;
        } catch (...) {
            return false;
        }
    }

    void cancel() {
        // A copy: a task may end, and leave the list, while others are told.
        auto copy = tasks;
        for (const auto& entry : copy)
            entry->signal.emit(asio::cancellation_type::all);
    }
};

// Takes the task off the list when it has ended, also when it was destroyed with its event loop and never heard of
// again.
class TaskGroup::Listed {
   public:
    Listed(std::shared_ptr<State> state, std::string name)
        : state_(std::move(state)), entry_(std::make_shared<State::Entry>()) {
        entry_->name = std::move(name);
        state_->tasks.push_back(entry_);
    }
    Listed(Listed&&) noexcept = default;
    Listed& operator=(Listed&&) = delete;
    ~Listed() {
        if (state_) state_->tasks.remove(entry_);
    }
    asio::cancellation_slot slot() const { return entry_->signal.slot(); }
    void operator()(std::exception_ptr error) {
        std::shared_ptr<State> state = std::move(state_);
        state->tasks.remove(entry_);
        state->finish(*entry_, error);
    }

   private:
    std::shared_ptr<State> state_;
    std::shared_ptr<State::Entry> entry_;
};

TaskGroup::TaskGroup(asio::any_io_executor executor,
                     std::function<void(const std::string&, std::exception_ptr)> on_error)
    : state_(std::make_shared<State>()) {
    state_->executor = std::move(executor);
    state_->on_error = std::move(on_error);
}

TaskGroup::~TaskGroup() {
    state_->on_error = nullptr;
    state_->cancel();
}

void TaskGroup::spawn(std::string name, Task<> task) {
    Listed listed(state_, std::move(name));
    asio::cancellation_slot slot = listed.slot();
    asio::co_spawn(state_->executor, std::move(task), asio::bind_cancellation_slot(slot, std::move(listed)));
}

std::size_t TaskGroup::size() const {
    return state_->tasks.size();
}

std::vector<std::string> TaskGroup::names() const {
    std::vector<std::string> names;
    for (const auto& entry : state_->tasks)
        names.push_back(entry->name);
    return names;
}

void TaskGroup::cancel() {
    state_->cancel();
}

Task<> TaskGroup::join() {
    std::shared_ptr<State> state = state_;
    bool cancelled = false;
    try {
        while (!state->tasks.empty())
            co_await state->ended.wait();
    } catch (const boost::system::system_error&) {
        cancelled = true;
    }
    if (!cancelled) co_return;
    // From here on the wait is deaf to further cancellation: the tasks were told, and must have ended before the owner
    // goes.
    co_await asio::this_coro::reset_cancellation_state(asio::disable_cancellation());
    state->cancel();
    while (!state->tasks.empty())
        co_await state->ended.wait();
    throw boost::system::system_error(asio::error::operation_aborted);
}

Task<> TaskGroup::stop() {
    cancel();
    co_await join();
}

}  // namespace certd
