// Which file a command's argv[0] names, and whether it may be trusted to run with our privileges. Blocking but brief: a
// handful of stat calls.
#pragma once

#include "libacme/base/problem.hpp"

#include <optional>
#include <string>
#include <vector>

#include <sys/types.h>

namespace certd {

// The absolute path of the program `name`: looked up in the PATH of `environment` when it has no slash, else taken as
// given (below `directory` when relative). Problem process.notFound; process.start when it is there but not executable.
Result<std::string> find_program(const std::string& name, const std::vector<std::string>& environment,
                                 const std::string& directory = "/");

// Refuses (process.unsafe) a program that somebody else could replace or rewrite: the file or a directory above it, by
// the path as given or with symlinks resolved, is writable by everybody or by a group other than root's (sticky
// directories excepted), or owned by a user other than root, our own and `also_trusted`, the one it will run as.
Result<void> check_trusted(const std::string& program, std::optional<uid_t> also_trusted = std::nullopt);

}  // namespace certd
