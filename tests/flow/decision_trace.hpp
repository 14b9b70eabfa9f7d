// The trace of decisions of a lineage, for assertions.
#pragma once

#include "tests/flow/world.hpp"

#include <string>
#include <vector>

namespace certd::test {

// As `explain` has it: what is on disk, and what is about to come there.
std::vector<Decision> trace_of(World& world, const std::string& name = "example.com");
// As the next process would find it.
std::vector<Decision> trace_on_disk(World& world, const std::string& name = "example.com");
// One line for each.
std::string text_of(const std::vector<Decision>& trace);
// The first from `from` on whose line has these words; fails the test when there is none.
Decision decision_with(const std::vector<Decision>& trace, const std::string& words, std::size_t from = 0);
// Of those that stand each differs from the one before it, and the last is what the plan is now.
void check_trace(World& world, const std::string& name = "example.com");

}  // namespace certd::test
