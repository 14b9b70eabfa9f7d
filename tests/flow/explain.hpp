// What `certctl explain` shows after a fault was made to happen, as one text for assertions.
#pragma once

#include "tests/flow/world.hpp"

#include <functional>
#include <string>
#include <vector>

namespace certd::test {

struct SeededFault {
    std::string name;
    std::function<void(World&)> happens;  // starts the world and makes the fault happen
    std::vector<std::string> says;        // what the operator reads, in whichever order
};

// The page of the real engine, rendered without wrapping and in UTC.
std::string explained(World& world, const std::string& name = "example.com");

// Lets each happen to a world of its own and looks for its words, and for what every explanation has: why, what happens
// next, cause and remedy. A failure shows the whole page.
void check_explanations(const std::vector<SeededFault>& faults);

// Whatever the CA validates from now on is refused with this type and detail.
void refuse_validations(FakeCa& ca, const std::string& type, const std::string& detail);

}  // namespace certd::test
