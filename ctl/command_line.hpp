// The command line of certctl: parsed and checked according to the table of commands.
#pragma once

#include "ctl/commands.hpp"

#include <optional>
#include <string>
#include <vector>

namespace certd::ctl {

struct CommandLine {
    Options options;
    const Command* command = nullptr;  // nullptr: `text` is all there is to say
    std::string text;                  // help, version or what is wrong
    bool wrong = false;                // usage: exit code 2
};

// `socket`: of $CERTD_SOCKET, when it is set and not empty.
CommandLine parse_command_line(std::vector<std::string> arguments, const std::optional<std::string>& socket);

}  // namespace certd::ctl
