// What `certctl explain` says of faults that need real sockets, files and machines.
#include "tests/e2e/world.hpp"
#include "tests/support/fleet.hpp"

#include <filesystem>
#include <string>
#include <vector>

using namespace certd::test;

namespace {

// The page as one line, however it was wrapped.
std::string explained(const World& world) {
    std::string one;
    for (const char letter : world.certd.ctl({"explain", "shop"}).out) {
        const bool space = letter == '\n' || letter == ' ';
        if (!space || (!one.empty() && one.back() != ' ')) one += space ? ' ' : letter;
    }
    return one;
}

void require_words(const std::string& page, const std::vector<std::string>& all) {
    INFO(page);
    for (const std::string& words : all) {
        INFO("Missing: " << words);
        REQUIRE(page.find(words) != std::string::npos);
    }
}

}  // namespace

TEST_CASE("explain says which port certd wants to answer on when another server has it") {
    World world({.nginx_answers_http = true});
    world.start();
    REQUIRE(world.certd.ctl({"renew", "shop"}).exit_code == 1);
    require_words(explained(world),
                  {"Why", "What happens next", "Because: ", std::to_string(world.http_port),
                   "Another process listens on this port", "let it serve a webroot", "net.portInUse"});
}

TEST_CASE("explain says which webroot is not there") {
    World world;
    const std::string webroot = (world.directory() / "nosuch").string();
    world.start({.challenge = "{ http-01: { webroot: " + webroot + " } }"});
    REQUIRE(world.certd.ctl({"renew", "shop"}).exit_code == 1);
    require_words(explained(world), {"Why", "What happens next", "Because: ", "/nosuch",
                                     "Set `webroot` to the directory that the web server serves", "challenge.webroot"});
}

TEST_CASE("explain names the bundle when it does not vouch for the CA") {
    World world;
    std::string text = world.configuration();
    const std::string bundle = world.pebble.ca_bundle().string();
    text.replace(text.find(bundle), bundle.size(), world.nginx.fullchain().string());
    world.certd.configure(text);
    world.certd.start();
    REQUIRE(world.certd.ctl({"renew", "shop"}).exit_code == 1);
    require_words(explained(world),
                  {"Why", "What happens next", "Because: ", "`cas.pebble.ca_bundle`", "tls.untrusted"});
}

TEST_CASE("explain tells a host that refuses the login from one with another key and from one that is down") {
    World world;
    Fleet fleet(world.directory(), 1, "{}");
    world.start({.targets = "[fleet]", .more_targets = fleet.target()});
    REQUIRE(world.certd.ctl({"renew", "shop"}).exit_code == 0);
    const auto renew_anew = [&] {
        world.certd.terminate();  // and with it the connections that there are
        world.certd.start();
        REQUIRE(world.certd.ctl({"renew", "shop", "--force"}).exit_code == 1);
        return explained(world);
    };
    const std::string host = fleet[1].sshd.host();

    fleet[1].sshd.deny();
    require_words(renew_anew(),
                  {"where it did, the version before stays in service", "Because: the last deployment failed.", host,
                   "Permission denied", "Put the public key into the user's authorized_keys"});
    fleet[1].sshd.take_new_host_key();
    require_words(renew_anew(), {host, "`ssh.known_hosts`", "after a new installation of the host"});
    fleet[1].sshd.stop();
    require_words(renew_anew(), {host, "Connection refused", "Check name, port, network and sshd of the host"});
}
