// certctl and the control API: exit codes, roles, joined jobs, plain HTTP.
#include "tests/e2e/world.hpp"

#include <future>

using namespace certd::test;

namespace {

constexpr uid_t nobody = 65534;  // primary group nogroup, which is in the system's group database

// So that another user can reach the control socket's directory.
void open_up(const World& world) {
    namespace fs = std::filesystem;
    fs::permissions(world.directory(), fs::perms::others_exec, fs::perm_options::add);
    fs::permissions(world.certd.directory(), fs::perms::others_exec, fs::perm_options::add);
}

}  // namespace

TEST_CASE("certctl's exit codes tell what happened") {
    World world;
    REQUIRE(world.certd.ctl({"status"}).exit_code == 3);  // no daemon
    world.issue_first();
    REQUIRE(world.certd.ctl({"status"}).exit_code == 0);
    REQUIRE(world.certd.ctl({"status", "shop"}).exit_code == 0);
    REQUIRE(world.certd.ctl({"plan"}).exit_code == 0);
    REQUIRE(world.certd.ctl({"limits"}).out == "No rate limit is in use\n");
    REQUIRE(world.certd.ctl({"explain", "shop"}).exit_code == 0);
    REQUIRE(world.certd.ctl({"explain", "nosuch"}).exit_code == 1);
    REQUIRE(world.certd.ctl({"renew", "nosuch"}).exit_code == 1);
    REQUIRE(world.certd.ctl({"renwe"}).exit_code == 2);
    REQUIRE(world.certd.ctl({"renew"}).exit_code == 2);
    REQUIRE(world.certd.ctl({"status", "--no-such-option"}).exit_code == 2);
    REQUIRE(world.certd.ctl({"--help"}).exit_code == 0);
    REQUIRE(world.certd.ctl({"--version"}).exit_code == 0);

    world.nginx.break_configuration();
    REQUIRE(world.certd.ctl({"renew", "shop", "--force"}).exit_code == 1);
    REQUIRE(world.certd.ctl({"status"}).exit_code == 4);
    REQUIRE(world.certd.ctl({"status", "--json"}).exit_code == 4);
}

TEST_CASE("completion knows what certd knows, and is silent when certd is not there") {
    World world;
    const Output nothing = world.certd.ctl({"completion", "names"});
    REQUIRE(nothing.exit_code == 3);
    REQUIRE(nothing.both().empty());
    world.issue_first();
    REQUIRE(world.certd.ctl({"completion", "names"}).out == "shop\n");
    REQUIRE(world.certd.ctl({"completion", "targets", "shop"}).out == "web\n");
    REQUIRE(world.certd.ctl({"completion", "hosts", "shop"}).out == "local\n");
    REQUIRE(world.certd.ctl({"completion", "versions", "shop"}).out == "1\n");
    REQUIRE(world.certd.ctl({"completion", "cas"}).out == "pebble\n");
    REQUIRE(world.certd.ctl({"completion", "targets", "nosuch"}).both().empty());
    REQUIRE(world.certd.ctl({"completion", "csh"}).exit_code == 2);
}

TEST_CASE("what a user may do follows from the groups of the peer") {
    World world;
    open_up(world);
    const auto as_nobody = [&](std::vector<std::string> arguments) {
        const Output output = world.certd.ctl(arguments, {{}, nobody, 60s});
        UNSCOPED_INFO(arguments.front() << ": " << output.both());
        return output.exit_code;
    };
    SECTION("a member of the control group is an operator") {
        world.issue_first({.control_group = "nogroup"});
        REQUIRE(as_nobody({"status"}) == 0);
        REQUIRE(as_nobody({"renew", "shop"}) == 0);
        REQUIRE(as_nobody({"reload"}) == 0);
        REQUIRE(world.certd.log().find("65534") != std::string::npos);  // mutating calls are logged with their caller
    }
    SECTION("a viewer may look and nothing else") {
        world.issue_first({.control_more = ", viewers: [nogroup]"});
        REQUIRE(as_nobody({"status"}) == 0);
        REQUIRE(as_nobody({"explain", "shop"}) == 0);
        for (const char* verb : {"renew", "deploy", "rollback", "pause", "resume"}) {
            CAPTURE(verb);
            REQUIRE(as_nobody({verb, "shop"}) == 5);
        }
        REQUIRE(as_nobody({"reload"}) == 5);
        REQUIRE(world.pebble.orders() == 1);
    }
    SECTION("anybody else may not even look") {
        world.issue_first();
        REQUIRE(as_nobody({"status"}) == 5);
        REQUIRE(as_nobody({"renew", "shop"}) == 5);
    }
}

TEST_CASE("two clients that ask for the same renewal join one job") {
    World world;
    world.issue_first();
    const auto renew = [&] { return world.certd.ctl({"renew", "shop", "--force"}).exit_code; };
    // The children of `run` are reaped by pid, so two threads may each run one.
    auto first = std::async(std::launch::async, renew);
    auto second = std::async(std::launch::async, renew);
    REQUIRE(first.get() == 0);
    REQUIRE(second.get() == 0);
    REQUIRE(world.certd.version("shop") <= 3);
    REQUIRE(world.served_is_live());
}

TEST_CASE("a paused lineage is left alone until it is resumed") {
    World world;
    world.issue_first();
    REQUIRE(world.certd.ctl({"pause", "shop"}).exit_code == 0);
    REQUIRE(world.certd.state("shop") == "paused");
    world.certd.configure(world.configuration({.names = "[a.example.test, c.example.test]"}));
    REQUIRE(world.certd.ctl({"reload"}).exit_code == 0);
    world.certd.terminate();
    world.certd.start();
    REQUIRE(world.certd.state("shop") == "paused");
    REQUIRE(world.pebble.orders() == 1);
    REQUIRE(world.certd.ctl({"resume", "shop"}).exit_code == 0);
    REQUIRE(eventually(60s, [&] { return world.certd.version("shop") == 2; }));
}

TEST_CASE("the control API is plain HTTP that curl understands") {
    World world;
    world.issue_first();
    const auto curl = [&](std::vector<std::string> arguments) {
        std::vector<std::string> argv{program("curl"), "-sS", "--unix-socket", world.certd.socket()};
        argv.insert(argv.end(), arguments.begin(), arguments.end());
        return run(argv).out;
    };
    const auto lineages = certd::parse_json(curl({"http://certd/v1/lineages"}));
    REQUIRE(lineages);
    const auto missing =
        curl({"-o", "/dev/null", "-w", "%{http_code} %{content_type}", "http://certd/v1/lineages/nosuch"});
    REQUIRE(missing == "404 application/problem+json");
    const std::string streamed =
        curl({"-X", "POST", "-d", R"({"force": true})", "http://certd/v1/lineages/shop/renew"});
    const std::size_t last = streamed.rfind('\n', streamed.size() - 2);
    const auto result = certd::parse_json(streamed.substr(last == std::string::npos ? 0 : last + 1));
    INFO(streamed);
    REQUIRE(result);
    REQUIRE((*result)["result"].is_object());
    REQUIRE(world.certd.version("shop") == 2);
}

TEST_CASE("events tell what happened, in order and as JSON") {
    World world;
    world.issue_first();
    const Output events = world.certd.ctl({"events", "--json"}, {{}, {}, 10s});
    INFO(events.both());
    REQUIRE(events.exit_code == 0);
    REQUIRE(events.out.find("renewal.issued") != std::string::npos);
    REQUIRE(events.out.find("renewal.issued") < events.out.find("deploy.committed"));
}

TEST_CASE("check finds what would go wrong and changes nothing") {
    World world;
    world.issue_first();
    const Output fine = world.certd.ctl({"check", "shop"});
    INFO(fine.both());
    REQUIRE(fine.exit_code == 0);
    world.nginx.break_configuration();
    const Output broken = world.certd.ctl({"check", "shop"});
    INFO(broken.both());
    REQUIRE(broken.exit_code != 0);
    REQUIRE(broken.both().find("unknown directive") != std::string::npos);
    REQUIRE(world.pebble.orders() == 1);
    REQUIRE(world.served_is_live());
}
