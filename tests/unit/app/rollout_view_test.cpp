// Rollouts as the control API shows them: from the state of each host, and from what runs.
#include "daemon/app/rollout_view.hpp"
#include "daemon/app/views.hpp"
#include "tests/support/catch.hpp"

#include <fmt/format.h>

using namespace certd;

namespace {

const Time now{days(20000)};
const std::string four(64, '4'), five(64, '5');

// Version 5 is on its way to four hosts that serve version 4.
struct Fleet {
    Targets targets;
    Entry entry;
    RolloutBoard board;

    Fleet() {
        config::Target& target = targets[{"fleet"}];
        target.name = {"fleet"};
        auto spec = std::make_shared<config::Lineage>();
        spec->name = "shop";
        spec->names = {{Identifier::Type::dns, "example.com"}};
        spec->cas = {{"main"}};
        spec->targets = {{"fleet"}};
        entry.record.spec = spec;
        entry.record.live = entry.record.newest = facts(5, five);
        entry.record.state.live = entry.record.state.newest = {5};
        for (int number = 1; number <= 4; ++number) {
            const std::string name = fmt::format("web{}", number);
            target.hosts.push_back({name, name});
            TargetState state;
            state.target = {"fleet"};
            state.host = name;
            state.state = HostState::deployed;
            state.version = state.wanted = {4};
            state.served_fingerprint = four;
            state.verified_at = now - days(3);
            entry.record.state.targets.push_back(state);
        }
    }
    static std::shared_ptr<const VersionFacts> facts(std::uint32_t number, const std::string& fingerprint) {
        VersionFacts made;
        made.number = {number};
        made.fingerprint = fingerprint;
        return std::make_shared<const VersionFacts>(made);
    }
    TargetState& host(std::size_t number) { return entry.record.state.targets.at(number - 1); }
    void got_it(std::size_t number) {
        host(number).version = host(number).wanted = {5};
        host(number).served_fingerprint = five;
    }
    void failed(std::size_t number) {
        host(number).state = HostState::failed;
        host(number).wanted = {5};
        host(number).problem = problem("deploy.test", "The test command failed");
        host(number).next_attempt = now + minutes(5);
    }
    void held(std::size_t number) {
        host(number).state = HostState::pending;
        host(number).wanted = {5};
    }
    api::Lineage view() { return lineage_view(entry, Plan{}, false, &targets, &board); }
    api::Rollout rollout() { return view().rollouts.at(0); }

    void run() {
        entry.job = std::make_shared<Job>();
        entry.job->id = 7;
        tell(EventType::rollout_started, Json::object({{"version", 5}, {"sequence", Json::array({"web2", "web1"})}}));
        tell(EventType::rollout_step, Json::object({{"phase", "batch"}, {"batch", 1}, {"batches", 2}}));
        tell(EventType::deploy_step, Json::object({{"step", "reload"}}), "web2");
    }
    void tell(EventType type, Json data, std::string host = {}) {
        Event event;
        event.type = type;
        event.lineage = "shop";
        event.target = "fleet";
        event.host = std::move(host);
        event.job = 7;
        event.at = now;
        event.data = std::move(data);
        board.take(event);
    }
};

}  // namespace

TEST_CASE("a version that every host has is complete") {
    Fleet fleet;
    for (std::size_t number = 1; number <= 4; ++number)
        fleet.got_it(number);
    CHECK(fleet.rollout().phase == "complete");
    CHECK(fleet.rollout().version == 5);
    CHECK(fleet.rollout().serving == 4);
    CHECK(fleet.rollout().total == 4);
    CHECK(fleet.rollout().served.size() == 1);
    CHECK_FALSE(fleet.rollout().running);
}

TEST_CASE("a rollout that was stopped is known by the hosts that wait, also after a restart") {
    Fleet fleet;
    fleet.got_it(1);
    fleet.failed(2);
    fleet.held(3);
    fleet.held(4);
    const api::Rollout seen = fleet.rollout();
    CHECK(seen.phase == "stopped");
    CHECK(seen.serving == 1);
    CHECK(seen.failed == 1);
    CHECK(seen.pending == 2);
    CHECK(seen.failed_hosts == std::vector<std::string>{"web2"});
    CHECK(seen.next_attempt == now + minutes(5));
    CHECK(seen.hosts == std::vector<std::string>{"web2", "web1", "web3", "web4"});  // as it will go on
    REQUIRE(seen.served.size() == 2);
    CHECK(seen.served[0].version == 5);
    CHECK(seen.served[1].hosts == std::vector<std::string>{"web2", "web3", "web4"});
}

TEST_CASE("one that went through all hosts although some failed is incomplete") {
    Fleet fleet;
    for (std::size_t number = 1; number <= 3; ++number)
        fleet.got_it(number);
    fleet.failed(4);
    CHECK(fleet.rollout().phase == "incomplete");
}

TEST_CASE("hosts that went back because of others say that the rollout did, and are none that failed") {
    Fleet fleet;
    fleet.host(1).state = HostState::rolled_back;
    fleet.host(1).problem = problem("deploy.rolledBack", "Version 5 was taken back");
    fleet.failed(2);
    fleet.held(3);
    CHECK(fleet.rollout().phase == "rolled-back");
    CHECK(fleet.rollout().failed == 1);
    CHECK(fleet.rollout().failed_hosts == std::vector<std::string>{"web2"});
}

TEST_CASE("a version that no host has been given yet is pending") {
    Fleet fleet;
    CHECK(fleet.rollout().phase == "pending");
    CHECK(fleet.rollout().pending == 4);
}

TEST_CASE("a host that has ceased to show its certificate is one that failed") {
    Fleet fleet;
    for (std::size_t number = 1; number <= 4; ++number)
        fleet.got_it(number);
    fleet.host(3).problem = problem("tls.notServed", "It serves another one");
    CHECK(fleet.rollout().failed == 1);
    CHECK(fleet.rollout().serving == 3);
}

TEST_CASE("while a rollout runs its phase and steps are those of the moment") {
    Fleet fleet;
    fleet.run();
    const api::Lineage seen = fleet.view();
    const api::Rollout& rollout = seen.rollouts.at(0);
    CHECK(rollout.running);
    CHECK(rollout.phase == "batch");
    CHECK(rollout.batch == 1);
    CHECK(rollout.batches == 2);
    CHECK(rollout.started == now);
    CHECK(rollout.hosts == std::vector<std::string>{"web2", "web1", "web3", "web4"});
    CHECK(seen.targets[1].step == "reload");
    CHECK(seen.targets[0].step.empty());
}

TEST_CASE("what ran in an earlier job says nothing about this one, nor about a lineage at rest") {
    Fleet fleet;
    fleet.run();
    fleet.entry.job->id = 8;
    CHECK_FALSE(fleet.rollout().running);
    fleet.entry.job.reset();
    CHECK(fleet.view().targets[1].step.empty());
}

TEST_CASE("an explanation says who serves what as soon as not all serve the same") {
    Fleet fleet;
    fleet.got_it(1);
    fleet.failed(2);
    CHECK(
        served_sentences(fleet.view().rollouts) ==
        std::vector<std::string>{"The hosts of fleet as last seen: version 5 (55555555) on web1; version 4 (44444444) "
                                 "on web2, web3, web4."});
    for (std::size_t number = 2; number <= 4; ++number) {
        fleet.host(number).state = HostState::deployed;
        fleet.host(number).problem.reset();
        fleet.got_it(number);
    }
    CHECK(served_sentences(fleet.view().rollouts).empty());
}

TEST_CASE("what hosts serve is known by all versions that are kept") {
    Fleet fleet;
    for (std::size_t number = 1; number <= 4; ++number)
        fleet.failed(number);
    api::Lineage seen = fleet.view();
    CHECK(seen.rollouts.at(0).served.at(0).version == 0);
    add_versions(seen, fleet.entry.record.state, {*Fleet::facts(4, four), *Fleet::facts(5, five)});
    CHECK(seen.rollouts.at(0).served.at(0).version == 4);
}
