// Rollouts over real machines that fail, and a certd that dies amid one (faults F52, F54).
#include "tests/support/fleet.hpp"
#include "tests/e2e/world.hpp"

#include <fmt/format.h>

#include <filesystem>

using namespace certd::test;

namespace {

namespace fs = std::filesystem;

Sample sample(const Fleet& fleet) {
    return {.targets = "[fleet]", .more_targets = fleet.target()};
}

// How many hosts of the lineage are in this state.
std::size_t hosts_in(const World& world, const std::string& state) {
    const certd::Json lineage = world.certd.lineage("shop");
    std::size_t count = 0;
    for (const certd::Json& target : *lineage["targets"].if_array())
        count += target.string_or("state") == state ? 1U : 0U;
    return count;
}

}  // namespace

TEST_CASE("of twenty hosts the third is down: the rollout stops after its batch, and goes on when the host returns") {
    World world;
    Fleet fleet(world.directory(), 20, "{ canary: 1, batch: 5 }");
    world.start(sample(fleet));
    const Output issued = world.certd.ctl({"renew", "shop"});
    INFO(issued.both());
    REQUIRE(issued.exit_code == 0);
    const std::string first = world.live_fingerprint();
    REQUIRE(fleet.serving(first) == 20);
    REQUIRE(hosts_in(world, "deployed") == 20);

    fleet[3].sshd.stop();
    const Output stopped = world.certd.ctl({"renew", "shop", "--force"});
    INFO(stopped.both());
    REQUIRE(stopped.exit_code == 1);
    const std::string second = world.live_fingerprint();
    REQUIRE(second != first);
    REQUIRE(fleet.serving(second) == 5);  // the canary, and four of the batch of five
    REQUIRE(fleet.serving(first) == 15);
    REQUIRE(fleet[3].served() == first);
    REQUIRE(hosts_in(world, "failed") == 1);
    REQUIRE(hosts_in(world, "pending") == 14);
    const certd::Json problem = world.certd.lineage("shop")["last_problem"];
    REQUIRE(problem.string_or("code") == "deploy.rollout");
    REQUIRE(problem.string_or("what").find(fleet[3].sshd.host()) != std::string::npos);
    REQUIRE(world.certd.ctl({"status"}).exit_code == 4);

    fleet[3].sshd.start();
    REQUIRE(world.certd.reaches("shop", "waiting", 150s));
    REQUIRE(fleet.serving(second) == 20);
    REQUIRE(fleet.all_have_pairs());
    REQUIRE(world.pebble.orders() == 2);
}

TEST_CASE("killed at each request of a rollout to two hosts, certd goes on from there, and no host has half a pair") {
    World world;
    Fleet fleet(world.directory(), 2, "{ canary: 1, batch: 1 }");
    const fs::path count = world.directory() / "count", die_at = world.directory() / "die_at",
                   pid = world.directory() / "pid";
    write_file(count, "0");
    write_file(die_at, "0");
    for (std::size_t number = 1; number <= 2; ++number) {
        const fs::path shim = world.directory() / fmt::format("shim{}", number);
        write_script(shim, fmt::format("n=$(($(cat {0}) + 1)); echo $n >{0}\n"
                                       "[ $n != \"$(cat {1})\" ] || kill -9 \"$(cat {2})\"\n"
                                       "exec /bin/sh {3}",
                                       count.string(), die_at.string(), pid.string(), fleet[number].certd_host()));
        fleet[number].run_by(shim.string());
    }
    world.start(sample(fleet));
    REQUIRE(world.certd.ctl({"renew", "shop"}).exit_code == 0);

    std::size_t deaths = 0;
    for (std::size_t request = 1;; ++request) {
        INFO("killed at request " << request);
        write_file(pid, std::to_string(world.certd.process().pid()));
        write_file(count, "0");
        write_file(die_at, std::to_string(request));
        (void)world.certd.ctl({"renew", "shop", "--force"});
        const bool died = !world.certd.process().alive();
        write_file(die_at, "0");
        // What had been asked of the hosts is carried out without certd.
        REQUIRE(eventually(10s, [&] { return fleet.all_have_pairs(); }));
        if (!died) break;
        ++deaths;
        world.certd.start();
        REQUIRE(world.certd.reaches("shop", "waiting", 60s));
        REQUIRE(fleet.serving(world.live_fingerprint()) == 2);
        REQUIRE(fleet.all_have_pairs());
    }
    REQUIRE(deaths >= 8);
    REQUIRE(fleet.serving(world.live_fingerprint()) == 2);
}
