// Whether the programs that a configuration names can be run, by the rules that hold when they are: found, executable,
// and changed by nobody who is not trusted with certd's privileges. Blocking: call from `offload`.
#pragma once

#include "config/model.hpp"
#include "libacme/async/process.hpp"

#include <string>
#include <string_view>
#include <vector>

namespace certd {

// Adds a problem with `code` about `subject` ("The test command of web") for each reason why it could not be run.
void check_program(const Command& command, std::string_view code, const std::string& subject,
                   std::vector<Problem>& found);

// What a target on this machine runs: hooks, exec, test and reload. `programs` counts what was looked at.
void check_programs(const config::Target& target, std::vector<Problem>& found, std::size_t* programs = nullptr);
// What a lineage runs around an issuance.
void check_programs(const config::Lineage& lineage, std::vector<Problem>& found, std::size_t& programs);

}  // namespace certd
