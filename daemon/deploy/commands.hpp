// Running other people's programs in a deployment and judging how they ended. The exit status always counts.
#pragma once

#include "config/model.hpp"
#include "daemon/deploy/hook_environment.hpp"
#include "daemon/deploy/host.hpp"

#include <string>
#include <string_view>
#include <vector>

namespace certd {

std::string command_text(const std::vector<std::string>& argv);  // for people: one escaped line

// The problem of a program that did not do well: how it ended in `what`, its own last words in `remote`.
// `subject`: "The test command of web".
Problem command_problem(std::string_view code, const std::string& subject, const Command& command,
                        const ProcessResult& result);
// The same of one that could not be run at all.
Problem command_problem(std::string_view code, const std::string& subject, const Command& command,
                        const Problem& cause);

// The output of a program that did well.
Task<Result<std::string>> run_checked(Host& host, Command command, std::string code, std::string subject);

Command plain_command(const config::CommandLine& line, Duration timeout);
Command hook_command(const config::Hook& hook, const HookFacts& facts);
// The commands of a reload, in order; a unit is asked afterwards whether it lives.
std::vector<Command> reload_commands(const config::Reload& reload, Duration timeout);

}  // namespace certd
