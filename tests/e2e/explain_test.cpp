// What `certctl explain` says of faults that need real sockets, files and machines.
#include "libacme/base/json.hpp"
#include "tests/e2e/world.hpp"
#include "tests/support/fleet.hpp"

#include <filesystem>
#include <string>
#include <vector>

#include <unistd.h>

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

TEST_CASE("explain shows what was decided, when and by whom, over a restart and another configuration") {
    World world;
    world.issue_first();
    const auto decisions = [&] {
        const auto page = certd::parse_json(world.certd.ctl({"explain", "shop", "--json"}).out);
        REQUIRE(page);
        return (*page)["decisions"];
    };
    REQUIRE(world.certd.ctl({"renew", "shop", "--force"}).exit_code == 0);
    const std::string asked = "(uid " + std::to_string(::getuid()) + ": renew --force)";
    require_words(explained(world), {"Decisions ", "Order a certificate from pebble: no certificate yet ",
                                     "Deploy version 1 to web: version 1 was issued ",
                                     "Order a certificate from pebble: renewal requested " + asked,
                                     "Deploy version 2 to web: version 2 was "});
    const certd::Json before = decisions();
    REQUIRE(before.if_array() != nullptr);
    REQUIRE(before.if_array()->size() >= 6);
    const certd::Json& first = before.if_array()->front();
    REQUIRE(first.string_or("kind") == "issue");
    REQUIRE(first["facts"].string_or("ca") == "pebble");

    world.certd.terminate();
    world.certd.configure(world.configuration({.key = "rsa-2048"}));
    world.certd.start();
    REQUIRE(world.certd.ctl({"pause", "shop"}).exit_code == 0);
    const certd::Json after = decisions();
    for (std::size_t i = 0; i < before.if_array()->size(); ++i)
        REQUIRE(certd::to_text(after.if_array()->at(i)) == certd::to_text(before.if_array()->at(i)));
    REQUIRE(after.if_array()->back().string_or("kind") == "pause");
    require_words(explained(world), {"Do nothing until resumed: paused (uid "});
    // The journal has each of them as well.
    REQUIRE(world.certd.ctl({"history", "shop", "--json"}).out.find("\"type\":\"plan.decided\"") != std::string::npos);
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
