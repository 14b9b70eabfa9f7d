// The measurements; each prints its figures and throws when it could not be made.
#pragma once

#include <cstddef>

namespace certd::bench {

void issue(std::size_t lineages, bool always_valid);
void idle(std::size_t lineages, std::size_t idle_seconds);

}  // namespace certd::bench
