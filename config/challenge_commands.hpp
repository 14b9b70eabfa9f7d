// The commands that answer a challenge in certd's place: those of a DNS provider, and of http-01.
#pragma once

#include "libacme/base/time.hpp"

#include <string>
#include <vector>

namespace certd::config {

struct ChallengeCommands {
    std::vector<std::string> present, cleanup, wait;  // argv lists; wait is optional
    Duration timeout = minutes(5);
    std::string user;  // empty: certd's own
    bool operator==(const ChallengeCommands&) const = default;
};

}  // namespace certd::config
