// Brings one version of a lineage to its targets, each as a transaction: back up → install → test → reload → verify →
// commit, or put everything back and verify that (DESIGN §7). This machine's targets come first, and `live` flips as
// the first install step of the first of them, or before everything else. Targets with hosts follow as rollouts.
#pragma once

#include "config/model.hpp"
#include "daemon/deploy/hosts.hpp"
#include "daemon/lineage/endpoint.hpp"
#include "daemon/lineage/places.hpp"
#include "daemon/lineage/served.hpp"
#include "daemon/observe/event.hpp"
#include "daemon/store/store.hpp"
#include "libacme/async/offload.hpp"

#include <functional>
#include <map>
#include <memory>
#include <vector>

namespace certd {

// That a job will deploy to places, for as long as it has not come there: a reload may wait for it, to serve both.
class Announcement;

struct DeployOrder {
    config::ConfigPtr config;
    std::shared_ptr<const config::Lineage> spec;
    VersionNumber version;
    std::vector<Place> places;         // of the lineage's targets; empty: none, only `live` flips
    std::vector<TargetState> current;  // as known before
    bool manual_rollback = false;      // an older version on purpose: expiry of what it replaces is not held against it
    bool backwards = false;            // older than the newest: hosts are told that they may take it
    std::uint64_t job = 0;
    // Awaited when the order is through with a place on this machine, well or not, before the next one is begun; not
    // after a cancellation.
    std::function<Task<>(Place)> through = {};
    // Awaited with the new state of a host as soon as a rollout is through with it; the outcome repeats it.
    std::function<Task<Result<void>>(TargetState)> ended = {};
    std::shared_ptr<Announcement> announcement = {};  // none: nobody waits for this order
};

struct DeployOutcome {
    std::vector<TargetState> targets;  // the new state of each place of the order
    VersionNumber live;                // what `live` names now
    bool complete = false;             // every place of the order serves the version
    std::optional<Problem> problem;    // the first failure; kind deploy, the tool's own words in `remote`
    bool rolled_back_after_verify = false;
};

// Which steps of a deployment to a place were rehearsed, and which only a deployment can do: "install", "test" …
struct RehearsedPlace {
    Place place;
    std::vector<std::string> steps, not_rehearsed;
};
// "web: install, test; not rehearsed: reload, verify"
std::string describe(const RehearsedPlace& rehearsed);

class Deployer {
   public:
    // Without `hosts` no target may have any.
    Deployer(Clock& clock, Workers& workers, Store& store, Host& local, EventSink events, Hosts* hosts = nullptr);

    // To be made as soon as it is known that a deployment will come, and given along with the order.
    std::shared_ptr<Announcement> announce(const config::Config& config, const std::vector<Place>& places);

    // Never throws but on cancellation; a cancelled deployment puts back what it changed (within its own time limit)
    // first.
    Task<DeployOutcome> deploy(DeployOrder order);

    // Checks that a deployment could work and changes nothing: parts, directories, owners, commands, the test with the
    // new files in a view of its own, what is served. Tells of each place when the order belongs to a job.
    Task<Result<std::vector<RehearsedPlace>>> rehearse(DeployOrder order, VersionFiles files, VersionFacts facts);

    // What the place's endpoints serve now; asked for a few seconds, so that a restart of the service is not taken for
    // its end. Not while a deployment works on it.
    Task<Looked> look(config::ConfigPtr config, Place place, VersionFacts live);

    // What addresses of a watched target show: for each, to every name it is asked with. A few at a time; one that
    // shows nothing is asked again for a few seconds. Problem tls.caBundle, or of the store.
    Task<Result<std::vector<std::vector<EndpointSight>>>> watch(config::ConfigPtr config, TargetName target,
                                                                std::vector<config::VerifyAddress> addresses,
                                                                LineageName lineage, VersionFacts live);

    // Puts back what a deployment interrupted by a crash had changed on this machine. Called once at start, before
    // anything is scheduled. Other hosts may be out of reach: what stands there is seen to by the next deployment to
    // them.
    Task<> recover(LineageName lineage, config::ConfigPtr config);

    // Runs pre- and post-issue hooks with the certbot-compatible environment; the first failure ends it.
    struct HookContext {
        LineageName lineage;
        std::vector<Identifier> names;
        std::optional<VersionFacts> version;  // none before the issue
        std::uint64_t job = 0;
    };
    Task<Result<void>> run_hooks(std::vector<config::Hook> hooks, std::string what, HookContext context);

    // Whether the scripts in pre, deploy and post are there as they must be. Problems hook.directory, process.unsafe.
    Task<Result<void>> check_scripts(config::RenewalHooks hooks);
    // certbot's scripts before and after a round. Of `pre` the first failure ends it; of `post` each is run, and the
    // first failure is the Problem.
    struct ScriptContext {
        std::vector<std::string> lineages;  // whom they are run for, that of the job first
        std::uint64_t job = 0;
    };
    Task<Result<void>> run_pre(config::RenewalHooks hooks, ScriptContext context);
    Task<Result<void>> run_post(HookRound round, ScriptContext context);

   private:
    struct State;
    std::shared_ptr<State> state_;
};

}  // namespace certd
