// certctl's exit codes: a contract with scripts (DESIGN §6).
#pragma once

#include "libacme/base/problem.hpp"

namespace certd::ctl {

enum class ExitCode { ok = 0, failed = 1, usage = 2, unreachable = 3, unhealthy = 4, not_permitted = 5 };

ExitCode exit_code_for(const Problem& problem);

// Of several operations the one that says most: not permitted, then unreachable, then failed, then unhealthy.
ExitCode worse(ExitCode left, ExitCode right);

}  // namespace certd::ctl
