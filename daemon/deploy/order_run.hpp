// The places of an order that belong together, from the first step to the outcome: asks Transaction what is next, does
// it, and tells of it.
#pragma once

#include "daemon/deploy/target_deployment.hpp"

#include <exception>
#include <vector>

namespace certd {

class OrderRun {
   public:
    enum class Live { flips, stays };
    // `context` outlives it. Without places only `live` flips.
    OrderRun(const OrderContext& context, std::vector<Place> places, Live live);
    OrderRun(const OrderRun&) = delete;
    OrderRun& operator=(const OrderRun&) = delete;

    // Throws on cancellation, after the way back from the place in work.
    Task<DeployOutcome> run();

   private:
    static TransactionFacts facts_of(const OrderContext& context, const std::vector<Place>& places, Live live);

    Task<> proceed();
    Task<> advance();
    Task<> undo_cancelled();
    Task<StepReport> attempt(DeployAction action);
    void note(DeployAction action, const StepReport& report);
    void tell_step(DeployAction action) const;
    void tell_failed(std::size_t index) const;
    void tell_end(std::size_t index);
    DeployOutcome outcome(VersionNumber live) const;
    TargetState state_of(std::size_t index) const;

    const OrderContext& context_;
    std::vector<Place> places_;
    bool flips_live_;
    std::vector<std::unique_ptr<TargetDeployment>> deployments_;
    Transaction transaction_;
    std::vector<std::optional<Problem>> problems_;  // why each place failed
    std::optional<Problem> way_back_problem_;       // of the current place
    std::optional<Problem> live_problem_;           // of a run without places
    std::exception_ptr cancelled_;
    bool undoing_ = false;  // what a cancellation broke off
};

// The state of a place after a failure: counted, and when to try again.
TargetState failed_state(TargetState state, const DeployOrder& order, Problem problem, Time now, HostState host_state);
// What is known of a place before an order.
TargetState state_before(const DeployOrder& order, const Place& place);

}  // namespace certd
