// What the targets of one order have in common: the version with its files, what it replaces, and how to tell of it.
#pragma once

#include "daemon/deploy/deploy_shared.hpp"

#include <optional>
#include <string>
#include <string_view>

namespace certd {

struct OrderContext {
    DeployShared& shared;
    DeployOrder order;
    LineageName lineage;
    VersionFiles files;
    VersionFacts facts;
    VersionNumber previous;  // what `live` named before
    std::optional<VersionFacts> previous_facts;

    bool expired(Time not_after) const;  // and that counts against going back to it
    // Of the order as a whole when the place has no target.
    void tell(EventType type, Severity severity, const Place& place, std::string message, Json data = Json::object(),
              std::optional<Problem> cause = std::nullopt) const;
};

// A place of the order that the configuration does not know, or that there is no way to. Problem deploy.install.
std::optional<Problem> unknown_place(const DeployShared& shared, const DeployOrder& order);

// Reads and checks what is to be deployed. Problems storage.*, crypto.*, deploy.expired.
Task<Result<OrderContext>> prepare(DeployShared& shared, DeployOrder order);

}  // namespace certd
