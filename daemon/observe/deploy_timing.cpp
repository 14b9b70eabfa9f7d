// From events to durations.
#include "daemon/observe/deploy_timing.hpp"

namespace certd {

namespace {

constexpr std::size_t running_limit = 4096;  // places at once; what a cancelled job left behind is forgotten with it

}  // namespace

void DeployTiming::ended_well(const Running& running, Time now) {
    ++counts[{running.step, "ok"}];
    steps[running.step].observe(now - running.began);
}

void DeployTiming::on_event(const Event& event) {
    const Where where{event.job, event.target, event.host};
    const auto known = running_.find(where);
    const std::string step = event.data.string_or("step");
    switch (event.type) {
        case EventType::deploy_step:
            if (step.empty()) return;  // something else that happened during a step
            if (!event.data["within_step"].is_null()) {
                ++counts[{step, "ok"}];
                return;
            }
            ++counts[{step, "begun"}];
            if (known != running_.end()) {
                ended_well(known->second, event.at);
                known->second.step = step;
                known->second.began = event.at;
            } else {
                if (running_.size() >= running_limit) running_.clear();
                running_.emplace(where, Running{step, event.at, event.at});
            }
            break;
        case EventType::deploy_committed:
            if (known == running_.end()) return;
            ended_well(known->second, event.at);
            deployments.observe(event.at - known->second.first);
            running_.erase(known);
            break;
        case EventType::deploy_failed:
            ++counts[{step, "failed"}];
            if (known != running_.end()) running_.erase(known);  // the way back counts its own steps
            break;
        case EventType::deploy_rolled_back:
            if (known == running_.end()) return;
            ended_well(known->second, event.at);
            running_.erase(known);
            break;
        case EventType::deploy_rollback_failed:
            if (known == running_.end()) return;
            ++counts[{known->second.step, "failed"}];
            running_.erase(known);
            break;
        default:
            break;
    }
}

}  // namespace certd
