#include "daemon/observe/rollout_board.hpp"

namespace certd {

void RolloutBoard::take(const Event& event) {
    if (event.type == EventType::lineage_removed) {
        std::erase_if(rollouts_, [&](const auto& item) { return item.first.first == event.lineage; });
        return;
    }
    if (event.target.empty()) return;
    if (event.type == EventType::rollout_started) {
        RolloutProgress begun;
        begun.job = event.job;
        begun.version = static_cast<std::uint32_t>(event.data.int_or("version"));
        begun.hosts = event.data.strings("sequence");
        begun.started = event.at;
        rollouts_[{event.lineage, event.target}] = std::move(begun);
        return;
    }
    const auto found = rollouts_.find({event.lineage, event.target});
    if (found == rollouts_.end() || found->second.ended || found->second.job != event.job) return;
    take_step(found->second, event);
}

void RolloutBoard::take_step(RolloutProgress& progress, const Event& event) {
    switch (event.type) {
        case EventType::rollout_step:
            progress.phase = event.data.string_or("phase");
            progress.batch = static_cast<std::size_t>(event.data.int_or("batch"));
            progress.batches = static_cast<std::size_t>(event.data.int_or("batches"));
            progress.paused_until = time_in(event.data, "until");
            break;
        case EventType::rollout_finished:
            progress.phase = event.data.string_or("outcome");
            progress.ended = true;
            progress.paused_until.reset();
            progress.steps.clear();
            break;
        case EventType::deploy_step:
            if (const std::string* step = event.data["step"].if_string()) progress.steps[event.host] = *step;
            // The way back ended with the new files left in place.
            if (event.data["verified"].if_bool() != nullptr) progress.steps.erase(event.host);
            break;
        case EventType::deploy_committed:
        case EventType::deploy_failed:
        case EventType::deploy_rolled_back:
        case EventType::deploy_rollback_failed:
            progress.steps.erase(event.host);
            break;
        default:
            break;
    }
}

const RolloutProgress* RolloutBoard::find(const std::string& lineage, const std::string& target) const {
    const auto found = rollouts_.find({lineage, target});
    return found == rollouts_.end() ? nullptr : &found->second;
}

}  // namespace certd
