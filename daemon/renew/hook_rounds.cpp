#include "daemon/renew/hook_rounds.hpp"

#include "libacme/async/signal.hpp"

#include <boost/asio/this_coro.hpp>

#include <algorithm>
#include <map>
#include <utility>

#include <fmt/format.h>

namespace certd {

// A round that is not at its end.
struct HookRounds::Open {
    HookRound round;
    std::optional<Result<void>> pre;  // what the scripts ended with; unset: they run
    bool post_owed = false;           // `pre` was begun
    std::size_t last_user = 0;        // who left last …
    std::uint64_t last_job = 0;       // … and in which job
    bool ending = false;
    bool ended = false;
    bool is_due() const { return pre && !ending && round.is_over(); }

    // Whom scripts are run for, the one first in whose job they are.
    std::vector<std::string> lineages(std::size_t first) const {
        std::vector<std::string> all = round.lineages();
        const auto found = std::ranges::find(all, round.users.at(first).lineage);
        std::rotate(all.begin(), found, found + 1);
        return all;
    }
};

struct HookRounds::State {
    std::map<std::string, std::shared_ptr<Open>> open;  // by directory
    Signal changed;
};

HookRounds::Place::Place(Place&& other) noexcept
    : state_(std::move(other.state_)),
      open_(std::exchange(other.open_, nullptr)),
      user_(other.user_),
      job_(other.job_) {}

HookRounds::Place& HookRounds::Place::operator=(Place&& other) noexcept {
    if (this == &other) return *this;
    leave(HookUser::Outcome::failed, {});
    state_ = std::move(other.state_);
    open_ = std::exchange(other.open_, nullptr);
    user_ = other.user_;
    job_ = other.job_;
    return *this;
}

void HookRounds::Place::leave(HookUser::Outcome outcome, std::vector<Identifier> names) {
    const auto open = std::exchange(open_, nullptr);
    if (!open) return;
    open->round.leave(user_, outcome, std::move(names));
    open->last_user = user_;
    open->last_job = job_;
    state_->changed.notify();
}

namespace {

// What has to be put right is in the file system, and is looked at again with the next attempt.
Problem cannot_run(const config::RenewalHooks& hooks, const Problem& cause) {
    Problem result = problem(
        "hook.failed", fmt::format("The hooks in {} cannot be run: {}", hooks.directory, cause.what), cause.remote);
    result.hint = cause.hint;
    result.parts.push_back(cause);
    return result;
}

}  // namespace

HookRounds::HookRounds(asio::any_io_executor executor, Seams seams)
    : seams_(std::move(seams)),
      state_(std::make_shared<State>()),
      tasks_(std::move(executor), [this](const std::string&, std::exception_ptr error) {
          tell(EventType::daemon_problem, Severity::critical, {}, "The end of a round of hooks failed unexpectedly",
               problem_of(error));
      }) {}

Task<Result<HookRounds::Place>> HookRounds::begin(config::RenewalHooks hooks, std::string lineage,
                                                  std::vector<Identifier> names, std::uint64_t job) {
    const auto state = state_;
    std::shared_ptr<Open> open;
    bool first = false;
    while (!open) {
        auto& known = state->open[hooks.directory];
        first = known == nullptr;
        if (first) {
            known = std::make_shared<Open>();
            known->round.hooks = hooks;
            known->round.began = seams_.clock.now();
        }
        if (first || (!known->ending && known->round.takes(seams_.clock.now()))) {
            open = known;
        } else {
            co_await state->changed.wait();
        }
    }
    Place place;
    place.state_ = state;
    place.open_ = open;
    place.user_ = open->round.join(lineage, std::move(names));
    place.job_ = job;
    if (first) {
        co_await begin_round(open, job);
    } else {
        // Only what `post` is told of it depends on this.
        (void)co_await save();
        while (!open->pre)
            co_await state->changed.wait();
    }
    if (!*open->pre) {
        Problem cause = open->pre->error();
        co_await end(std::move(place), HookUser::Outcome::failed);
        co_return failure(std::move(cause));
    }
    co_return Result<Place>(std::move(place));
}

// Whatever comes of it, those who joined learn it.
Task<> HookRounds::begin_round(std::shared_ptr<Open> open, std::uint64_t job) {
    struct Settle {
        State& state;
        Open& open;
        ~Settle() {
            if (!open.pre) open.pre = failure("control.cancelled", "The hooks before the renewal were cancelled");
            state.changed.notify();
        }
    } settle{*state_, *open};
    open->pre = co_await run_pre(open, job);
}

// A web server is not stopped that could not be started again: the scripts in `post` are looked at first, and that they
// are owed is on disk.
Task<Result<void>> HookRounds::run_pre(std::shared_ptr<Open> open, std::uint64_t job) {
    auto ready = co_await seams_.deployer.check_scripts(open->round.hooks);
    if (!ready) co_return failure(cannot_run(open->round.hooks, ready.error()));
    open->post_owed = true;
    ready = co_await save();
    if (!ready) open->post_owed = false;
    if (!ready) co_return ready;
    co_return co_await seams_.deployer.run_pre(open->round.hooks, {open->lineages(0), job});
}

Task<> HookRounds::end(Place place, HookUser::Outcome outcome, std::vector<Identifier> names) {
    const auto state = state_;
    const auto open = place.open_;
    if (!open) co_return;
    place.leave(outcome, std::move(names));
    while (!open->ended)
        co_await state->changed.wait();
}

Task<> HookRounds::load() {
    auto rounds = co_await offload(seams_.workers, [&] { return seams_.store.load_hook_rounds(); });
    if (!rounds) {
        tell(EventType::store_damaged, Severity::critical, {},
             "It is not known whether hooks are owed to renewals that were cut off", rounds.error());
        co_return;
    }
    for (HookRound& round : *rounds) {
        for (std::size_t user = 0; user < round.users.size(); ++user) {
            if (round.users[user].outcome == HookUser::Outcome::running) round.leave(user, HookUser::Outcome::failed);
        }
        tell(EventType::store_recovered, Severity::warning, round,
             fmt::format("certd ended before the post hooks in {} had run; they run now", round.hooks.directory));
        auto open = std::make_shared<Open>();
        open->pre = Result<void>{};
        open->post_owed = true;
        const std::string directory = round.hooks.directory;
        open->round = std::move(round);
        state_->open[directory] = std::move(open);
    }
}

void HookRounds::start(std::function<Task<>(std::vector<std::string>)> settled) {
    settled_ = std::move(settled);
    tasks_.spawn("rounds of hooks", run());
}

Task<> HookRounds::run() {
    for (;;) {
        std::vector<std::shared_ptr<Open>> due;
        for (const auto& [directory, open] : state_->open) {
            if (open->is_due()) due.push_back(open);
        }
        for (const auto& open : due) {
            open->ending = true;
            tasks_.spawn("the end of a round of hooks", end_round(open));
        }
        if (due.empty()) co_await state_->changed.wait();
    }
}

// If the process dies before the round is off the disk, its post hooks run again at the next start.
Task<> HookRounds::end_round(std::shared_ptr<Open> open) {
    const HookRound& round = open->round;
    if (open->post_owed) {
        // Each script's failure has been told by its own event.
        auto done = co_await seams_.deployer.run_post(round, {open->lineages(open->last_user), open->last_job});
        if (!done && done.error().code != "hook.failed")
            tell(EventType::daemon_problem, Severity::critical, round, "The post hooks could not be run",
                 cannot_run(round.hooks, done.error()));
    }
    state_->open.erase(round.hooks.directory);
    if (open->post_owed) {
        if (auto saved = co_await save(); !saved)
            tell(EventType::daemon_problem, Severity::error, round,
                 "That the post hooks have run could not be recorded", saved.error());
    }
    open->ended = true;
    state_->changed.notify();
    if (settled_) co_await settled_(round.lineages());
}

Task<> HookRounds::stop(Duration deadline) {
    while (!state_->open.empty()) {
        const Duration left = deadline - seams_.clock.monotonic();
        if (left <= Duration::zero()) break;
        co_await state_->changed.wait_for(seams_.clock, left);
    }
    for (const auto& [directory, open] : state_->open) {
        tell(EventType::daemon_problem, Severity::error, open->round,
             fmt::format("The post hooks in {} did not end in time; they run again at the next start", directory));
    }
    co_await tasks_.stop();
}

Task<Result<void>> HookRounds::save() {
    const Gate::Pass pass = co_await disk_.enter();
    std::vector<HookRound> owed;
    for (const auto& [directory, open] : state_->open) {
        if (open->post_owed) owed.push_back(open->round);
    }
    co_return co_await offload(seams_.workers, [&] { return seams_.store.save_hook_rounds(owed); });
}

void HookRounds::tell(EventType type, Severity severity, const HookRound& round, std::string message,
                      std::optional<Problem> problem) {
    Event event;
    event.type = type;
    event.severity = severity;
    if (!round.users.empty()) event.lineage = round.users.front().lineage;
    event.message = std::move(message);
    event.problem = std::move(problem);
    seams_.events(std::move(event));
}

}  // namespace certd
