// From nothing to served, in every way a name can be proven here.
#include "tests/e2e/world.hpp"

#include <fmt/format.h>

#include <filesystem>

#include <sys/stat.h>

using namespace certd::test;

TEST_CASE("a certificate is issued, deployed to nginx and seen to be served") {
    World world;
    world.issue_first();
    REQUIRE(world.pebble.orders() == 1);
    REQUIRE(world.certd.state("shop") == "waiting");

    const certd::Json shop = world.certd.lineage("shop");
    REQUIRE(shop["names"] == certd::Json::array({"a.example.test", "b.example.test"}));
    REQUIRE(shop.string_or("health") == "ok");
    REQUIRE(shop.string_or("ca") == "pebble");
    REQUIRE(shop.string_or("fingerprint_sha256") == world.live_fingerprint());
    REQUIRE(shop["next"].string_or("action") == "issue");
    const certd::Json target = (*shop["targets"].if_array())[0];
    REQUIRE(target.string_or("state") == "deployed");
    REQUIRE(target.string_or("served_fingerprint") == world.live_fingerprint());

    for (const char* name : {"privkey.pem", "cert.pem", "chain.pem", "fullchain.pem"}) {
        REQUIRE(std::filesystem::is_regular_file(world.certd.live("shop") / name));
    }
    struct stat key {};
    REQUIRE(::stat((world.certd.live("shop") / "privkey.pem").c_str(), &key) == 0);
    REQUIRE((key.st_mode & 0777) == 0600);
    REQUIRE(read_file(world.nginx.privkey()) == read_file(world.certd.live("shop") / "privkey.pem"));
    world.certd.terminate();
}

TEST_CASE("a renewal by force replaces what is served, a renewal that is not due does nothing") {
    World world;
    world.issue_first();
    const std::string first = world.live_fingerprint();
    const Output idle = world.certd.ctl({"renew", "shop"});
    REQUIRE(idle.exit_code == 0);
    REQUIRE(world.pebble.orders() == 1);

    const Output forced = world.certd.ctl({"renew", "shop", "--force"});
    INFO(forced.both());
    REQUIRE(forced.exit_code == 0);
    REQUIRE(world.certd.version("shop") == 2);
    REQUIRE(world.live_fingerprint() != first);
    REQUIRE(world.served_is_live());
}

TEST_CASE("a dry run goes the whole way and touches nothing") {
    World world;
    world.issue_first();
    const std::string served = world.nginx.served("a.example.test");
    const std::string installed = read_file(world.nginx.fullchain());

    const Output rehearsed = world.certd.ctl({"renew", "shop", "--dry-run"});
    INFO(rehearsed.both());
    REQUIRE(rehearsed.exit_code == 0);
    REQUIRE(world.pebble.orders() == 2);
    REQUIRE(world.certd.version("shop") == 1);
    REQUIRE(world.nginx.served("a.example.test") == served);
    REQUIRE(read_file(world.nginx.fullchain()) == installed);
    REQUIRE_FALSE(std::filesystem::exists(world.certd.state_directory() / "lineages/shop/versions/0002"));
}

TEST_CASE("a webroot behind nginx proves the names and is empty afterwards") {
    World world({{}, true});
    world.issue_first({.challenge = "{ http-01: { webroot: " + world.nginx.webroot().string() + " } }"});
    std::size_t files = 0;
    for (const auto& entry : std::filesystem::recursive_directory_iterator(world.nginx.webroot())) {
        if (entry.is_regular_file()) ++files;
    }
    REQUIRE(files == 0);
}

TEST_CASE(
    "commands answer for each name of an order, tidy up after themselves, and one that fails is shown with its words") {
    World world({{}, true});
    const std::filesystem::path hook = world.directory() / "http-hook", calls = world.directory() / "calls",
                                answers = world.nginx.webroot() / ".well-known/acme-challenge";
    std::filesystem::create_directories(answers);
    write_file(hook, fmt::format(R"(#!/bin/sh
echo "$1 $CERTBOT_DOMAIN $CERTBOT_REMAINING_CHALLENGES" >> {0}
cat >> {0}.json
case $1 in
present)
    [ -e {0}.works ] || {{ echo "no such site" >&2; exit 4; }}
    printf %s "$CERTBOT_VALIDATION" > "{1}/$CERTBOT_TOKEN" && echo "{1}/$CERTBOT_TOKEN" ;;
cleanup) [ -z "$CERTBOT_AUTH_OUTPUT" ] || rm "$CERTBOT_AUTH_OUTPUT" ;;
esac
)",
                                 calls.string(), answers.string()));
    std::filesystem::permissions(hook, std::filesystem::perms::owner_all);
    world.start(
        {.challenge = fmt::format("{{ http-01: {{ exec: {{ present: [{0}, present], cleanup: [{0}, cleanup] }} }} }}",
                                  hook.string())});
    REQUIRE(eventually(20s, [&] { return world.certd.state("shop") == "backing-off"; }));
    CHECK(world.certd.lineage("shop")["last_problem"].string_or("code") == "hook.failed");
    const Output explained = world.certd.ctl({"explain", "shop"});
    INFO(explained.both());
    CHECK(explained.out.find("The present command of the http-01 challenge (" + hook.string() +
                             " present) exited with status 4") != std::string::npos);
    CHECK(explained.out.find("no such site") != std::string::npos);
    // The CA says which name comes first.
    const std::string first = read_file(calls).substr(8, 14);
    CHECK(read_file(calls) == fmt::format("present {0} 1\ncleanup {0} 1\n", first));

    write_file(calls, "");
    write_file(calls.string() + ".works", "");
    const Output renewed = world.certd.ctl({"renew", "shop"});
    INFO(renewed.both());
    CHECK(renewed.exit_code == 0);
    CHECK(world.served_is_live());
    const std::string called = read_file(calls);
    for (const char* name : {"a", "b"}) {
        for (const char* event : {"present", "cleanup"})
            CHECK(called.find(fmt::format("{} {}.example.test ", event, name)) != std::string::npos);
    }
    CHECK(called.find("test 1\npresent ") < called.find("test 0\n"));
    CHECK(std::filesystem::is_empty(answers));
    CHECK(read_file(calls.string() + ".json").find(R"("url":"http://b.example.test/.well-known/acme-challenge/)") !=
          std::string::npos);
    const Output doctor = world.certd.ctl({"doctor"});
    CHECK(doctor.both().find("http-hook") == std::string::npos);
    std::filesystem::permissions(hook, std::filesystem::perms(0777));
    CHECK(world.certd.ctl({"doctor"}).both().find("The present command of shop's http-01 challenge") !=
          std::string::npos);
}

TEST_CASE("keys of every kind are issued and served") {
    const std::string key = GENERATE("ecdsa-p384", "rsa-2048");
    World world;
    world.issue_first({.key = key});
    REQUIRE(world.certd.lineage("shop").string_or("key_type") == key);
}

TEST_CASE("names added to the configuration lead to a certificate with them") {
    World world;
    world.issue_first();
    world.certd.configure(world.configuration({.names = "[a.example.test, b.example.test, c.example.test]"}));
    REQUIRE(world.certd.ctl({"reload"}).exit_code == 0);
    REQUIRE(
        eventually(60s, [&] { return world.certd.version("shop") == 2 && world.certd.state("shop") == "waiting"; }));
    REQUIRE(world.certd.lineage("shop")["issued_names"].if_array()->size() == 3);
    REQUIRE(world.served_is_live());
}
