// The usual servers of Debian: each takes up a new certificate, and none is left with a broken one.
#include "tests/e2e/world.hpp"
#include "tests/support/server.hpp"

#include <filesystem>
#include <vector>

using namespace certd::test;

namespace {

namespace fs = std::filesystem;

bool serves_only(const Server& server, const std::string& fingerprint) {
    for (const std::string& seen : server.served("a.example.test")) {
        if (seen != fingerprint) return false;
    }
    return true;
}

// Through a whole life: first deployment, a broken configuration, its repair, a rollback by hand.
void takes_up_what_is_deployed(ServerKind kind) {
    World world;
    // Servers drop to users of their own.
    fs::permissions(world.directory(), fs::perms::others_exec | fs::perms::group_exec, fs::perm_options::add);
    const Server server(kind, world.directory() / "server");

    world.certd.configure(world.configuration({.targets = "[server]", .more_targets = "  server: " + server.target()}));
    world.certd.start();
    const Output issued = world.certd.ctl({"renew", "shop"});
    INFO(issued.both() << server.log());
    REQUIRE(issued.exit_code == 0);
    const std::string first = world.live_fingerprint();
    REQUIRE(serves_only(server, first));

    server.break_configuration();
    const Output refused = world.certd.ctl({"renew", "shop", "--force"});
    INFO(refused.both());
    REQUIRE(refused.exit_code == 1);
    REQUIRE(world.certd.state("shop") == "deploy-failed");
    REQUIRE(world.certd.lineage("shop")["last_problem"].string_or("code") == "deploy.test");
    REQUIRE(serves_only(server, first));

    server.mend_configuration();
    REQUIRE(world.certd.ctl({"deploy", "shop"}).exit_code == 0);
    REQUIRE(world.live_fingerprint() != first);
    REQUIRE(serves_only(server, world.live_fingerprint()));

    REQUIRE(world.certd.ctl({"rollback", "shop"}).exit_code == 0);
    REQUIRE(serves_only(server, first));
}

}  // namespace

TEST_CASE("Apache serves what was deployed, and the old one when its test fails") {
    takes_up_what_is_deployed(ServerKind::apache);
}

TEST_CASE("haproxy serves what was deployed, and the old one when its test fails") {
    takes_up_what_is_deployed(ServerKind::haproxy);
}

TEST_CASE("postfix serves what was deployed over STARTTLS, and the old one when its test fails") {
    takes_up_what_is_deployed(ServerKind::postfix);
}

TEST_CASE("dovecot serves what was deployed over TLS, STARTTLS and STLS, and the old one when its test fails") {
    takes_up_what_is_deployed(ServerKind::dovecot);
}
