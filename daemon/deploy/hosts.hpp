// Where the machines of a deployment come from that are not this one.
#pragma once

#include "config/model.hpp"
#include "daemon/deploy/host.hpp"
#include "libacme/base/ids.hpp"

#include <memory>
#include <string>

namespace certd {

// What is about to be brought to a host. A host remembers it for each lineage and target, so that a version that came
// late never takes the place of a newer one (faults F55).
struct Delivery {
    std::string lineage;
    TargetName target;
    VersionNumber version;
    bool backwards = false;  // an older version on purpose
};

class Hosts {
   public:
    virtual ~Hosts() = default;
    // `name` is that of one of the target's hosts. No connection is made yet. The result holds what it needs of
    // `target`.
    virtual std::shared_ptr<Host> open(const config::Target& target, const std::string& name, Delivery delivery) = 0;
};

}  // namespace certd
