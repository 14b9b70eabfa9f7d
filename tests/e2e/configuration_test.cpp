// Configuration: checked, loaded, reloaded, refused.
#include "tests/e2e/world.hpp"

#include <csignal>

using namespace certd::test;

TEST_CASE("certd --check-config shows every error with file, line, caret and what was probably meant") {
    World world;
    world.certd.configure(world.configuration({.lineage_more = "    keyy: [x]\n", .top = "lineage: {}\n"}));
    const Output checked = run({certd_program(), "--check-config", "--config", world.certd.configuration_file()});
    INFO(checked.both());
    REQUIRE(checked.exit_code == 2);
    REQUIRE(checked.both().find("certd.yaml:") != std::string::npos);
    REQUIRE(checked.both().find("'key'") != std::string::npos);
    REQUIRE(checked.both().find("'lineages'") != std::string::npos);
    REQUIRE(checked.both().find('^') != std::string::npos);

    world.certd.configure(world.configuration());
    REQUIRE(run({certd_program(), "--check-config", "--config", world.certd.configuration_file()}).exit_code == 0);
}

TEST_CASE("a bad configuration leaves the running one in force and says so") {
    World world;
    world.issue_first();
    world.certd.configure(world.configuration({.top = "no_such_key: 1\n"}));
    const Output refused = world.certd.ctl({"reload"});
    INFO(refused.both());
    REQUIRE(refused.exit_code == 1);
    REQUIRE(refused.both().find("no_such_key") != std::string::npos);
    REQUIRE(world.certd.ctl({"renew", "shop", "--force"}).exit_code == 0);
    REQUIRE(world.served_is_live());
}

TEST_CASE("SIGHUP reads the configuration again") {
    World world;
    world.start();
    const std::string more = "  second:\n    names: [second.example.test]\n";
    world.certd.configure(world.configuration({.lineage_more = more}));
    world.certd.process().signal(SIGHUP);
    REQUIRE(eventually(60s, [&] { return world.certd.ctl({"status", "second"}).exit_code == 0; }));
    REQUIRE(world.certd.reaches("second", "waiting"));
    REQUIRE(std::filesystem::exists(world.certd.live("second") / "fullchain.pem"));
}

TEST_CASE("a lineage taken out of the configuration stays on disk and is no longer scheduled") {
    World world;
    const std::string more = "  second:\n    names: [second.example.test]\n";
    world.issue_first({.lineage_more = more});
    REQUIRE(world.certd.reaches("second", "waiting"));
    world.certd.configure(world.configuration());
    REQUIRE(world.certd.ctl({"reload"}).exit_code == 0);
    REQUIRE(world.certd.ctl({"status", "second"}).exit_code != 0);
    REQUIRE(world.certd.ctl({"plan"}).out.find("second") == std::string::npos);
    REQUIRE(std::filesystem::exists(world.certd.live("second") / "fullchain.pem"));
}

TEST_CASE("a start with a bad configuration fails at once and names the place") {
    World world;
    world.certd.configure("lineages: [\n");
    const Output refused = run({certd_program(), "--config", world.certd.configuration_file()}, {{}, {}, 10s});
    REQUIRE(refused.exit_code == 2);
    REQUIRE(refused.both().find("certd.yaml:") != std::string::npos);
}
