// Which places lag behind the version they should serve.
#include "daemon/lineage/deploy_need.hpp"

#include <algorithm>

#include <fmt/format.h>

namespace certd {

namespace {

constexpr Duration together = minutes(1);  // places due within this of the first are tried in one go

bool is_rejected(const PlanInput& input, VersionNumber number) {
    return std::ranges::find(input.state.rejected, number) != input.state.rejected.end();
}

// The version that targets should serve: the newest, or after a manual rollback what it went back to.
const VersionFacts* wanted_version(const PlanInput& input) {
    bool newest_wanted = input.newest && !input.state.held && !is_rejected(input, input.newest->number);
    const std::optional<VersionFacts>& wanted = newest_wanted ? input.newest : input.live;
    if (!wanted || is_rejected(input, wanted->number)) return nullptr;
    // Never an expired certificate in place of another one, or of none (invariant I6).
    return wanted->valid_until() > input.now ? &*wanted : nullptr;
}

struct Lagging {
    Place place;
    Opening opening;
    bool held = false;  // by the maintenance windows of its target
    Time at() const { return opening.at; }
};

class Survey {
   public:
    Survey(const PlanInput& input, const VersionFacts& wanted)
        : input_(input), wanted_(wanted.number), goes_back_(!input.newest || wanted.number != input.newest->number) {}

    // One never seen is due now.
    void look_at(const Place& place) {
        auto known = std::ranges::find(input_.state.targets, place, &TargetState::place);
        if (known == input_.state.targets.end()) {
            add(place, input_.now);
        } else if (is_behind(*known)) {
            note_failure(*known);
            add(place, next_attempt(*known));
        }
    }

    // The switch of `live` is recorded as a target without a name.
    void look_at_live() {
        if (input_.live && input_.live->number == wanted_) return;
        live_at_ = input_.now;
        for (const TargetState& state : input_.state.targets) {
            if (!state.target.text.empty()) continue;
            note_failure(state);
            live_at_ = next_attempt(state);
        }
    }

    std::optional<DeployNeed> result() && {
        if (lagging_.empty() && !live_at_) return std::nullopt;
        need_.version = wanted_;
        need_.at = lagging_.empty() ? *live_at_ : std::ranges::min(lagging_, {}, &Lagging::at).at();
        bool held = false;
        for (const Lagging& one : lagging_) {
            if (one.at() > std::max(need_.at, input_.now) + together) continue;
            need_.places.push_back(one.place);
            need_.overrides |= one.opening.overridden;
            held |= one.held;
        }
        need_.reasons.push_back(
            need_.places.empty() ? fmt::format("version {} is not live yet", wanted_.value)
                                 : fmt::format("version {} is not deployed to {}", wanted_.value, list(need_.places)));
        if (need_.overrides) {
            need_.reasons.emplace_back("the maintenance window would come too late for what is served");
        } else if (held) {
            need_.reasons.push_back(fmt::format("the maintenance window opens at {}",
                                                format_rfc3339(std::chrono::floor<seconds>(need_.at))));
        } else if (need_.failing && need_.at > input_.now) {
            need_.reasons.emplace_back("the last deployment failed");
        }
        return std::move(need_);
    }

   private:
    void add(const Place& place, Time at) {
        Time due = std::max(at, input_.now);
        Opening opening = opening_of(input_, place, due);
        bool held = opening.at > due;
        if (!held) opening.at = at;
        lagging_.push_back({place, opening, held});
    }

    bool is_behind(const TargetState& state) const {
        // After a manual rollback the state tells how the target came to its version, the version tells whether to act.
        if (goes_back_) return state.version != wanted_;
        return state.state != HostState::deployed || state.version < wanted_;
    }

    // What an older version's deployment failed on is no reason to let a new one wait.
    Time next_attempt(const TargetState& state) const {
        bool about_this = !state.wanted || state.wanted == wanted_;
        return about_this ? state.next_attempt.value_or(input_.now) : input_.now;
    }

    void note_failure(const TargetState& state) {
        if (state.state != HostState::failed && state.state != HostState::rolled_back) return;
        need_.failing = true;
        need_.rolled_back |= state.state == HostState::rolled_back;
        if (!need_.problem) need_.problem = state.problem;
    }

    const PlanInput& input_;
    VersionNumber wanted_;
    bool goes_back_;
    std::vector<Lagging> lagging_;
    std::optional<Time> live_at_;
    DeployNeed need_;
};

}  // namespace

Opening opening_of(const PlanInput& input, const Place& place, Time at) {
    if (input.targets == nullptr) return {at};
    auto target = input.targets->find(place.target);
    if (target == input.targets->end()) return {at};
    Time opening = config::next_opening(target->second.maintenance, at);
    if (opening <= at) return {at};
    auto known = std::ranges::find(input.state.targets, place, &TargetState::place);
    std::optional<Time> emergency = known != input.state.targets.end() ? known->emergency_at : std::nullopt;
    if (!emergency && input.live) emergency = emergency_point(*input.live);
    if (!emergency || *emergency >= opening) return {opening};
    return {std::max(at, *emergency), true};
}

std::optional<DeployNeed> deploy_need(const PlanInput& input) {
    const VersionFacts* wanted = wanted_version(input);
    if (!wanted) return std::nullopt;
    Survey survey(input, *wanted);
    for (const Place& place : places_of(input.spec.targets, input.targets))
        survey.look_at(place);
    survey.look_at_live();
    return std::move(survey).result();
}

}  // namespace certd
