// The whole life of one job on a lineage: issue → store → deploy → record, or one of its parts (DESIGN §3, data flow).
#pragma once

#include "daemon/lineage/decision.hpp"
#include "daemon/lineage/plan.hpp"
#include "daemon/renew/hook_rounds.hpp"
#include "daemon/renew/lineage_records.hpp"
#include "daemon/renew/renewal.hpp"

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace certd {

// rehearse: issues at the CA for dry runs and rehearses the deployment; rehearse_deploy: of a version that is there.
enum class JobKind { renew, deploy, rollback, rehearse, rehearse_deploy };
std::string_view to_string(JobKind kind);

struct JobRequest {
    JobKind kind = JobKind::renew;
    CaName ca;                           // renew: whom to ask; rehearse: the configured dry_run_ca
    VersionNumber version;               // deploy, rollback, rehearse_deploy: which
    std::vector<Place> places;           // deploy, rehearse_deploy: which of the lineage's; empty: all
    std::optional<CaName> staging = {};  // renew: asked before `ca`, which is asked when this one passes
    bool names_only = false;             // renew: due for nothing but names that the newest version lacks
};

struct JobOutcome {
    std::string outcome;  // "issued", "deployed", "rolled-back", "not-due", "rehearsed"
    VersionNumber version;
    std::string message;
    std::vector<RehearsedPlace> rehearsed = {};
};

class Pipeline {
   public:
    Pipeline(Clock& clock, Workers& workers, Store& store, LineageRecords& records, Renewal& renewal,
             Deployer& deployer, HookRounds& hooks, EventSink events);

    struct Order {
        config::ConfigPtr config;
        JobRequest request;
        std::uint64_t job = 0;
        // Called when the CA is no longer needed, with what it failed with.
        std::function<void(const std::optional<Problem>& problem)> issued;
        std::function<Task<>(CaName ca, KeyType key, bool resumed)> ordering = {};  // see IssueOrder
        std::shared_ptr<Announcement> announcement = {};                            // run() makes it
        // Called when the record is as the job leaves it: what is decided by it is saved along with it.
        std::function<void()> concluding = {};
        // After an order failed with `problem` because of the `refused` names, before one for `names` only; why that
        // has to wait, empty: it need not.
        std::function<std::string(const Problem& problem, const std::vector<Identifier>& refused,
                                  const std::vector<Identifier>& names)>
            narrowing = {};
        std::shared_ptr<HookRounds::Place> hooks = {};  // run() takes it, where the lineage has hook directories

        // Those of the request, or all of the lineage's.
        std::vector<Place> places(const LineageRecord& record) const;
    };
    // Updates `record` and the store. A failure of deployment after an issuance is the Problem returned; the version is
    // kept. Throws only on cancellation, with nothing charged to the lineage.
    Task<Result<JobOutcome>> run(Order order, LineageRecord& record);

    // The keys of the next version, where the lineage wants them made ahead.
    Task<Result<void>> make_next_keys(std::shared_ptr<const config::Lineage> spec) {
        return renewal_.make_next_keys(std::move(spec));
    }

   private:
    Task<Result<void>> begin_hooks(Order& order, const LineageRecord& record);
    Task<> end_hooks(const Order& order, const LineageRecord& record, HookUser::Outcome outcome);
    Task<Result<JobOutcome>> renew(Order& order, LineageRecord& record);
    // What one attempt to issue has met.
    struct Attempt {
        Time begun;
        std::shared_ptr<const config::Lineage> spec;  // with the names of the order
        std::vector<std::string> refused = {};        // ways of proof
        std::vector<acme::RefusedName> names = {};    // that alone made the last order fail
        bool at_staging = false;                      // which did so
    };
    Task<Result<NewCertificate>> ask(const Order& order, LineageRecord& record, Attempt& attempt);
    Task<Result<NewCertificate>> ask_once(const Order& order, LineageRecord& record, Attempt& attempt, bool first);
    Task<std::optional<Problem>> go_on_without(const Order& order, LineageRecord& record, Attempt& attempt,
                                               const Problem& problem, bool last);
    Task<std::optional<Problem>> try_at_staging(const Order& order, LineageRecord& record, Attempt& attempt);
    IssueOrder issue_order(const Order& order, const LineageRecord& record, const CaName& ca, Attempt& attempt) const;
    Task<Result<JobOutcome>> deploy(const Order& order, LineageRecord& record, VersionNumber version,
                                    bool manual_rollback);
    Task<Result<JobOutcome>> wait_for_maintenance(const Order& order, LineageRecord& record, Time until);
    void warn_of_maintenance(const Order& order, const LineageRecord& record, const std::vector<Place>& places);
    Task<Result<JobOutcome>> roll_back(const Order& order, LineageRecord& record);
    Task<Result<JobOutcome>> rehearse(const Order& order, LineageRecord& record);
    Task<Result<JobOutcome>> rehearse_deploy(const Order& order, LineageRecord& record);
    Task<Result<std::vector<RehearsedPlace>>> rehearse_at(const Order& order, const LineageRecord& record,
                                                          VersionFiles files, VersionFacts facts);
    Task<> examine(const Order& order, LineageRecord& record);
    void warn_of_record(const Order& order, const LineageRecord& record);
    void decide(LineageRecord& record, Decision decision);
    void decide_deployment(const Order& order, LineageRecord& record);
    void emit(EventType type, Severity severity, const Order& order, const LineageRecord& record, std::string message,
              std::optional<Problem> problem = std::nullopt, Json data = {});

    Clock& clock_;
    Workers& workers_;
    Store& store_;
    LineageRecords& records_;
    Renewal& renewal_;
    Deployer& deployer_;
    HookRounds& hooks_;
    EventSink events_;
};

}  // namespace certd
