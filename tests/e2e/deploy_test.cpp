// Deployments that fail, and what is served meanwhile (faults F51).
#include "tests/e2e/world.hpp"

#include <csignal>

using namespace certd::test;

namespace {

std::string problem_text(const certd::Json& problem) {
    return problem.string_or("what") + " " + problem.string_or("remote");
}

}  // namespace

TEST_CASE(
    "renewal succeeded, nginx's configuration was broken, the reload failed: the old certificate stays served and the "
    "new one "
    "is deployed when the configuration is mended, without another order") {
    World world;
    world.issue_first();
    const std::string first = world.nginx.served("a.example.test");
    const std::string installed = read_file(world.nginx.fullchain());

    world.nginx.break_configuration();
    const Output renewed = world.certd.ctl({"renew", "shop", "--force"});
    INFO(renewed.both());
    REQUIRE(renewed.exit_code == 1);
    REQUIRE(renewed.both().find("unknown directive") != std::string::npos);  // nginx's own words
    REQUIRE(world.pebble.orders() == 2);

    REQUIRE(world.nginx.served("a.example.test") == first);
    REQUIRE(read_file(world.nginx.fullchain()) == installed);
    const certd::Json shop = world.certd.lineage("shop");
    REQUIRE(shop.string_or("state") == "deploy-failed");
    REQUIRE(shop.int_or("version") == 1);
    REQUIRE(shop["last_problem"].string_or("code") == "deploy.test");
    REQUIRE(problem_text(shop["last_problem"]).find("unknown directive") != std::string::npos);
    REQUIRE(shop["next"].string_or("action") == "deploy");
    REQUIRE(world.certd.ctl({"status"}).exit_code == 4);
    const Output explained = world.certd.ctl({"explain", "shop"});
    REQUIRE(explained.out.find("unknown directive") != std::string::npos);

    world.nginx.mend_configuration();
    SECTION("by hand") {
        const Output deployed = world.certd.ctl({"deploy", "shop"});
        INFO(deployed.both());
        REQUIRE(deployed.exit_code == 0);
    }
    SECTION("by itself, on the deployment's own schedule") {
        REQUIRE(world.certd.reaches("shop", "waiting", 100s));
    }
    REQUIRE(world.certd.state("shop") == "waiting");
    REQUIRE(world.certd.version("shop") == 2);
    REQUIRE(world.served_is_live());
    REQUIRE(world.nginx.served("a.example.test") != first);
    REQUIRE(world.pebble.orders() == 2);
    REQUIRE(world.certd.ctl({"status"}).exit_code == 0);
}

TEST_CASE("a reload that reports success but changes nothing is found out and put back") {
    World world;
    world.issue_first();
    const std::string first = world.nginx.served("a.example.test");
    const std::string installed = read_file(world.nginx.fullchain());

    world.certd.configure(world.configuration({.reload = "[/bin/true]", .verify_timeout = "1s"}));
    REQUIRE(world.certd.ctl({"reload"}).exit_code == 0);
    const Output renewed = world.certd.ctl({"renew", "shop", "--force"});
    INFO(renewed.both());
    REQUIRE(renewed.exit_code == 1);
    REQUIRE(world.nginx.served("a.example.test") == first);
    REQUIRE(read_file(world.nginx.fullchain()) == installed);
    const certd::Json shop = world.certd.lineage("shop");
    REQUIRE(shop.string_or("health") != "ok");
    REQUIRE(shop.int_or("version") == 1);
    REQUIRE(shop["last_problem"].string_or("code") == "tls.notServed");
}

TEST_CASE("an old certificate that comes back behind certd's back is found out and put right") {
    World world;
    world.issue_first({.verify_timeout = "10s, every: 1s"});
    const std::string chain = read_file(world.nginx.fullchain());
    const std::string key = read_file(world.nginx.privkey());
    REQUIRE(world.certd.ctl({"renew", "shop", "--force"}).exit_code == 0);
    REQUIRE(world.served_is_live());

    world.certd.ctl({"pause", "shop"});
    write_file(world.nginx.fullchain(), chain);
    write_file(world.nginx.privkey(), key);
    world.nginx.reload();
    REQUIRE(eventually(5s, [&] { return !world.served_is_live(); }));
    world.certd.ctl({"resume", "shop"});
    REQUIRE(eventually(20s, [&] { return world.served_is_live(); }));
    REQUIRE(world.certd.reaches("shop", "waiting", 10s));
    REQUIRE(world.certd.log().find("no longer serves the certificate") != std::string::npos);
    REQUIRE(world.pebble.orders() == 2);
}

TEST_CASE("a manual rollback serves the previous version, and the rejected one is never deployed again") {
    World world;
    world.issue_first();
    const std::string first = world.nginx.served("a.example.test");
    REQUIRE(world.certd.ctl({"renew", "shop", "--force"}).exit_code == 0);
    const std::string second = world.nginx.served("a.example.test");

    const Output rolled = world.certd.ctl({"rollback", "shop"});
    INFO(rolled.both());
    REQUIRE(rolled.exit_code == 0);
    REQUIRE(world.nginx.served("a.example.test") == first);
    REQUIRE(world.certd.version("shop") == 1);
    REQUIRE(world.certd.state("shop") == "held");

    SECTION("neither by `deploy`") {
        world.certd.ctl({"deploy", "shop"});
    }
    SECTION("nor after a restart") {
        world.certd.terminate();
        world.certd.start();
    }
    REQUIRE(world.nginx.served("a.example.test") == first);
    REQUIRE(world.certd.version("shop") == 1);

    const Output renewed = world.certd.ctl({"renew", "shop", "--force"});
    INFO(renewed.both());
    REQUIRE(renewed.exit_code == 0);
    REQUIRE(world.certd.version("shop") == 3);
    const std::string third = world.nginx.served("a.example.test");
    REQUIRE(third != first);
    REQUIRE(third != second);
    REQUIRE(world.certd.state("shop") == "waiting");
}

TEST_CASE("a rollback to a version that does not exist is refused") {
    World world;
    world.issue_first();
    const Output refused = world.certd.ctl({"rollback", "shop", "--to", "7"});
    INFO(refused.both());
    REQUIRE(refused.exit_code == 1);
    REQUIRE(world.served_is_live());
}

TEST_CASE("exec steps and hooks get the environment that certbot's hooks get") {
    World world;
    const std::filesystem::path seen = world.directory() / "seen";
    write_file(world.directory() / "hook",
               "#!/bin/sh\nprintf '%s\\n%s\\n' \"$RENEWED_LINEAGE\" \"$RENEWED_DOMAINS\" > " + seen.string() +
                   "\nenv | grep -c -E '^(NOTIFY_SOCKET|LISTEN_|ASAN_OPTIONS)' >> " + seen.string() + "\n");
    std::filesystem::permissions(world.directory() / "hook", std::filesystem::perms::owner_all);
    world.issue_first({.lineage_more = "    post_issue: [[" + (world.directory() / "hook").string() + "]]\n"});
    REQUIRE(eventually(10s, [&] { return read_file(seen).size() > 3; }));
    REQUIRE(read_file(seen) == world.certd.live("shop").string() + "\na.example.test b.example.test\n0\n");
}

TEST_CASE("what pre_issue stopped is started again when nothing was issued") {
    World world;
    const std::string log = (world.directory() / "hooks").string();
    const auto hook = [&](const std::string& key, const std::string& words) {
        return "    " + key + ": { command: { shell: \"echo " + words + " >>" + log + "\" } }\n";
    };
    world.pebble.break_name("a.example.test");
    world.start({.lineage_more = hook("pre_issue", "stop") + hook("post_issue", "start $CERTD_VERSION")});
    REQUIRE(world.certd.ctl({"renew", "shop"}).exit_code == 1);
    CHECK(read_file(log).starts_with("stop\nstart\n"));
    world.pebble.mend_name("a.example.test");
    REQUIRE(world.certd.ctl({"renew", "shop"}).exit_code == 0);
    CHECK(read_file(log).ends_with("stop\nstart 1\n"));
}
