// In which order the hosts of a target get a version, and what their failures mean for the others. Pure: told how each
// host ended, it says what is next. Hosts are numbers, in the order of the rollout.
#pragma once

#include "config/model.hpp"

#include <cstddef>
#include <vector>

namespace certd {

struct RolloutStep {
    enum class Kind {
        deploy,   // to `hosts`, side by side
        pause,    // for the time the policy asks for
        go_back,  // `hosts` have the version and are to lose it again, one after another
        done
    };
    Kind kind = Kind::done;
    std::vector<std::size_t> hosts = {};
    bool canary = false;                 // of `deploy`
    std::size_t batch = 0, batches = 0;  // which batch this is, or the one that follows the pause; from 1
    bool operator==(const RolloutStep&) const = default;
};

class Rollout {
   public:
    Rollout(std::size_t hosts, config::Rollout policy);

    const RolloutStep& next() const { return step_; }
    // Of one host of a `deploy` step, in any order.
    void report(std::size_t host, bool well);
    // That every host of the step was reported on, or the pause is over, or the way back ended.
    void step_ended();

    // Ended before its last host, because more of them failed than may.
    bool stopped() const { return stopped_; }
    std::vector<std::size_t> served() const { return with(Outcome::well); }
    std::vector<std::size_t> failed() const { return with(Outcome::badly); }
    std::vector<std::size_t> untried() const { return with(Outcome::none); }

   private:
    enum class Outcome { none, well, badly };
    std::vector<std::size_t> with(Outcome outcome) const;
    RolloutStep next_hosts() const;
    RolloutStep stop();

    config::Rollout policy_;
    std::vector<Outcome> hosts_;
    RolloutStep step_;
    std::size_t batches_done_ = 0;
    bool stopped_ = false;
};

}  // namespace certd
