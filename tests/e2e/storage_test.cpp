// Storage that is full or not as private as it must be (fault F34, F39).
#include "tests/e2e/world.hpp"

#include <fmt/format.h>

using namespace certd::test;

namespace {

bool may_mount() {
    return run({program("unshare"), "-m", "mount", "-t", "tmpfs", "tmpfs", "/mnt"}).exit_code == 0;
}

// Runs a command in the mount namespace of certd, where the small state directory is.
Output inside(World& world, const std::string& command) {
    return run({program("nsenter"), "-m", "-t", std::to_string(world.certd.process().pid()), "/bin/sh", "-c", command});
}

}  // namespace

TEST_CASE("with a full disk no order is placed, the old certificate stays served, and all is well when there is room") {
    if (!may_mount()) {
        WARN("skipped: this needs the right to mount a file system of its own (root)");
        return;
    }
    World world;
    world.certd.configure(world.configuration());
    const std::string state = world.certd.state_directory().string();
    std::filesystem::create_directory(state);
    world.certd.launch({}, {program("unshare"), "-m", "/bin/sh", "-c",
                            "mount -t tmpfs -o size=2m,mode=700 tmpfs " + state + " && exec \"$@\"", "sh"});
    REQUIRE(world.certd.wait_ready());
    REQUIRE(world.certd.ctl({"renew", "shop"}).exit_code == 0);
    const std::string first = world.nginx.served("a.example.test");
    const std::size_t orders = world.pebble.orders();

    REQUIRE(inside(world, "cat /dev/zero > " + state + "/ballast; df " + state).out.find("100%") != std::string::npos);
    const Output renewed = world.certd.ctl({"renew", "shop", "--force"});
    INFO(renewed.both());
    REQUIRE(renewed.exit_code == 1);
    REQUIRE(renewed.both().find("full") != std::string::npos);
    REQUIRE(world.pebble.orders() == orders);
    REQUIRE(world.nginx.served("a.example.test") == first);
    REQUIRE(world.certd.lineage("shop")["last_problem"].string_or("code") == "storage.full");

    REQUIRE(inside(world, "rm " + state + "/ballast").exit_code == 0);
    REQUIRE(world.certd.ctl({"renew", "shop", "--force"}).exit_code == 0);
    REQUIRE(world.certd.version("shop") == 2);
    REQUIRE(world.nginx.served("a.example.test") != first);
}

TEST_CASE("a state directory or key that others may read or write is refused, not repaired") {
    World world;
    world.issue_first();
    const std::string first = world.nginx.served("a.example.test");
    world.certd.terminate();
    namespace fs = std::filesystem;
    const fs::path account = world.certd.state_directory() / "accounts/pebble/key.pem";
    REQUIRE(fs::exists(account));

    SECTION("the account key") {
        fs::permissions(account, fs::perms::group_read | fs::perms::others_read, fs::perm_options::add);
        world.certd.launch();
        if (world.certd.wait_ready(20s)) {
            REQUIRE(world.certd.ctl({"renew", "shop", "--force"}).exit_code == 1);
        }
        REQUIRE((fs::status(account).permissions() & fs::perms::others_read) != fs::perms::none);
    }
    SECTION("the state directory") {
        fs::permissions(world.certd.state_directory(), fs::perms::others_write, fs::perm_options::add);
        world.certd.launch();
        REQUIRE_FALSE(world.certd.wait_ready(20s));
    }
    REQUIRE(world.certd.log().find("storage.permissions") != std::string::npos);
    REQUIRE(world.nginx.served("a.example.test") == first);
    REQUIRE(world.pebble.orders() == 1);
}
