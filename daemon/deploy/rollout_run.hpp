// One rollout from its first host to its outcome: asks Rollout what is next, does it, and tells of it. Each host is a
// transaction of its own.
#pragma once

#include "daemon/deploy/order_context.hpp"
#include "daemon/deploy/rollout.hpp"

#include <exception>
#include <optional>
#include <vector>

namespace certd {

class RolloutRun {
   public:
    // `context` outlives it. `places`: hosts of `target`, in the order of the rollout; not empty.
    RolloutRun(const OrderContext& context, const config::Target& target, std::vector<Place> places);
    RolloutRun(const RolloutRun&) = delete;
    RolloutRun& operator=(const RolloutRun&) = delete;

    struct Outcome {
        std::vector<TargetState> places;
        std::optional<Problem> problem;  // deploy.rollout, with those of the hosts as its parts
    };
    // Throws on cancellation, after the way back of the hosts in work; those that were done with stay as they are.
    Task<Outcome> run();

   private:
    Task<> proceed();
    Task<> deploy_step();
    Task<> deploy_to(std::size_t host);
    Task<> go_back();
    Task<std::optional<Problem>> take_back(std::size_t host);
    Task<> settle(std::size_t host, TargetState state);
    void hold_untried();
    std::optional<Time> retry_at() const;  // of the first host that failed
    std::optional<Problem> problem() const;
    std::string served_now() const;
    void tell_started() const;
    void tell_step() const;
    void tell_stopped() const;
    void tell_finished(std::string_view outcome) const;
    std::string_view outcome() const;  // "complete", "incomplete", "stopped", "rolled-back"
    std::vector<std::string> host_names(const std::vector<std::size_t>& hosts) const;
    Json names(const std::vector<std::size_t>& hosts) const;
    std::string names_of(const std::vector<std::size_t>& hosts) const;

    const OrderContext& context_;
    const config::Target& target_;
    std::vector<Place> places_;
    Rollout rollout_;
    std::vector<TargetState> before_, states_;
    std::exception_ptr unexpected_;
};

}  // namespace certd
