// What following a rollout needs beside the rendering: a frame that is drawn over the one before, and the exit code.
// Pure.
#pragma once

#include "ctl/api/types.hpp"
#include "ctl/exit_code.hpp"
#include "ctl/layout.hpp"

#include <string>
#include <vector>

namespace certd::ctl {

// Frames of lines on a terminal, each drawn over the one before without clearing the screen in between, so that nothing
// flickers and what stood above stays.
class InPlace {
   public:
    // What to write; empty when nothing has changed. Each line ends in a newline and is narrower than the terminal.
    std::string draw(const std::string& frame, const Style& style);

   private:
    std::string drawn_;
    std::size_t width_ = 0, height_ = 0;
};

// 1 when a rollout was stopped or goes back or went back, 4 when hosts remain that failed, else 0.
ExitCode rollout_exit_code(const std::vector<api::Rollout>& rollouts);

}  // namespace certd::ctl
