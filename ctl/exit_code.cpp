// From problems to exit codes.
#include "ctl/exit_code.hpp"

#include <algorithm>
#include <array>

namespace certd::ctl {

ExitCode exit_code_for(const Problem& problem) {
    constexpr std::array<std::string_view, 4> of_the_connection = {"control.unreachable", "control.timeout",
                                                                   "control.connectionLost", "control.protocol"};
    if (problem.code == "control.forbidden" || problem.code == "control.socketPermission")
        return ExitCode::not_permitted;
    return std::ranges::find(of_the_connection, problem.code) != of_the_connection.end() ? ExitCode::unreachable
                                                                                         : ExitCode::failed;
}

ExitCode worse(ExitCode left, ExitCode right) {
    constexpr std::array<ExitCode, 6> order = {ExitCode::ok,          ExitCode::unhealthy,     ExitCode::failed,
                                               ExitCode::unreachable, ExitCode::not_permitted, ExitCode::usage};
    return std::ranges::find(order, left) < std::ranges::find(order, right) ? right : left;
}

}  // namespace certd::ctl
