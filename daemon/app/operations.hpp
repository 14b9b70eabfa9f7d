// control::Operations over the engine: what the control API's verbs do.
#pragma once

#include "daemon/app/doctor.hpp"
#include "daemon/app/engine.hpp"
#include "daemon/app/pins.hpp"
#include "daemon/control/operations.hpp"
#include "daemon/notify/notifications.hpp"

#include <functional>

namespace certd {

class DaemonOperations final : public control::Operations {
   public:
    using Load = std::function<Result<config::ConfigPtr>()>;             // blocking; fails with config.*
    using Reloaded = std::function<void(const config::Config& config)>;  // what else must hear of a new configuration
    DaemonOperations(Engine& engine, std::string config_file, Load load, Reloaded reloaded);
    void set_notifications(Notifications* notifications) { notifications_ = notifications; }
    std::optional<Problem> config_problem() const { return config_problem_; }

    api::DaemonStatus daemon() const override;
    std::vector<api::Lineage> lineages(bool table_only) const override;
    Task<Result<api::Lineage>> lineage(LineageName name) override;
    Task<Result<api::Explanation>> explain(LineageName name) override;
    Task<Result<std::vector<api::JournalEntry>>> history(LineageName name) override;
    std::vector<api::PlanEntry> plan() const override;
    std::vector<api::LimitUse> limits() const override;
    EventBus& events() override { return engine_.bus; }
    std::string metrics(MetricsFormat format) const override { return engine_.metrics_page(format); }

    Task<Result<api::JobResult>> renew(LineageName name, api::RenewRequest request, std::string by,
                                       Started started) override;
    Task<Result<api::JobResult>> rollback(LineageName name, api::RollbackRequest request, std::string by,
                                          Started started) override;
    Task<Result<api::JobResult>> deploy(LineageName name, api::DeployRequest request, std::string by,
                                        Started started) override;
    Task<Result<std::vector<api::CheckFinding>>> check(LineageName name) override;
    Task<Result<api::DoctorReport>> doctor() override { co_return co_await doctor_.examine(); }
    std::optional<api::DoctorReport> last_doctor() const override { return doctor_.last(); }

    Task<Result<api::JobResult>> revoke(LineageName name, api::RevokeRequest request, std::string by) override;

    Task<Result<std::vector<api::Account>>> accounts() override;
    Task<Result<void>> roll_over_account(std::string ca) override;
    Task<Result<void>> deactivate_account(std::string ca) override;
    Task<Result<std::string>> import_account(std::string ca, std::string key) override;
    Task<Result<api::OrderList>> account_orders(std::string ca) override;

    api::Notifications notifications() const override;
    Task<Result<std::vector<api::NotifyTest>>> test_notifiers(std::string name) override;

    Task<Result<void>> pause(LineageName name, std::string by) override {
        return engine_.scheduler.pause(std::move(name), std::move(by));
    }
    Task<Result<void>> resume(LineageName name, std::string by) override {
        return engine_.scheduler.resume(std::move(name), std::move(by));
    }
    Task<Result<void>> reload() override;

   private:
    Task<Result<api::JobResult>> follow(LineageName name, Result<Scheduler::Ticket> ticket, Started started);
    Task<api::JobResult> revoke_or_fail(LineageName name, api::RevokeRequest request, std::string by);
    config::Ca configured_ca(const std::string& name) const;
    Result<const Entry*> entry(const LineageName& name) const;
    Task<StoredKeys> stored_keys(LineageName name);

    Engine& engine_;
    std::string config_file_;
    Load load_;
    Reloaded reloaded_;
    Notifications* notifications_ = nullptr;
    std::optional<Problem> config_problem_;
    Gate reload_gate_{1};
    Doctor doctor_;
};

}  // namespace certd
