// What every deployment of this daemon shares; private to daemon/deploy.
#pragma once

#include "daemon/deploy/deployer.hpp"

#include <map>

namespace certd {

struct DeployShared {
    Clock& clock;
    Workers& workers;
    Store& store;
    Host& host;
    EventSink events;
    std::map<TargetName, Gate> gates =
        {};  // one deployment at a time per target, so that two lineages never reload it at once

    Gate& gate(const TargetName& target) { return gates.try_emplace(target, 1).first->second; }
};

}  // namespace certd
