#include "daemon/deploy/rollout.hpp"

#include <algorithm>

namespace certd {

using Kind = RolloutStep::Kind;

Rollout::Rollout(std::size_t hosts, config::Rollout policy) : policy_(policy), hosts_(hosts), step_(next_hosts()) {}

void Rollout::report(std::size_t host, bool well) {
    hosts_.at(host) = well ? Outcome::well : Outcome::badly;
}

void Rollout::step_ended() {
    const Kind ended = step_.kind;
    if (ended == Kind::go_back) {
        step_ = {};
        return;
    }
    if (ended == Kind::deploy && !step_.canary) ++batches_done_;
    const bool tolerated =
        policy_.on_failure == config::Rollout::OnFailure::go_on || failed().size() <= policy_.max_failures;
    if (!tolerated) {
        step_ = stop();
        return;
    }
    RolloutStep next = next_hosts();
    const bool rest = ended == Kind::deploy && next.kind == Kind::deploy && policy_.pause_between > Duration::zero() &&
                      served().size() >= policy_.canary;
    step_ = rest ? RolloutStep{Kind::pause, {}, false, next.batch, next.batches} : std::move(next);
}

// A canary is a host that shows the others the way: one that fails shows nothing, so that the next takes its place.
RolloutStep Rollout::next_hosts() const {
    std::vector<std::size_t> left = untried();
    if (left.empty()) return {};
    const std::size_t size = std::max<std::uint32_t>(policy_.batch, 1);
    if (served().size() < policy_.canary) return {Kind::deploy, {left.front()}, true};
    const std::size_t batches = batches_done_ + (left.size() + size - 1) / size;
    left.resize(std::min(left.size(), size));
    return {Kind::deploy, std::move(left), false, batches_done_ + 1, batches};
}

RolloutStep Rollout::stop() {
    stopped_ = !untried().empty();
    std::vector<std::size_t> back = served();
    if (policy_.on_failure != config::Rollout::OnFailure::rollback || back.empty()) return {};
    std::ranges::reverse(back);
    return {Kind::go_back, std::move(back)};
}

std::vector<std::size_t> Rollout::with(Outcome outcome) const {
    std::vector<std::size_t> found;
    for (std::size_t host = 0; host < hosts_.size(); ++host) {
        if (hosts_[host] == outcome) found.push_back(host);
    }
    return found;
}

}  // namespace certd
