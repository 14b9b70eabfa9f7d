#include "ctl/rollout_watch.hpp"

#include <algorithm>
#include <array>

#include <fmt/format.h>

namespace certd::ctl {

std::string InPlace::draw(const std::string& frame, const Style& style) {
    bool resized = style.width != width_ || style.height != height_;
    if (frame == drawn_ && !resized) return {};
    std::string out;
    if (!drawn_.empty()) {
        // After a change of size nobody knows where the lines went.
        out = resized ? std::string("\x1b[H\x1b[J") : fmt::format("\x1b[{}A\r", std::ranges::count(drawn_, '\n'));
    }
    std::string_view rest = frame;
    while (!rest.empty()) {
        std::string_view line = rest.substr(0, rest.find('\n'));
        out.append(line).append("\x1b[K\n");
        rest.remove_prefix(std::min(rest.size(), line.size() + 1));
    }
    out += "\x1b[J";
    drawn_ = frame;
    width_ = style.width;
    height_ = style.height;
    return out;
}

ExitCode rollout_exit_code(const std::vector<api::Rollout>& rollouts) {
    constexpr std::array<std::string_view, 3> broken = {"stopped", "rolled-back", "going-back"};
    ExitCode code = ExitCode::ok;
    for (const api::Rollout& rollout : rollouts) {
        if (std::ranges::find(broken, rollout.phase) != broken.end()) code = worse(code, ExitCode::failed);
        if (rollout.failed != 0) code = worse(code, ExitCode::unhealthy);
    }
    return code;
}

}  // namespace certd::ctl
