// A version on its way to the hosts of a target: transactions side by side, and what is kept of each.
#include "tests/unit/deploy/world.hpp"

#include <algorithm>

#include <fmt/format.h>

using namespace certd;
using namespace certd::test;

namespace {

std::string host_name(std::size_t number) {
    return fmt::format("web{}", number);
}

// A target "fleet" of web1 … webN, each with version 1 deployed and served.
class Fleet : public World {
   public:
    explicit Fleet(std::size_t count, config::Rollout policy = {}) {
        config::Target fleet = target("fleet", certificate_path, key_path);
        fleet.exec.clear();
        fleet.rollout = policy;
        REQUIRE(store.set_live(name, {1}));
        for (std::size_t number = 1; number <= count; ++number) {
            fleet.hosts.push_back({host_name(number), host_name(number)});
            auto& [host, service] = machine(number);
            host.put(certificate_path, material(1).files.fullchain);
            host.put(key_path, material(1).files.privkey, 0600);
            service.start();
            TargetState state;
            state.target = {"fleet"};
            state.host = host_name(number);
            state.state = HostState::deployed;
            state.version = state.wanted = {1};
            state.served_fingerprint = fingerprint(1);
            known.push_back(state);
        }
        configure({fleet});
    }

    FakeHosts::Machine& machine(std::size_t number) { return hosts[host_name(number)]; }

    DeployOutcome roll_out(std::function<void(DeployOrder&)> change = {}) {
        DeployOrder order = this->order(2, {});
        order.places = places_of({{"fleet"}}, &config->targets);
        order.current = known;
        order.ended = [this](TargetState state) -> Task<Result<void>> {
            saved.push_back(state.host);
            co_return Result<void>{};
        };
        if (change) change(order);
        return deploy(std::move(order));
    }

    // The numbers of the versions served: "2 2 1".
    std::string served() {
        std::string text;
        for (const auto& host : config->targets.at({"fleet"}).hosts) {
            const std::string fingerprint = hosts[host.name].service.serves();
            text += fingerprint == this->fingerprint(2) ? "2 " : fingerprint == this->fingerprint(1) ? "1 " : "- ";
        }
        if (!text.empty()) text.pop_back();
        return text;
    }
    std::vector<HostState> states(const DeployOutcome& outcome) const {
        std::vector<HostState> all;
        for (const TargetState& state : outcome.targets)
            all.push_back(state.state);
        return all;
    }

    std::vector<TargetState> known;
    std::vector<std::string> saved;
};

}  // namespace

TEST_CASE("a version reaches every host, and each is recorded as soon as it is done") {
    Fleet fleet(5, {.canary = 1, .batch = 2});
    const DeployOutcome outcome = fleet.roll_out();
    CHECK(outcome.complete);
    CHECK_FALSE(outcome.problem);
    CHECK(fleet.served() == "2 2 2 2 2");
    CHECK(fleet.live() == VersionNumber{2});
    CHECK(fleet.saved.size() == 5);
    CHECK(fleet.saved.front() == "web1");
    REQUIRE(outcome.targets.size() == 5);
    for (const TargetState& state : outcome.targets) {
        CHECK(state.state == HostState::deployed);
        CHECK(state.version == VersionNumber{2});
        CHECK(state.served_fingerprint == fleet.fingerprint(2));
        CHECK(state.verified_at);
    }
    CHECK(fleet.event(EventType::rollout_started)->message == "Rolling version 2 out to 5 hosts of fleet");
    CHECK(fleet.event(EventType::deploy_committed)->host == "web5");
    CHECK(fleet.event(EventType::deploy_committed)->message == "Deployed version 2 to fleet on web5");
    CHECK_FALSE(fleet.has_journal());
}

TEST_CASE("names of users and groups are for the host to find out") {
    Fleet fleet(1);
    config::Target target = fleet.config->targets.at({"fleet"});
    target.install[1].owner = "nobody-here";
    target.install[1].group = "ssl-cert";
    fleet.configure({target});
    CHECK(fleet.roll_out().complete);
    CHECK(fleet.machine(1).host.files.at(key_path).owner_name == "nobody-here");
    CHECK(fleet.machine(1).host.files.at(key_path).group_name == "ssl-cert");
}

TEST_CASE("a broken host stops the rollout after its batch, and the others wait for it") {
    Fleet fleet(8, {.canary = 1, .batch = 2});
    fleet.machine(3).service.config_broken = true;
    const DeployOutcome outcome = fleet.roll_out();
    CHECK_FALSE(outcome.complete);
    CHECK(fleet.served() == "2 2 1 1 1 1 1 1");
    REQUIRE(outcome.problem);
    CHECK(outcome.problem->code == "deploy.rollout");
    CHECK(
        outcome.problem->what ==
        fmt::format("Version 2 did not come to 1 of 8 hosts of fleet: web3; 5 were not tried. As last seen: version 2 "
                    "({}) on web1, web2; version 1 ({}) on web3, web4, web5, web6, web7, web8",
                    fleet.fingerprint(2).substr(0, 8), fleet.fingerprint(1).substr(0, 8)));
    CHECK(outcome.problem->parts.at(0).code == "deploy.test");
    CHECK(outcome.problem->remote.find("unknown directive") != std::string::npos);
    using enum HostState;
    CHECK(fleet.states(outcome) ==
          std::vector{deployed, deployed, failed, pending, pending, pending, pending, pending});
    for (std::size_t host = 3; host < 8; ++host) {
        CHECK(outcome.targets[host].version == VersionNumber{1});
        CHECK(outcome.targets[host].wanted == VersionNumber{2});
        CHECK(outcome.targets[host].next_attempt == outcome.targets[2].next_attempt);
        CHECK(fleet.machine(host + 1).host.log.empty());
    }
    CHECK(fleet.event(EventType::rollout_stopped)->message ==
          "The rollout of version 2 to fleet stopped: web3 failed, 2 serve it, 5 were not tried");
    CHECK(fleet.live() == VersionNumber{2});

    SECTION("and once it is mended all of them get the version") {
        fleet.machine(3).service.config_broken = false;
        fleet.known = outcome.targets;
        const DeployOutcome again = fleet.roll_out([](DeployOrder& order) {
            std::erase_if(order.places,
                          [](const Place& place) { return place.host == "web1" || place.host == "web2"; });
        });
        CHECK(again.complete);
        CHECK(fleet.served() == "2 2 2 2 2 2 2 2");
    }
}

TEST_CASE("a rollout that fails takes the hosts it reached back, when it is told to") {
    Fleet fleet(6, {.canary = 1, .batch = 2, .on_failure = config::Rollout::OnFailure::rollback});
    fleet.machine(5).service.keeps_old = true;
    const DeployOutcome outcome = fleet.roll_out();
    CHECK_FALSE(outcome.complete);
    CHECK(fleet.served() == "1 1 1 1 1 1");
    using enum HostState;
    CHECK(fleet.states(outcome) ==
          std::vector{rolled_back, rolled_back, rolled_back, rolled_back, rolled_back, pending});
    for (std::size_t host = 0; host < 4; ++host) {
        const TargetState& state = outcome.targets[host];
        CHECK(state.version == VersionNumber{1});
        CHECK(state.wanted == VersionNumber{2});
        CHECK(state.served_fingerprint == fleet.fingerprint(1));
        CHECK(state.problem->code == "deploy.rolledBack");
        CHECK(state.next_attempt == outcome.targets[4].next_attempt);
    }
    CHECK(std::ranges::count(fleet.hosts.deliveries, "web1 1 backwards") == 1);
    CHECK(fleet.event(EventType::rollout_stopped));
    CHECK_FALSE(fleet.has_journal());
}

TEST_CASE("a host that cannot be taken back says so and is known to serve the new version") {
    Fleet fleet(3, {.canary = 1, .batch = 1, .on_failure = config::Rollout::OnFailure::rollback});
    fleet.known[0].version = {};  // certd knows of no version there
    fleet.machine(2).service.config_broken = true;
    const DeployOutcome outcome = fleet.roll_out();
    CHECK(fleet.served() == "2 1 1");
    CHECK(outcome.targets[0].version == VersionNumber{2});
    CHECK(outcome.targets[0].problem->code == "deploy.restoreFailed");
    CHECK(outcome.targets[0].problem->what == "fleet on web1 keeps version 2: certd knows of none before it");
}

TEST_CASE("a rollout tells its hosts in their order, each step and how it ended") {
    Fleet fleet(5, {.canary = 1, .batch = 2, .pause_between = minutes(10), .order = config::Rollout::Order::reversed});
    fleet.machine(2).service.config_broken = true;
    fleet.roll_out();
    CHECK(fleet.event(EventType::rollout_started)->data.strings("sequence") ==
          std::vector<std::string>{"web5", "web4", "web3", "web2", "web1"});
    std::vector<std::string> told;
    for (const Event& event : fleet.events) {
        if (event.type == EventType::rollout_step) told.push_back(event.data.string_or("phase") + ": " + event.message);
    }
    REQUIRE(told.size() == 5);
    CHECK(told[0] == "canary: fleet tries web5 first");
    CHECK(told[1].starts_with("pausing: fleet rests until "));
    CHECK(told[1].ends_with(", before batch 1 of 2"));
    CHECK(told[2] == "batch: fleet comes to batch 1 of 2: web4, web3");
    CHECK(told[4] == "batch: fleet comes to batch 2 of 2: web2, web1");
    const Event* finished = fleet.event(EventType::rollout_finished);
    REQUIRE(finished);
    CHECK(finished->data.string_or("outcome") == "incomplete");
    CHECK(finished->data.strings("failed") == std::vector<std::string>{"web2"});
    CHECK(finished->message == "The rollout of version 2 to fleet is incomplete: 4 of 5 hosts have it");
}

TEST_CASE("a rollout that is cut short says that it has ended") {
    Fleet fleet(2);
    fleet.machine(1).host.plan({FaultPlan::never, "", false, 3});
    CHECK_THROWS_AS(fleet.roll_out(), SimulatedCrash);
    CHECK(fleet.event(EventType::rollout_finished)->data.string_or("outcome") == "interrupted");
}

TEST_CASE("hosts are passed over when failures are to be") {
    Fleet fleet(5, {.canary = 1, .batch = 5, .on_failure = config::Rollout::OnFailure::go_on});
    fleet.machine(1).service.config_broken = true;
    fleet.machine(4).host.plan({0, "host.unreachable", true});
    const DeployOutcome outcome = fleet.roll_out();
    CHECK(fleet.served() == "1 2 2 1 2");
    CHECK(outcome.problem->parts.size() == 2);
    using enum HostState;
    CHECK(fleet.states(outcome) == std::vector{failed, deployed, deployed, failed, deployed});
}

TEST_CASE("a rollout rests between its batches") {
    Fleet fleet(4, {.canary = 1, .batch = 2, .pause_between = minutes(10)});
    const Time begin = fleet.clock.now();
    CHECK(fleet.roll_out().complete);
    CHECK(fleet.clock.now() - begin >= minutes(20));
    CHECK(fleet.clock.now() - begin < minutes(30));
}

TEST_CASE("this machine comes before the hosts, and its failure is not theirs") {
    Fleet fleet(2, {.canary = 1, .batch = 1});
    std::vector<config::Target> targets{fleet.target("web", certificate_path, key_path),
                                        fleet.config->targets.at({"fleet"})};
    fleet.configure(targets);
    fleet.host.put(certificate_path, fleet.material(1).files.fullchain);
    fleet.host.put(key_path, fleet.material(1).files.privkey, 0600);
    fleet.service.start();
    fleet.service.config_broken = true;
    const DeployOutcome outcome =
        fleet.roll_out([](DeployOrder& order) { order.places.insert(order.places.begin(), Place{{"web"}}); });
    CHECK_FALSE(outcome.complete);
    CHECK(outcome.problem->code == "deploy.test");
    CHECK(fleet.installed() == 1);
    CHECK(fleet.served() == "2 2");
}

TEST_CASE("a host that is not one of its target's is refused") {
    Fleet fleet(1);
    const DeployOutcome outcome = fleet.roll_out([](DeployOrder& order) { order.places = {Place{{"fleet"}, "web9"}}; });
    CHECK(outcome.problem->what == "There is no way to fleet on web9");
    CHECK(outcome.targets.at(0).host == "web9");
    CHECK(fleet.served() == "1");
}

TEST_CASE("an older version is brought to hosts as what it is") {
    Fleet fleet(1);
    const DeployOutcome outcome = fleet.roll_out([](DeployOrder& order) { order.backwards = true; });
    CHECK(outcome.complete);
    CHECK(std::ranges::count(fleet.hosts.deliveries, "web1 2 backwards") == 1);
}

TEST_CASE("a process that dies in a rollout leaves each host with a pair, and the next one goes on from there") {
    for (std::size_t step = 0;; ++step) {
        INFO("dies at operation " << step);
        Fleet fleet(2, {.canary = 1, .batch = 1});
        fleet.machine(2).host.plan({FaultPlan::never, "", false, step});
        bool died = false;
        try {
            fleet.roll_out();
        } catch (const SimulatedCrash&) {
            died = true;
        }
        fleet.machine(2).host.plan({});
        fleet.recover();  // what happens at the start
        CHECK(fleet.machine(1).service.serves() == fleet.fingerprint(2));
        CHECK(fleet.roll_out().complete);
        CHECK(fleet.served() == "2 2");
        CHECK_FALSE(fleet.has_journal());
        if (!died) break;
        REQUIRE(step < 100);
    }
}

TEST_CASE("a host whose deployment was cut short goes back to what had been there before that") {
    Fleet fleet(1);
    // Dies between the two files: the certificate is new, the key is old.
    std::size_t install = 0;
    for (; install < 100; ++install) {
        Fleet probe(1);
        probe.machine(1).host.plan({FaultPlan::never, "", false, install});
        try {
            probe.roll_out();
            break;
        } catch (const SimulatedCrash&) {}
        const auto& files = probe.machine(1).host.files;
        if (files.at(certificate_path).content != files.at(key_path).content &&
            files.at(certificate_path).content == probe.material(2).files.fullchain &&
            files.at(key_path).content == probe.material(1).files.privkey) {
            break;
        }
    }
    fleet.machine(1).host.plan({FaultPlan::never, "", false, install});
    CHECK_THROWS_AS(fleet.roll_out(), SimulatedCrash);
    CHECK(fleet.has_journal());
    fleet.machine(1).host.plan({});
    fleet.recover();
    CHECK(fleet.has_journal());  // the host may be out of reach: seen to by the next deployment
    fleet.machine(1).service.config_broken = true;
    CHECK_FALSE(fleet.roll_out().complete);
    CHECK(fleet.machine(1).host.content(certificate_path) == fleet.material(1).files.fullchain);
    CHECK(fleet.machine(1).host.content(key_path) == fleet.material(1).files.privkey);
    CHECK_FALSE(fleet.has_journal());
}

TEST_CASE("the journal of a host that is no longer configured is given up, and that is told") {
    Fleet fleet(1);
    fleet.machine(1).host.plan({FaultPlan::never, "", false, 8});
    CHECK_THROWS_AS(fleet.roll_out(), SimulatedCrash);
    REQUIRE(fleet.has_journal());
    auto other = fleet.config->targets.at({"fleet"});
    other.hosts = {{"web2", "web2"}};
    fleet.configure({other});
    fleet.recover();
    CHECK_FALSE(fleet.has_journal());
    CHECK(fleet.event(EventType::deploy_step)->message ==
          "An interrupted deployment of version 2 to fleet on web1 stays as it is: the configuration no longer deploys "
          "there");
}
