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
    Hosts* hosts = nullptr;  // none: every place is on this machine
    // One deployment at a time at each place, so that two lineages never reload it at once.
    std::map<Place, Gate> gates = {};

    Gate& gate(const Place& place) { return gates.try_emplace(place, 1).first->second; }
    // The machine itself; null: there is no way to it.
    std::shared_ptr<Host> open(const config::Target& target, const Place& place, const Delivery& delivery) {
        if (place.is_local()) return {std::shared_ptr<Host>(), &host};
        return hosts != nullptr ? hosts->open(target, place.host, delivery) : nullptr;
    }
};

}  // namespace certd
