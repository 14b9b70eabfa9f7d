// The scheduler: knows every lineage, when each is due next, and starts its job then. The agent that owns running jobs.
// Decisions are plan()'s and admit()'s; this file keeps the timetable and the coroutines.
#pragma once

#include "daemon/lineage/decision.hpp"
#include "daemon/lineage/slack.hpp"
#include "daemon/observe/bus.hpp"
#include "daemon/renew/pipeline.hpp"
#include "daemon/schedule/ari_polls.hpp"
#include "daemon/schedule/budgets.hpp"
#include "daemon/schedule/ca_watch.hpp"
#include "daemon/schedule/crl_watch.hpp"
#include "daemon/schedule/endpoint_watch.hpp"
#include "daemon/schedule/next_key_keeper.hpp"
#include "daemon/schedule/ready_queue.hpp"
#include "daemon/schedule/served_watch.hpp"
#include "daemon/schedule/timed_tasks.hpp"
#include "libacme/async/signal.hpp"
#include "libacme/async/task_group.hpp"

#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

namespace certd {

// A running or just finished job, shared by all who wait for it.
struct Job {
    std::uint64_t id = 0;
    JobKind kind = JobKind::renew;
    std::vector<Place> places;  // that were asked for; empty: all
    Time started;
    std::string step;      // the latest event's message
    bool issuing = false;  // holds a place at its CA, taken before it starts
    bool deploying = false;
    std::optional<Result<JobOutcome>> result;  // set when it has ended
    Signal ended;
};

struct Entry {
    LineageRecord record;
    Action action = Action::none;  // the plan as it was at the last look
    Time at{};
    Time not_before{};                // after a job that broke off without a record of its failure
    std::optional<Allowance> budget;  // what the next order was found to wait for
    std::shared_ptr<Job> job;         // null when nothing runs
    bool configured = true;           // false: removed from the configuration while its job still runs
};

// What an operator asks for.
struct RenewOptions {
    bool force = false;  // although it is not due, or the CA asked to wait, or its staging is to pass first
    bool rehearse = false;
    std::string by = {};  // who asks, for the record; here and below empty when certd itself does
};

class Scheduler {
   public:
    struct Parts {
        Clock& clock;
        Workers& workers;
        Store& store;
        LineageRecords& records;
        Pipeline& pipeline;
        Deployer& deployer;
        HookRounds& hooks;
        CaClients& clients;
        EventBus& bus;
        std::function<void(Duration lag)> on_start;  // how late a due job was started
        Duration longest_sleep = minutes(1);         // wall time is looked at again at least this often (DESIGN §7)
        std::function<void(const std::string& lineage)> on_finish = {};  // a job has ended and is on record
        CrlChecks* crls = nullptr;                                       // null: no CRL is looked at
    };
    Scheduler(asio::any_io_executor executor, Parts parts);

    // Reads the state of every lineage and finishes what a crash interrupted. Once, before run().
    Task<> load(config::ConfigPtr config);
    // Takes over a new configuration: what changed becomes due, what is gone is no longer scheduled and stays on disk.
    Task<> apply(config::ConfigPtr config);
    // Starts due jobs until cancelled; then cancels the running ones and waits for them.
    Task<> run();

    // Starts a job, or joins the one of the same kind that runs: control.busy when another kind runs.
    struct Ticket {
        std::shared_ptr<Job> job;
        bool joined = false;
    };
    Result<Ticket> renew(const LineageName& name, RenewOptions options);
    // To `target` and `host` only, where they are not empty.
    Result<Ticket> deploy(const LineageName& name, const std::string& target, const std::string& host = {},
                          bool rehearse = false, std::string by = {});
    // The version to go back to is chosen and checked by choose_rollback.
    Result<Ticket> rollback(const LineageName& name, VersionNumber to, const std::vector<VersionFacts>& versions,
                            std::string by = {});
    Task<Result<JobOutcome>> wait(Ticket ticket);

    Task<Result<void>> pause(LineageName name, std::string by = {});
    Task<Result<void>> resume(LineageName name, std::string by = {});

    // A version was revoked: it is never deployed again, nor are those with the `same_key` when that was compromised;
    // when the live or newest one is among them and `replace` is set a new one is due at once.
    // `found`: what a CRL says, where nobody here has revoked it.
    Task<Result<void>> note_revoked(LineageName name, VersionNumber version, std::vector<VersionNumber> same_key,
                                    bool replace, std::string by = {}, std::optional<Revoked> found = std::nullopt);

    // A look at the records of dns-persist-01: the first of them runs out then, nullopt: none does.
    Task<Result<void>> note_persisted(LineageName name, std::optional<Time> until);

    const config::Config& config() const { return *config_; }
    config::ConfigPtr config_pointer() const { return config_; }
    const std::map<std::string, std::unique_ptr<Entry>>& entries() const { return entries_; }
    const Entry* find(const LineageName& name) const;
    // What is known of the live version by its CRL; nullopt: nothing is looked at, or there is no version.
    std::optional<CrlSight> crl_sight(const Entry& entry) const { return crls_.sight(entry.record); }
    Plan plan_of(const Entry& entry) const;
    // What room there is from the next issuance on; none before the first version.
    std::optional<RenewalSlack> slack_of(const Entry& entry) const;
    // Of those with something to tell.
    const std::map<CaName, CaHealth>& ca_health() const { return watch_.all(); }
    std::vector<BucketUse> budget_of(const config::Ca& ca) const { return budgets_.survey(ca); }
    // Why and until when an order for `record` would wait; nullopt: it would not.
    std::optional<Allowance> budget_wait(const config::Ca& ca, const LineageRecord& record) const {
        return budgets_.wait_for(ca, record);
    }
    std::size_t running() const { return jobs_.size(); }
    // Since the loop last looked at its timetable; grows without bound when it is stuck.
    Duration since_last_pass() const { return parts_.clock.monotonic() - last_pass_; }

   private:
    Task<> recover_deployment(LineageName name);  // of a lineage whose deployment was interrupted
    Result<Entry*> configured(const LineageName& name);
    Result<Ticket> join_or_start(Entry& entry, JobRequest request, const std::string& by);
    // scheduler_decisions.cpp: what is decided goes on record when it is decided, if it is new.
    void decide(Entry& entry, const Plan& plan, std::string by = {});
    void decide_waiting(Entry& entry, const Plan& plan);
    void decide_conclusion(Entry& entry, const std::string& by = {});
    void decide_wait_for_ca(Entry& entry, Plan plan);
    void decide_request(Entry& entry, const JobRequest& request, const std::string& by);
    void record(Entry& entry, Decision decision);
    void replan(Entry& entry);
    void replan_all();
    void forget_plan(Entry& entry);
    void look_at_clock();
    void start_due();
    PlanInput input_of(const Entry& entry) const;
    Plan due_plan(const Entry& entry) const;  // without what only holds up the queue of its CA
    std::size_t places_at(const CaName& ca) const;
    std::optional<Time> next_place() const;
    void contact_ended(const CaName& ca, std::uint64_t exchanges_before, const std::optional<Problem>& problem);
    bool held_by_budget(Entry& entry, const CaName& ca);
    std::shared_ptr<Job> start(Entry& entry, JobRequest request);
    Task<> run_job(Entry& entry, JobRequest request, std::shared_ptr<Job> job);
    void finish(Entry& entry, const std::shared_ptr<Job>& job, const CaName& ca, Result<JobOutcome> result);
    void release_place(Job& job, const CaName& ca);
    Task<Result<std::vector<VersionNumber>>> burn_revoked(std::string lineage, Revoked revoked);
    Task<Result<void>> mark_revoked(std::string lineage, Revoked revoked, std::vector<VersionNumber> same_key);
    LineageRecord* record_of(const std::string& lineage);
    LineageRecord* idle_record_of(const std::string& lineage);
    void poll_ended(const std::string& lineage);
    Duration until_next() const;
    void emit(EventType type, Severity severity, const std::string& lineage, std::string message,
              std::optional<Problem> problem = std::nullopt);

    Parts parts_;
    config::ConfigPtr config_;
    std::map<std::string, std::unique_ptr<Entry>> entries_;
    std::set<std::pair<Time, std::string>> timetable_;
    ReadyQueue ready_;
    Budgets budgets_;
    CaWatch watch_;
    TaskGroup jobs_;
    AriPolls polls_;
    ServedWatch served_;
    EndpointWatch endpoints_;
    NextKeyKeeper next_keys_;
    CrlWatch crls_;
    TimedTasks decisions_;  // their way to the disk, where no other save takes them along
    Signal changed_;
    std::uint64_t last_job_ = 0;
    Duration last_pass_{};
    std::optional<Duration> wall_minus_monotonic_;
    bool stopping_ = false;
};

}  // namespace certd
