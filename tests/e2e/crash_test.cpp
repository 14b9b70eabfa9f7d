// Ends and sudden ends in the middle of things (faults F40, F48; invariants I1–I4).
#include "tests/e2e/world.hpp"

#include <csignal>
#include <random>
#include <thread>

using namespace certd::test;

namespace {

PebbleOptions slow() {
    PebbleOptions options;
    options.sleep = true;
    options.sleep_seconds = 4;
    options.authz_reuse = 0;
    return options;
}

// `live` names a version whose key, certificate and chain are there and belong together.
void require_complete(const World& world) {
    // certd may be at work again and switch `live` while this looks: one version is looked at.
    const std::filesystem::path live = std::filesystem::canonical(world.certd.live("shop"));
    const Output key = run({program("openssl"), "pkey", "-in", live / "privkey.pem", "-pubout"});
    const Output certificate = run({program("openssl"), "x509", "-in", live / "cert.pem", "-noout", "-pubkey"});
    REQUIRE(key.exit_code == 0);
    REQUIRE(certificate.exit_code == 0);
    REQUIRE(key.out == certificate.out);
    REQUIRE(read_file(live / "fullchain.pem") == read_file(live / "cert.pem") + read_file(live / "chain.pem"));
}

}  // namespace

TEST_CASE("SIGTERM in the middle of an order ends within 10 s, and the next start goes on with the same order") {
    World world({slow(), false});
    world.start();
    // An order whose place certd has not been told yet cannot be gone on with.
    const std::filesystem::path record = world.certd.state_directory() / "lineages/shop/order/order.json";
    REQUIRE(eventually(30s, [&] {
        const auto order = certd::parse_json(std::filesystem::exists(record) ? read_file(record) : "{}");
        return order && !order->string_or("order_url").empty();
    }));
    world.certd.terminate();
    REQUIRE(std::filesystem::exists(record));

    world.certd.start();
    REQUIRE(
        eventually(60s, [&] { return world.certd.version("shop") == 1 && world.certd.state("shop") == "waiting"; }));
    REQUIRE(world.served_is_live());
    REQUIRE(world.pebble.orders() == 1);
}

TEST_CASE("killed at any moment, certd goes on with the same order and `live` always names a complete version") {
    constexpr int rounds = 20;
    World world;
    world.issue_first();
    std::mt19937 random(20261123);
    for (int round = 0; round < rounds; ++round) {
        CAPTURE(round);
        world.certd.ctl({"renew", "shop", "--force", "--no-wait"});
        std::this_thread::sleep_for(std::chrono::milliseconds(random() % 400));
        world.certd.kill();
        require_complete(world);
        world.certd.start();
        require_complete(world);
    }
    REQUIRE(eventually(60s, [&] { return world.certd.state("shop") == "waiting"; }));
    REQUIRE(world.certd.ctl({"renew", "shop", "--force"}).exit_code == 0);
    require_complete(world);
    REQUIRE(world.served_is_live());
    // One order for each forced renewal; one that was placed and not yet on disk may be lost.
    REQUIRE(world.pebble.orders() <= 2 + 2 * rounds);
    for (const auto& entry : std::filesystem::directory_iterator(world.certd.state_directory() / "lineages/shop")) {
        REQUIRE_FALSE(entry.path().filename().string().starts_with(".tmp-"));
    }
}

TEST_CASE("a second certd on the same state directory ends with exit code 3 and disturbs nobody") {
    World world;
    world.issue_first();
    std::string text = world.configuration();
    const std::string socket = world.certd.socket().string();
    text.replace(text.find(socket), socket.size(), (world.directory() / "second.sock").string());
    write_file(world.directory() / "second.yaml", text);
    const Output second = run({certd_program(), "--config", world.directory() / "second.yaml"}, {{}, {}, 20s});
    INFO(second.both());
    REQUIRE(second.exit_code == 3);
    REQUIRE(second.both().find("lock") != std::string::npos);
    REQUIRE(world.certd.state("shop") == "waiting");

    // Removing the lock file does not let a second one in beside the first for good: the first still answers.
    world.certd.kill();
    world.certd.start();
    REQUIRE(world.certd.state("shop") == "waiting");
}

TEST_CASE("a storm of SIGHUP and a SIGTERM in between are survived") {
    World world;
    world.issue_first();
    for (int i = 0; i < 500; ++i)
        world.certd.process().signal(SIGHUP);
    REQUIRE(world.certd.ctl({"renew", "shop", "--force"}).exit_code == 0);
    for (int i = 0; i < 500; ++i)
        world.certd.process().signal(SIGHUP);
    world.certd.terminate();
}
