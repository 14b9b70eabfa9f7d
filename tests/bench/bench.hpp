// The measurements; each prints its figures and throws when it could not be made.
#pragma once

#include <cstddef>

namespace certd::bench {

void issue(std::size_t lineages, bool always_valid);
void idle(std::size_t lineages, std::size_t idle_seconds);
void deploy(std::size_t deployments);  // throws on a mismatch, a missing file or a refused handshake too
void fleet(std::size_t hosts, std::size_t batch);

}  // namespace certd::bench
