// What is wrong, or doubtful, with a configuration as a whole although each value is well-formed. Pure.
#pragma once

#include "config/model.hpp"

#include <string>
#include <vector>

namespace certd::config {

struct Finding {
    bool is_error = true;
    Location where;
    std::string message, hint;
};

std::vector<Finding> check(const Config& config);

}  // namespace certd::config
