// From events to durations.
#include "daemon/observe/deploy_timing.hpp"

namespace certd {

namespace {

constexpr std::size_t running_limit = 4096;  // places at once; what a cancelled job left behind is forgotten with it

// Told when it is over, in the middle of a step that goes on: "haproxy" and "haproxy-fallback" within "reload".
bool is_within_step(const Event& event) {
    return !event.data["within_step"].is_null();
}

}  // namespace

void DeployTiming::ended_well(const Running& running, Time now) {
    ++counts[{running.step, "ok"}];
    steps[running.step].observe(now - running.began);
}

void DeployTiming::way_back_ended(std::map<Where, Running>::iterator known, Time now) {
    if (known == running_.end()) return;
    ended_well(known->second, now);
    running_.erase(known);
}

void DeployTiming::note(const std::string& step, const Event& event) {
    ++counts[{step, event.problem ? "failed" : "ok"}];
    if (const std::int64_t* took = event.data["took_ms"].if_int()) steps[step].observe(Duration(*took));
}

void DeployTiming::on_event(const Event& event) {
    const Where where{event.job, event.target, event.host};
    const auto known = running_.find(where);
    const std::string step = event.data.string_or("step");
    switch (event.type) {
        case EventType::deploy_step:
            if (step.empty()) {
                // The end of a way back that left the new files in place, or something said during a step.
                if (event.data["verified"].if_bool() != nullptr) way_back_ended(known, event.at);
                return;
            }
            if (is_within_step(event)) {
                note(step, event);
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
            way_back_ended(known, event.at);
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
