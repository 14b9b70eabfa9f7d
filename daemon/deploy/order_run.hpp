// One order from its first step to its outcome: asks Transaction what is next, does it, and tells of it.
#pragma once

#include "daemon/deploy/target_deployment.hpp"

#include <exception>
#include <vector>

namespace certd {

class OrderRun {
   public:
    explicit OrderRun(OrderContext context);
    OrderRun(const OrderRun&) = delete;
    OrderRun& operator=(const OrderRun&) = delete;

    // Throws on cancellation, after the way back from the target in work.
    Task<DeployOutcome> run();

   private:
    static TransactionFacts facts_of(const OrderContext& context, const std::vector<const config::Target*>& targets);
    static std::vector<const config::Target*> targets_of(const DeployOrder& order);

    Task<> proceed();
    Task<> advance();
    Task<> undo_cancelled();
    Task<StepReport> attempt(DeployAction action);
    void note(DeployAction action, const StepReport& report);
    void tell_step(DeployAction action) const;
    void tell_failed(std::size_t target) const;
    void tell_end(std::size_t target);
    DeployOutcome outcome(VersionNumber live) const;
    TargetState state_of(std::size_t target) const;
    const TargetName& name_of(std::size_t target) const { return targets_[target]->name; }

    OrderContext context_;
    std::vector<const config::Target*> targets_;
    std::vector<std::unique_ptr<TargetDeployment>> deployments_;
    Transaction transaction_;
    std::vector<std::optional<Problem>> problems_;  // why each target failed
    std::optional<Problem> way_back_problem_;       // of the current target
    std::optional<Problem> live_problem_;           // of an order without targets
    std::exception_ptr cancelled_;
};

// The state of a target after a failure: counted, and when to try again.
TargetState failed_state(TargetState state, const DeployOrder& order, Problem problem, Time now, HostState host_state);
// What is known of a target before an order.
TargetState state_before(const DeployOrder& order, const TargetName& target);

}  // namespace certd
