// How the steps of deployments end and how long they take, from the events that tell of them: a step has ended well
// when the next one of the same place begins. What is told of the inside of a step says itself how it ended.
#pragma once

#include "daemon/observe/event.hpp"
#include "daemon/observe/histogram.hpp"

#include <map>
#include <string>
#include <tuple>

namespace certd {

class DeployTiming {
   public:
    void on_event(const Event& event);

    std::map<std::pair<std::string, std::string>, std::uint64_t> counts;  // step, result
    std::map<std::string, Histogram> steps;                               // by step
    Histogram deployments;

   private:
    struct Running {
        std::string step;
        Time began, first;
    };
    using Where = std::tuple<std::uint64_t, std::string, std::string>;  // job, target, host

    void ended_well(const Running& running, Time now);
    void way_back_ended(std::map<Where, Running>::iterator known, Time now);
    void note(const std::string& step, const Event& event);
    std::map<Where, Running> running_;
};

}  // namespace certd
