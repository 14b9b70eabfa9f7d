// What the control server can ask of the daemon. Implemented by daemon/app over scheduler, store and deployer; the
// server itself knows HTTP, roles and JSON only. An unknown lineage is control.noSuchLineage.
#pragma once

#include "ctl/api/doctor.hpp"
#include "ctl/api/history.hpp"
#include "ctl/api/types.hpp"
#include "daemon/observe/bus.hpp"
#include "daemon/observe/exposition.hpp"
#include "libacme/async/task.hpp"
#include "libacme/base/ids.hpp"

#include <optional>
#include <string>
#include <vector>

namespace certd::control {

class Operations {
   public:
    virtual ~Operations() = default;

    virtual api::DaemonStatus daemon() const = 0;
    virtual std::vector<api::Lineage> lineages(bool table_only) const = 0;
    virtual Task<Result<api::Lineage>> lineage(LineageName name) = 0;
    virtual Task<Result<api::Explanation>> explain(LineageName name) = 0;
    // From the audit journal, newest last; also of a lineage that is not configured any more.
    virtual Task<Result<std::vector<api::JournalEntry>>> history(LineageName name) = 0;
    virtual std::vector<api::PlanEntry> plan() const = 0;
    virtual std::vector<api::LimitUse> limits() const = 0;
    virtual EventBus& events() = 0;
    virtual std::string metrics(MetricsFormat format) const = 0;

    // Long operations. Each returns when its job has ended; a second call for the same thing joins the running job.
    // Events of the job carry `job`, which `started` hears of first. Cancelling the call leaves the job running. `by`:
    // who asks, for the record: "uid 0: renew --force".
    using Started = std::function<void(std::uint64_t job, bool joined)>;
    virtual Task<Result<api::JobResult>> renew(LineageName name, api::RenewRequest request, std::string by,
                                               Started started) = 0;
    virtual Task<Result<api::JobResult>> rollback(LineageName name, api::RollbackRequest request, std::string by,
                                                  Started started) = 0;
    virtual Task<Result<api::JobResult>> deploy(LineageName name, api::DeployRequest request, std::string by,
                                                Started started) = 0;
    virtual Task<Result<std::vector<api::CheckFinding>>> check(LineageName name) = 0;
    // The checklist of the whole daemon; a second call joins the one that is at work.
    virtual Task<Result<api::DoctorReport>> doctor() = 0;
    virtual std::optional<api::DoctorReport> last_doctor() const = 0;  // since certd started

    virtual Task<Result<api::JobResult>> revoke(LineageName name, api::RevokeRequest request, std::string by) = 0;

    // Accounts, by the name of their CA; an unknown one is control.noSuchAccount.
    virtual Task<Result<std::vector<api::Account>>> accounts() = 0;
    virtual Task<Result<void>> roll_over_account(std::string ca) = 0;
    virtual Task<Result<void>> deactivate_account(std::string ca) = 0;
    // The account of a key from another client, the text of whose file is `key`; its URL, which is text of the CA.
    virtual Task<Result<std::string>> import_account(std::string ca, std::string key) = 0;
    virtual Task<Result<api::OrderList>> account_orders(std::string ca) = 0;

    // Who is told of incidents, and which are open.
    virtual api::Notifications notifications() const = 0;
    // Sends a test message through one notifier (control.noSuchNotifier) or, without a name, through all.
    virtual Task<Result<std::vector<api::NotifyTest>>> test_notifiers(std::string name) = 0;

    virtual Task<Result<void>> pause(LineageName name, std::string by) = 0;
    virtual Task<Result<void>> resume(LineageName name, std::string by) = 0;
    virtual Task<Result<void>> reload() = 0;  // config.invalid leaves the running configuration in force
};

}  // namespace certd::control
