// A CA that refuses, forgets or is away (faults F01, F02, F04, F05).
#include "tests/e2e/world.hpp"

using namespace certd::test;

namespace {

PebbleOptions rejecting(int percent) {
    PebbleOptions options;
    options.nonce_reject = percent;
    return options;
}

}  // namespace

TEST_CASE("half of all nonces refused is no failure") {
    World world({rejecting(50), false});
    world.issue_first();
    REQUIRE(world.pebble.orders() == 1);
    REQUIRE(world.certd.lineage("shop").int_or("failures") == 0);
}

TEST_CASE("every nonce refused ends in a problem of the CA and in back-off") {
    World world({rejecting(100), false});
    world.start();
    const Output renewed = world.certd.ctl({"renew", "shop"});
    INFO(renewed.both());
    REQUIRE(renewed.exit_code == 1);
    REQUIRE(world.certd.state("shop") == "backing-off");
    const certd::Json shop = world.certd.lineage("shop");
    // certd's own attempt, and certctl's when it came too late to join that one.
    REQUIRE(shop.int_or("failures") >= 1);
    REQUIRE(shop.int_or("failures") <= 2);
    REQUIRE(shop["last_problem"].string_or("code").starts_with("acme."));
    REQUIRE(shop["next"]["at"].if_string() != nullptr);
    REQUIRE(world.pebble.orders() == 0);
}

TEST_CASE("an authorization that is still valid needs no challenge, one that is not gets one") {
    PebbleOptions options;
    options.authz_reuse = GENERATE(0, 100);
    World world({options, false});
    world.issue_first();
    REQUIRE(world.certd.ctl({"renew", "shop", "--force"}).exit_code == 0);
    REQUIRE(world.certd.version("shop") == 2);
    REQUIRE(world.served_is_live());
}

TEST_CASE("a CA that has forgotten everything gets one new account, and the old certificate stays served meanwhile") {
    World world;
    world.issue_first();
    const std::string first = world.nginx.served("a.example.test");
    world.pebble.kill();
    const Output away = world.certd.ctl({"renew", "shop", "--force"});
    INFO(away.both());
    REQUIRE(away.exit_code == 1);
    REQUIRE(world.certd.lineage("shop")["last_problem"].string_or("code") == "net.connect");
    REQUIRE(world.nginx.served("a.example.test") == first);

    world.pebble.start();
    // The first renewal may end with the account's loss; the next one has a new account.
    Output renewed = world.certd.ctl({"renew", "shop", "--force"});
    if (renewed.exit_code != 0) renewed = world.certd.ctl({"renew", "shop", "--force"});
    INFO(renewed.both());
    REQUIRE(renewed.exit_code == 0);
    REQUIRE(world.certd.version("shop") == 2);
    REQUIRE(world.served_is_live());
}

TEST_CASE("an unreachable CA is a problem with a remedy, and is tried again later") {
    World world;
    world.pebble.kill();
    world.start();
    const Output renewed = world.certd.ctl({"renew", "shop"});
    INFO(renewed.both());
    REQUIRE(renewed.exit_code == 1);
    const certd::Json shop = world.certd.lineage("shop");
    REQUIRE(shop.string_or("state") == "backing-off");
    REQUIRE(shop["last_problem"].string_or("code") == "net.connect");
    REQUIRE_FALSE(shop["last_problem"].string_or("hint").empty());
    world.certd.terminate();

    // The failure and its time survive a restart; the daemon does not ask the CA again because of it.
    world.pebble.start();
    world.certd.start();
    REQUIRE(world.certd.state("shop") == "backing-off");
    REQUIRE(world.certd.lineage("shop")["next"] == shop["next"]);
    REQUIRE(world.pebble.orders() == 0);
    REQUIRE(world.certd.ctl({"renew", "shop", "--force"}).exit_code == 0);
}

TEST_CASE("a challenge that the CA refuses is explained with the CA's own words") {
    World world;
    world.pebble.break_name("b.example.test");
    world.start();
    const Output renewed = world.certd.ctl({"renew", "shop"});
    INFO(renewed.both());
    REQUIRE(renewed.exit_code == 1);
    const certd::Json shop = world.certd.lineage("shop");
    REQUIRE(shop.string_or("state") == "backing-off");
    REQUIRE(shop["last_problem"].string_or("code").starts_with("acme."));
    const Output explained = world.certd.ctl({"explain", "shop"});
    REQUIRE(explained.out.find("b.example.test") != std::string::npos);

    world.pebble.mend_name("b.example.test");
    REQUIRE(world.certd.ctl({"renew", "shop", "--force"}).exit_code == 0);
    REQUIRE(world.served_is_live());
}

TEST_CASE("a TLS certificate of the CA that the bundle does not vouch for is refused") {
    World world;
    write_file(world.directory() / "other.pem", read_file(world.nginx.fullchain()));
    std::string text = world.configuration();
    const std::string bundle = world.pebble.ca_bundle().string();
    text.replace(text.find(bundle), bundle.size(), (world.directory() / "other.pem").string());
    world.certd.configure(text);
    world.certd.start();
    const Output renewed = world.certd.ctl({"renew", "shop"});
    INFO(renewed.both());
    REQUIRE(renewed.exit_code == 1);
    REQUIRE(world.certd.lineage("shop")["last_problem"].string_or("code") == "tls.untrusted");
    REQUIRE(world.pebble.orders() == 0);
}

TEST_CASE("an account is taken over by its key, and a certificate revoked with its own when the account is lost") {
    World world;
    world.issue_first();
    auto account_url = [&] {
        return world.certd.json({"account", "list"})["accounts"].if_array()->front().string_or("url");
    };
    const std::string url = account_url();
    const std::filesystem::path accounts = world.certd.state_directory() / "accounts",
                                key = world.directory() / "old-client.pem";
    world.certd.terminate();
    std::filesystem::rename(accounts / "pebble" / "key.pem", key);
    std::filesystem::remove_all(accounts / "pebble");
    world.certd.start();

    const Output revoked = world.certd.ctl({"revoke", "shop", "--with", "certificate-key", "--reason", "superseded"});
    INFO(revoked.both());
    REQUIRE(revoked.exit_code == 0);
    REQUIRE(world.certd.reaches("shop", "waiting"));
    const Output other = world.certd.ctl({"account", "import", "pebble", "--key", key.string()});
    REQUIRE(other.exit_code == 1);
    REQUIRE(other.both().find("another account") != std::string::npos);

    REQUIRE(world.certd.ctl({"account", "deactivate", "pebble"}).exit_code == 0);
    const Output imported = world.certd.ctl({"account", "import", "pebble", "--key", key.string()});
    INFO(imported.both());
    REQUIRE(imported.exit_code == 0);
    REQUIRE(account_url() == url);
    REQUIRE(world.certd.ctl({"account", "orders", "pebble"}).exit_code == 0);
    REQUIRE(world.certd.ctl({"renew", "shop", "--force"}).exit_code == 0);
    REQUIRE(world.served_is_live());
    REQUIRE(world.certd.log().find("PRIVATE KEY") == std::string::npos);
}
