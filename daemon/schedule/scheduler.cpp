// Scheduler: timetable, ready queue and running jobs.
#include "daemon/schedule/scheduler.hpp"

#include "libacme/base/text.hpp"

#include <boost/asio/error.hpp>
#include <boost/system/system_error.hpp>

#include <algorithm>

#include <fmt/format.h>

namespace certd {

namespace {

// A wall clock that departs from the monotonic one by more than this has been set, not slewed.
constexpr Duration jump_threshold = seconds(30);
constexpr Duration after_unexpected = minutes(10);
// The whole daemon has less than 10 s to stop.
constexpr Duration hooks_grace = seconds(6);
// Decisions that could not be saved; any other save of their lineage takes them along.
constexpr Duration until_saved_again = minutes(10);

// Decisions that could not be saved are owed still.
Task<> kept_if_unsaved(Task<Result<void>> save) {
    (void)co_await std::move(save);
}

Time urgency_of(const Entry& entry) {
    return entry.record.live ? entry.record.live->valid_until() : Time::min();
}

}  // namespace

Scheduler::Scheduler(asio::any_io_executor executor, Parts parts)
    : parts_(std::move(parts)),
      budgets_(parts_.clock, parts_.workers, parts_.store),
      watch_(parts_.clock, parts_.workers, parts_.store, parts_.bus),
      jobs_(executor,
            [this](const std::string& name, std::exception_ptr error) {
                emit(EventType::renewal_failed, Severity::error, name, "A job ended unexpectedly", problem_of(error));
            }),
      polls_(executor, {parts_.clock, parts_.clients, parts_.records, parts_.bus, [this] { return config_; },
                        [this](const std::string& lineage) { return record_of(lineage); },
                        [this](const std::string& lineage) { poll_ended(lineage); },
                        [this](const std::string& lineage) {
                            if (idle_record_of(lineage) != nullptr) decide_conclusion(*entries_.at(lineage));
                        }}),
      served_(executor, {parts_.clock, parts_.deployer, parts_.records, parts_.bus, [this] { return config_; },
                         [this](const std::string& lineage) { return idle_record_of(lineage); },
                         [this](const std::string& lineage) { poll_ended(lineage); }}),
      endpoints_(executor, {parts_.clock, parts_.deployer, parts_.records, parts_.bus, [this] { return config_; },
                            [this](const std::string& lineage) { return record_of(lineage); },
                            [this](const std::string& lineage) { poll_ended(lineage); }}),
      next_keys_(executor, {parts_.clock, parts_.pipeline, parts_.bus,
                            [this](const std::string& lineage) { return record_of(lineage); },
                            [this](const std::string& lineage) { poll_ended(lineage); }}),
      crls_(executor, {parts_.clock, parts_.workers, parts_.crls, parts_.bus, [this] { return config_; },
                       [this](const std::string& lineage) { return record_of(lineage); },
                       [this](std::string lineage, Revoked revoked) {
                           return burn_revoked(std::move(lineage), std::move(revoked));
                       },
                       [this](std::string lineage, Revoked revoked, std::vector<VersionNumber> same_key) {
                           return mark_revoked(std::move(lineage), std::move(revoked), std::move(same_key));
                       },
                       [this](const std::string& lineage) { poll_ended(lineage); }}),
      decisions_(std::move(executor),
                 {parts_.clock, parts_.bus, 1, "What was decided could not be recorded; certd tries again",
                  [this](const std::string& lineage) {
                      // Most were taken along. Of a lineage that waits for its first order nothing may be on disk yet.
                      LineageRecord* idle = parts_.records.owes_decisions(lineage) ? idle_record_of(lineage) : nullptr;
                      return idle != nullptr ? kept_if_unsaved(parts_.records.save(*idle))
                                             : parts_.records.save_noted({lineage});
                  },
                  [this](const std::string& lineage) {
                      if (parts_.records.owes_decisions(lineage))
                          decisions_.place(lineage, saturating_add(parts_.clock.now(), until_saved_again));
                  }}) {
    last_pass_ = parts_.clock.monotonic();
    parts_.bus.add_sink([this](const Event& event) {
        if (event.job == 0) return;
        auto found = entries_.find(event.lineage);
        if (found != entries_.end() && found->second->job && found->second->job->id == event.job) {
            found->second->job->step = event.message;
        }
    });
}

Task<> Scheduler::load(config::ConfigPtr config) {
    co_await apply(std::move(config));
    std::vector<LineageName> names;
    names.reserve(entries_.size());
    for (const auto& [text, entry] : entries_)
        names.push_back(value_or_fail(LineageName::parse(text)));
    // One trip to the worker for all, as in apply(): nearly none of them has one.
    auto undisturbed = [&](const LineageName& name) {
        auto journals = parts_.store.deploy_journals(name);
        return !journals || journals->empty();
    };
    co_await offload(parts_.workers, [&] { std::erase_if(names, undisturbed); });
    for (const LineageName& name : names)
        co_await recover_deployment(name);
    co_await parts_.hooks.load();
}

Task<> Scheduler::recover_deployment(LineageName name) {
    co_await parts_.deployer.recover(name, config_);
    Entry& entry = *entries_.at(name.text());
    Result<LineageRecord> record =
        co_await offload(parts_.workers, [&] { return parts_.records.load(entry.record.spec); });
    if (record) entry.record = std::move(*record);
    replan(entry);
}

Task<> Scheduler::apply(config::ConfigPtr config) {
    co_await budgets_.load(config);
    co_await watch_.load(config);
    config_ = std::move(config);
    for (auto& [name, entry] : entries_) {
        if (config_->lineages.contains(name)) continue;
        entry->configured = false;
        forget_plan(*entry);
        emit(EventType::lineage_removed, Severity::notice, name,
             "Removed from the configuration; its files stay on disk");
        decisions_.remove(name);
    }
    std::erase_if(entries_, [](const auto& item) { return !item.second->configured && !item.second->job; });

    std::vector<std::shared_ptr<const config::Lineage>> added;
    for (const auto& [name, spec] : config_->lineages) {
        auto found = entries_.find(name);
        if (found == entries_.end()) {
            added.push_back(spec);
            continue;
        }
        Entry& entry = *found->second;
        entry.configured = true;
        entry.budget.reset();  // the limits may be others now; looked at again when it is due
        bool changed = policy_digest(*entry.record.spec) != policy_digest(*spec);
        entry.record.spec = spec;
        if (changed)
            emit(EventType::lineage_changed, Severity::notice, name,
                 "What is asked of the CA has changed: names, key, CAs or challenge");
    }
    // One trip to the worker for all: at start there may be thousands.
    auto loaded = co_await offload(parts_.workers, [&] {
        std::vector<Result<LineageRecord>> records;
        records.reserve(added.size());
        for (const auto& spec : added)
            records.push_back(parts_.records.load(spec));
        return records;
    });
    for (std::size_t i = 0; i < added.size(); ++i) {
        auto entry = std::make_unique<Entry>();
        entry->record.spec = added[i];
        if (loaded[i]) {
            entry->record = std::move(*loaded[i]);
        } else {
            entry->record.state.last_problem = loaded[i].error();
            emit(EventType::store_damaged, Severity::critical, added[i]->name, "The state on disk could not be read",
                 loaded[i].error());
        }
        entries_[added[i]->name] = std::move(entry);
    }
    crls_.reconsider();
    replan_all();
    changed_.notify();
}

Task<> Scheduler::run() {
    parts_.hooks.start(
        [this](std::vector<std::string> lineages) { return parts_.records.save_noted(std::move(lineages)); });
    std::exception_ptr cancelled;
    try {
        for (;;) {
            last_pass_ = parts_.clock.monotonic();
            look_at_clock();
            start_due();
            polls_.start_due();
            served_.start_due();
            endpoints_.start_due();
            next_keys_.start_due();
            crls_.start_due();
            decisions_.start_due();
            parts_.clients.drop_stale();
            co_await changed_.wait_for(parts_.clock, until_next());
        }
    } catch (...) {
        cancelled = std::current_exception();
    }
    stopping_ = true;
    co_await asio::this_coro::reset_cancellation_state(asio::disable_cancellation());
    const Duration hooks_end = parts_.clock.monotonic() + hooks_grace;
    co_await jobs_.stop();
    co_await parts_.hooks.stop(hooks_end);
    co_await decisions_.stop();
    co_await parts_.records.save_noted([&] { return parts_.clock.monotonic() < hooks_end; });
    co_await polls_.stop();
    co_await served_.stop();
    co_await endpoints_.stop();
    co_await next_keys_.stop();
    co_await crls_.stop();
    std::rethrow_exception(cancelled);
}

void Scheduler::look_at_clock() {
    Duration difference = parts_.clock.now().time_since_epoch() - parts_.clock.monotonic();
    if (wall_minus_monotonic_) {
        Duration jump = difference - *wall_minus_monotonic_;
        if (jump > jump_threshold || jump < -jump_threshold) {
            emit(EventType::clock_jumped, Severity::warning, "",
                 fmt::format("The wall clock jumped by {}", format_approximate(jump)));
            replan_all();
        }
    }
    wall_minus_monotonic_ = difference;
}

void Scheduler::start_due() {
    Time now = parts_.clock.now();
    while (!timetable_.empty() && timetable_.begin()->first <= now) {
        auto [at, name] = *timetable_.begin();
        timetable_.erase(timetable_.begin());
        Entry& entry = *entries_.at(name);
        // The plan is made again at the moment it is carried out: time has passed since.
        Plan plan = due_plan(entry);
        if (plan.at > now || plan.action == Action::none) {
            replan(entry);
        } else if (plan.action == Action::issue) {
            ready_.add(*plan.ca, urgency_of(entry), name);
            if (places_at(*plan.ca) == 0) decide_wait_for_ca(entry, std::move(plan));
        } else {
            if (parts_.on_start) parts_.on_start(now - at);
            decide(entry, plan);
            start(entry, JobRequest{JobKind::deploy, {}, plan.version, plan.places});
        }
    }
    IssueLimits limits{config_->parallel_orders, [this](const CaName& ca) { return places_at(ca); }};
    while (auto admitted = ready_.admit(limits)) {
        Entry& entry = *entries_.at(admitted->lineage);
        // Asked now and not before the queue: those in front of it have spent since.
        if (held_by_budget(entry, admitted->ca)) {
            ready_.give_place(admitted->ca);
            replan(entry);
            continue;
        }
        if (parts_.on_start) parts_.on_start(std::max(Duration::zero(), now - entry.at));
        watch_.note_start(config_->cas.at(admitted->ca));
        Plan plan = due_plan(entry);
        decide(entry, plan);
        if (!plan.reasons.empty()) {
            // Told while it is known: when the job has ended, the plan is another one.
            emit(EventType::renewal_step, Severity::debug, admitted->lineage,
                 "A renewal is due: " + join(plan.reasons, "; "));
        }
        start(entry, JobRequest{JobKind::renew, admitted->ca, {}, {}, std::move(plan.staging), plan.names_only});
    }
}

std::size_t Scheduler::places_at(const CaName& ca) const {
    auto found = config_->cas.find(ca);
    return found == config_->cas.end() ? 0 : watch_.places(found->second);
}

// When a CA that takes no order at this moment may take one; lineages may be queueing for it.
std::optional<Time> Scheduler::next_place() const {
    std::optional<Time> next;
    Time now = parts_.clock.now();
    for (const auto& [name, health] : watch_.all()) {
        auto found = config_->cas.find(name);
        if (found == config_->cas.end() || !ready_.is_waited_for(name)) continue;
        Time at = watch_.opens_at(found->second);
        if (at > now) next = std::min(next.value_or(Time::max()), at);
    }
    return next;
}

bool Scheduler::held_by_budget(Entry& entry, const CaName& ca) {
    entry.budget = budgets_.wait_for(config_->cas.at(ca), entry.record);
    return entry.budget.has_value();
}

Duration Scheduler::until_next() const {
    std::optional<Time> next;
    const auto consider = [&next](std::optional<Time> at) {
        if (at) next = std::min(next.value_or(Time::max()), *at);
    };
    consider(polls_.next());
    consider(served_.next());
    consider(endpoints_.next());
    consider(next_keys_.next());
    consider(crls_.next());
    consider(decisions_.next());
    consider(next_place());
    if (!timetable_.empty()) consider(timetable_.begin()->first);
    if (!next) return parts_.longest_sleep;
    return std::clamp<Duration>(*next - parts_.clock.now(), milliseconds(1), parts_.longest_sleep);
}

std::shared_ptr<Job> Scheduler::start(Entry& entry, JobRequest request) {
    forget_plan(entry);
    auto job = std::make_shared<Job>();
    job->id = ++last_job_;
    job->kind = request.kind;
    job->places = request.places;
    job->started = parts_.clock.now();
    job->issuing = request.kind == JobKind::renew || request.kind == JobKind::rehearse;
    job->deploying = !job->issuing;
    entry.job = job;
    jobs_.spawn(entry.record.spec->name, run_job(entry, std::move(request), job));
    return job;
}

Task<> Scheduler::run_job(Entry& entry, JobRequest request, std::shared_ptr<Job> job) {
    CaName ca = request.ca;
    std::uint64_t exchanges = job->issuing ? parts_.clients.contact(ca).exchanges : 0;
    Pipeline::Order order{config_, std::move(request), job->id,
                          [this, job, ca, exchanges](const std::optional<Problem>& problem) {
                              contact_ended(ca, exchanges, problem);
                              job->deploying = true;
                              release_place(*job, ca);
                          }};
    order.concluding = [this, &entry] { decide_conclusion(entry); };
    std::optional<OrderTab> tab;
    if (job->issuing) {
        tab.emplace(budgets_, parts_.clock, config_, entry.record, ca);
        order.ordering = [&tab](CaName at, KeyType key, bool resumed) {
            return tab->ordering(std::move(at), key, resumed);
        };
        order.narrowing = [&tab, ca](const Problem& problem, const std::vector<Identifier>& refused,
                                     const std::vector<Identifier>& names) {
            return tab->narrow(ca, problem, refused, names);
        };
    }
    VersionNumber before = entry.record.state.newest;
    Result<JobOutcome> result = failure("control.cancelled", "The job was cancelled");
    std::exception_ptr error;
    try {
        result = co_await parts_.pipeline.run(std::move(order), entry.record);
        bool issued = result || entry.record.state.newest > before;
        if (tab) co_await watch_.save(ca);
        if (tab) co_await tab->settle(issued ? std::nullopt : std::optional(result.error()));
    } catch (...) {
        error = std::current_exception();
        result = failure(problem_of(error));
        // Nothing was recorded that would keep the next plan from doing the same at once.
        entry.not_before = saturating_add(parts_.clock.now(), after_unexpected);
    }
    finish(entry, job, ca, std::move(result));
    if (error) std::rethrow_exception(error);
}

// Before the place is given to another: that one is not to find out for itself.
void Scheduler::contact_ended(const CaName& ca, std::uint64_t exchanges_before, const std::optional<Problem>& problem) {
    CaClients::Contact contact = parts_.clients.contact(ca);
    if (contact.exchanges == exchanges_before) return;
    bool silent = problem && !contact.answered;
    if (!watch_.note(ca, silent ? problem : std::nullopt)) return;
    if (auto found = config_->cas.find(ca); found != config_->cas.end()) watch_.note_start(found->second);
    replan_all();
}

void Scheduler::finish(Entry& entry, const std::shared_ptr<Job>& job, const CaName& ca, Result<JobOutcome> result) {
    release_place(*job, ca);
    job->result = std::move(result);
    entry.job.reset();
    job->ended.notify();
    if (!entry.configured) {
        entries_.erase(entry.record.spec->name);
    } else if (!stopping_) {
        // The configuration may have changed while the job ran.
        if (auto spec = config_->lineages.find(entry.record.spec->name); spec != config_->lineages.end())
            entry.record.spec = spec->second;
        replan(entry);
        if (parts_.on_finish) parts_.on_finish(entry.record.spec->name);
    }
    changed_.notify();
}

void Scheduler::release_place(Job& job, const CaName& ca) {
    if (!job.issuing) return;
    job.issuing = false;
    ready_.give_place(ca);
    changed_.notify();
}

LineageRecord* Scheduler::record_of(const std::string& lineage) {
    auto found = entries_.find(lineage);
    return found == entries_.end() || !found->second->configured ? nullptr : &found->second->record;
}

LineageRecord* Scheduler::idle_record_of(const std::string& lineage) {
    auto found = entries_.find(lineage);
    return found == entries_.end() || found->second->job ? nullptr : record_of(lineage);
}

void Scheduler::poll_ended(const std::string& lineage) {
    auto found = entries_.find(lineage);
    if (found != entries_.end() && !stopping_) replan(*found->second);
    changed_.notify();
}

Plan Scheduler::plan_of(const Entry& entry) const {
    Plan plan = due_plan(entry);
    const CaHealth* health = plan.action == Action::issue ? watch_.find(*plan.ca) : nullptr;
    Time now = parts_.clock.now();
    if (health == nullptr || plan.at > now || entry.job) return plan;
    plan.at = std::max(plan.at, watch_.opens_at(config_->cas.at(*plan.ca)));
    if (rests_until(*health, now) > now) {
        std::string times =
            health->failures == 1 ? "the last time" : fmt::format("{} times in a row", health->failures);
        plan.reasons.push_back(
            fmt::format("{} did not answer {}; it is asked again by one lineage for all", plan.ca->text, times));
    } else if (plan.at > now) {
        plan.reasons.push_back(fmt::format("what piled up while {} was away is spread", plan.ca->text));
    }
    return plan;
}

std::optional<RenewalSlack> Scheduler::slack_of(const Entry& entry) const {
    const PlanInput input = input_of(entry);
    if (!input.newest) return std::nullopt;
    const Plan plan = due_plan(entry);
    const Time from =
        plan.action == Action::issue ? plan.at : renewal_time(*input.newest, entry.record.spec->name, config_->jitter);
    return renewal_slack(input, from);
}

PlanInput Scheduler::input_of(const Entry& entry) const {
    const LineageRecord& record = entry.record;
    return {*record.spec,
            record.state,
            record.live ? std::optional(*record.live) : std::nullopt,
            record.newest ? std::optional(*record.newest) : std::nullopt,
            config_->jitter,
            parts_.clock.now(),
            &config_->cas,
            &watch_.all(),
            &config_->targets,
            crls_.revoked(record)};
}

Plan Scheduler::due_plan(const Entry& entry) const {
    const PlanInput input = input_of(entry);
    Plan plan = certd::plan(input);
    if (plan.action != Action::none && plan.at < entry.not_before && input.now < entry.not_before) {
        plan.at = entry.not_before;
        plan.reasons.emplace_back("the last job ended unexpectedly");
    }
    if (plan.action == Action::issue && entry.budget && plan.at < entry.budget->at && input.now < entry.budget->at) {
        plan.at = entry.budget->at;
        plan.reasons.push_back(entry.budget->reason);
    }
    return plan;
}

void Scheduler::replan(Entry& entry) {
    forget_plan(entry);
    if (entry.job || !entry.configured) return;
    crls_.place(entry.record);
    Plan plan = due_plan(entry);
    entry.action = plan.action;
    entry.at = plan.at;
    // Nothing to do may still come with a time to look again.
    if (plan.action != Action::none || plan.at > parts_.clock.now())
        timetable_.emplace(plan.at, entry.record.spec->name);
    decide_waiting(entry, plan);
    polls_.place(entry.record);
    served_.place(entry.record);
    endpoints_.place(entry.record);
    next_keys_.place(entry.record);
}

void Scheduler::replan_all() {
    for (auto& [name, entry] : entries_)
        replan(*entry);
}

void Scheduler::forget_plan(Entry& entry) {
    timetable_.erase({entry.at, entry.record.spec->name});
    ready_.remove(entry.record.spec->name);
    polls_.remove(entry.record.spec->name);
    served_.remove(entry.record.spec->name);
    endpoints_.remove(entry.record.spec->name);
    next_keys_.remove(entry.record.spec->name);
    entry.action = Action::none;
}

const Entry* Scheduler::find(const LineageName& name) const {
    auto found = entries_.find(name.text());
    return found == entries_.end() || !found->second->configured ? nullptr : found->second.get();
}

void Scheduler::emit(EventType type, Severity severity, const std::string& lineage, std::string message,
                     std::optional<Problem> problem) {
    Event event;
    event.type = type;
    event.severity = severity;
    event.lineage = lineage;
    event.message = std::move(message);
    event.problem = std::move(problem);
    parts_.bus.publish(std::move(event));
}

}  // namespace certd
