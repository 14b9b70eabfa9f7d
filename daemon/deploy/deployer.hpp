// Brings one version of a lineage to its targets, each as a transaction: back up → install → test → reload → verify →
// commit, or put everything back and verify that (DESIGN §7). `live` flips as the first install step of the first
// target.
#pragma once

#include "config/model.hpp"
#include "daemon/deploy/host.hpp"
#include "daemon/lineage/served.hpp"
#include "daemon/observe/event.hpp"
#include "daemon/store/store.hpp"
#include "libacme/async/gate.hpp"
#include "libacme/async/offload.hpp"

#include <map>
#include <memory>
#include <vector>

namespace certd {

struct DeployOrder {
    config::ConfigPtr config;
    std::shared_ptr<const config::Lineage> spec;
    VersionNumber version;
    std::vector<TargetName> targets;   // which of the lineage's; empty: none, only `live` flips
    std::vector<TargetState> current;  // as known before
    bool manual_rollback = false;      // an older version on purpose: expiry of what it replaces is not held against it
    std::uint64_t job = 0;
};

struct DeployOutcome {
    std::vector<TargetState> targets;  // the new state of each target of the order
    VersionNumber live;                // what `live` names now
    bool complete = false;             // every target of the order serves the version
    std::optional<Problem> problem;    // the first failure; kind deploy, the tool's own words in `remote`
    bool rolled_back_after_verify = false;
};

class Deployer {
   public:
    Deployer(Clock& clock, Workers& workers, Store& store, Host& local, EventSink events);

    // Never throws but on cancellation; a cancelled deployment puts back what it changed (within its own time limit)
    // first.
    Task<DeployOutcome> deploy(DeployOrder order);

    // Checks that a deployment could work and changes nothing: parts, directories, owners, commands, the test command,
    // what is served.
    Task<Result<void>> rehearse(DeployOrder order, VersionFiles files, VersionFacts facts);

    // What the target's endpoints serve now; asked for a few seconds, so that a restart of the service is not taken for
    // its end. Not while a deployment works on the target.
    Task<Looked> look(config::ConfigPtr config, TargetName target, VersionFacts live);

    // Puts back what a deployment interrupted by a crash had changed. Called once at start, before anything is
    // scheduled.
    Task<> recover(LineageName lineage, config::ConfigPtr config);

    // Runs pre- and post-issue hooks with the certbot-compatible environment; the first failure ends it.
    struct HookContext {
        LineageName lineage;
        std::vector<Identifier> names;
        VersionNumber version;  // 0 before the issue
        std::uint64_t job = 0;
    };
    Task<Result<void>> run_hooks(std::vector<config::Hook> hooks, std::string what, HookContext context);

   private:
    struct State;
    std::shared_ptr<State> state_;
};

}  // namespace certd
