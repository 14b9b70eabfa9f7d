// The progress of running jobs as text: finished steps with a mark and their time, and a live line for what is going
// on. Pure: it is told what happened and how late it is.
#pragma once

#include "ctl/api/types.hpp"
#include "ctl/layout.hpp"

#include <map>
#include <string>

namespace certd::ctl {

class Progress {
   public:
    // `live`: steps are shown on the live line until they have ended; else each event is a line at once.
    Progress(Style style, bool live) : style_(style), live_(live) {}

    // Each returns the lines to print. `now`: monotonic.
    std::string started(const std::string& lineage, const api::JobStarted& job, Duration now);
    std::string event(const std::string& lineage, const api::Event& event, Duration now);
    std::string succeeded(const std::string& lineage, const api::JobResult& result, Duration now);
    std::string failed(const std::string& lineage, const Problem& problem, Duration now);

    // "⠙ example.com: Validating www.example.com 3s"; empty when nothing runs. At most as wide as the device.
    std::string live_line(Duration now, std::size_t width) const;

   private:
    struct Job {
        std::string step;  // clean; empty: between steps
        std::optional<Time> step_at;
        Duration step_since{};
        Duration since{};
    };
    Job& job(const std::string& lineage, Duration now);
    std::string end_step(const std::string& lineage, Job& job, bool ok, std::optional<Time> at, Duration now);
    enum class Mark { done, failed, note };
    std::string line(Mark mark, const std::string& lineage, std::string_view text, std::optional<Duration> took) const;
    Mark mark_of(const api::Event& event) const;

    Style style_;
    bool live_;
    std::map<std::string, Job> jobs_;
};

}  // namespace certd::ctl
