// haproxy takes up certificates over its runtime API, without a reload; whatever is in the way of that (faults F53), in
// the end its memory and the file on disk agree.
#include "tests/support/haproxy.hpp"
#include "tests/e2e/world.hpp"
#include "tests/support/tls_files.hpp"

#include <atomic>
#include <filesystem>
#include <optional>

#include <fmt/format.h>

using namespace certd::test;

namespace {

namespace fs = std::filesystem;

struct Wish {
    std::string socket;  // default: haproxy's own
    std::string install;
    std::string more_verified;  // further addresses
    bool falls_back = true;
    std::string key = "ecdsa-p256", lineage_more;
};

std::string configuration(const World& world, const Haproxy& haproxy, const Wish& wish = {}) {
    const std::string install =
        wish.install.empty() ? fmt::format("{{ part: combined, path: {} }}", haproxy.file().string()) : wish.install;
    const std::string target = fmt::format(
        "  lb:\n    install: [{}]\n    reload: {{ haproxy: {}{} }}\n    verify: {{ tls: [\"{}\"{}], timeout: 5s }}\n",
        install, wish.socket.empty() ? haproxy.socket().string() : wish.socket,
        wish.falls_back ? ", command: " + haproxy.reload_command() : "", haproxy.endpoint(), wish.more_verified);
    return world.configuration(
        {.key = wish.key, .targets = "[lb]", .more_targets = target, .lineage_more = wish.lineage_more});
}

void reconfigure(World& world, const std::string& text) {
    world.certd.configure(text);
    const Output reloaded = world.certd.ctl({"reload"});
    INFO(reloaded.both());
    REQUIRE(reloaded.exit_code == 0);
}

// A new certificate, deployed. What certctl said.
std::string renew(World& world, const Haproxy& haproxy) {
    const std::string before = haproxy.served();
    const Output renewed = world.certd.ctl({"renew", "shop", "--force"});
    INFO(renewed.both() << haproxy.log());
    REQUIRE(renewed.exit_code == 0);
    REQUIRE(haproxy.served() != before);
    REQUIRE(haproxy.served() == world.live_fingerprint());
    REQUIRE(haproxy.agrees());
    return renewed.both();
}

// The first certificate, which certd orders by itself.
std::string begin(World& world, const Haproxy& haproxy, const std::string& text) {
    world.certd.configure(text);
    world.certd.start();
    const Output renewed = world.certd.ctl({"renew", "shop"});
    INFO(renewed.both() << haproxy.log());
    REQUIRE(renewed.exit_code == 0);
    REQUIRE(world.certd.version("shop") == 1);
    REQUIRE(haproxy.served() == world.live_fingerprint());
    REQUIRE(haproxy.agrees());
    return haproxy.served();
}

bool contains(const std::string& text, const std::string& part) {
    return text.find(part) != std::string::npos;
}

}  // namespace

TEST_CASE("haproxy serves every new certificate with the same worker, and is put back the same way") {
    World world;
    const Haproxy haproxy(world.directory() / "haproxy");
    const std::string worker = haproxy.worker();
    const std::string first = begin(world, haproxy, configuration(world, haproxy));
    const std::string said = renew(world, haproxy);
    INFO(said);
    REQUIRE(contains(said, "haproxy took up the files of lb without a reload"));
    const std::string second = haproxy.served();

    // One address will never show it: the deployment is undone.
    reconfigure(world,
                configuration(world, haproxy,
                              {.more_verified = ", \"" + haproxy.foreign_endpoint() + "\"", .falls_back = false}));
    const Output failed = world.certd.ctl({"renew", "shop", "--force"});
    INFO(failed.both());
    REQUIRE(failed.exit_code == 1);
    REQUIRE(world.certd.lineage("shop")["last_problem"].string_or("code") == "tls.notServed");
    REQUIRE(haproxy.served() == second);
    REQUIRE(haproxy.agrees());

    reconfigure(world, configuration(world, haproxy));
    REQUIRE(world.certd.ctl({"rollback", "shop", "--to", "1"}).exit_code == 0);
    REQUIRE(haproxy.served() == first);
    REQUIRE(haproxy.agrees());
    REQUIRE(haproxy.worker() == worker);
    REQUIRE(haproxy.reloads() == 0);
}

TEST_CASE("without a reload to fall back to, what haproxy refuses is put back, an old file with empty lines too") {
    World world;
    const Haproxy haproxy(world.directory() / "haproxy");
    const std::string before = haproxy.served(), file = read_file(haproxy.file()), worker = haproxy.worker();
    // The placeholder must be set again: the other address fails once haproxy has the new certificate.
    world.certd.configure(configuration(
        world, haproxy, {.more_verified = ", \"" + haproxy.foreign_endpoint() + "\"", .falls_back = false}));
    world.certd.start();
    const Output failed = world.certd.ctl({"renew", "shop"});
    INFO(failed.both() << haproxy.log());
    REQUIRE(failed.exit_code == 1);
    REQUIRE(haproxy.served() == before);
    REQUIRE(read_file(haproxy.file()) == file);
    REQUIRE(haproxy.agrees());

    reconfigure(world, configuration(world, haproxy, {.socket = "/nonexistent/api.sock", .falls_back = false}));
    const Output unreachable = world.certd.ctl({"deploy", "shop"});
    INFO(unreachable.both());
    REQUIRE(unreachable.exit_code == 1);
    const certd::Json problem = world.certd.lineage("shop")["last_problem"];
    REQUIRE(problem.string_or("code") == "deploy.reload");
    REQUIRE(problem.string_or("what") ==
            "haproxy did not take up the files of lb: Cannot connect to the socket /nonexistent/api.sock (No such file "
            "or directory)");
    REQUIRE(haproxy.served() == before);
    REQUIRE(haproxy.agrees());
    REQUIRE(haproxy.worker() == worker);
}

TEST_CASE("an RSA and an ECDSA certificate that haproxy pairs are taken up one after another") {
    World world;
    const Haproxy haproxy(world.directory() / "haproxy",
                          {.crt = "shop.pem", .files = {"shop.pem.ecdsa", "shop.pem.rsa"}});
    const std::string worker = haproxy.worker();
    const std::string install =
        fmt::format("{{ part: combined, path: {} }}, {{ part: combined, path: {}, key: rsa-2048 }}",
                    haproxy.file("shop.pem.ecdsa").string(), haproxy.file("shop.pem.rsa").string());
    world.certd.configure(configuration(
        world, haproxy, {.install = install, .key = "", .lineage_more = "    keys: [ecdsa-p256, rsa-2048]\n"}));
    world.certd.start();
    const Output renewed = world.certd.ctl({"renew", "shop"});
    INFO(renewed.both() << haproxy.log());
    REQUIRE(renewed.exit_code == 0);
    REQUIRE(haproxy.agrees("shop.pem.ecdsa"));
    REQUIRE(haproxy.agrees("shop.pem.rsa"));
    const auto live = world.certd.live("shop");
    REQUIRE(haproxy.served("-tls1_2 -cipher aECDSA") == fingerprint_of_file(live / "fullchain.pem"));
    REQUIRE(haproxy.served("-tls1_2 -cipher aRSA") == fingerprint_of_file(live / "rsa-2048/fullchain.pem"));
    REQUIRE(haproxy.worker() == worker);
    REQUIRE(haproxy.reloads() == 0);
}

TEST_CASE("where the runtime API does not do it haproxy is reloaded, and told so") {
    World world;
    Haproxy haproxy(world.directory() / "haproxy");
    begin(world, haproxy, configuration(world, haproxy));
    REQUIRE(haproxy.reloads() == 0);
    const auto falls_back = [&](const std::string& why) {
        const std::size_t before = haproxy.reloads();
        const std::string said = renew(world, haproxy);
        INFO(said);
        CHECK(contains(said, "haproxy did not take up the files of lb by its runtime API and is reloaded"));
        CHECK(contains(said, why));
        CHECK(haproxy.reloads() == before + 1);
    };

    // Another program has left a transaction open, for the same file or another: a reload ends it.
    const std::string other = haproxy.file("foreign.pem");
    std::string blocks;
    for (const std::string text = read_file(other); const char c : text) {
        if (c != '\n' || (!blocks.empty() && blocks.back() != '\n')) blocks += c;
    }
    blocks.erase(blocks.find(" \n"), 2);
    for (const std::string& path : {haproxy.file().string(), other}) {
        REQUIRE(contains(haproxy.ask("set ssl cert " + path + " <<\n" + blocks + "\n"), "Transaction created"));
        falls_back("Another program has a transaction for " + path + " open in haproxy");
    }

    haproxy.configure({.level = "operator"});
    falls_back("The level of haproxy's socket is too low");

    haproxy.configure({.level = "user"});
    falls_back("The level of haproxy's socket is too low");

    haproxy.configure({.bufsize = 2048});
    falls_back("haproxy did not take the ");

    haproxy.configure({});
    fs::remove(haproxy.socket());
    falls_back("Cannot connect to the socket " + haproxy.socket().string() + " (No such file or directory)");
}

TEST_CASE("a reload of haproxy between set and commit loses nothing") {
    World world;
    const Haproxy haproxy(world.directory() / "haproxy");
    const fs::path between = world.directory() / "between.sock";
    std::atomic<int> sets = -1;  // after the first certificate
    const HaproxyRelay relay(between, haproxy.socket(), [&](const std::string& command) {
        if (command.starts_with("set ") && ++sets == 1) haproxy.reload();
    });
    begin(world, haproxy, configuration(world, haproxy, {.socket = between}));
    REQUIRE(sets == 0);
    const std::string said = renew(world, haproxy);
    INFO(said);
    REQUIRE(contains(said, "haproxy took up the files of lb without a reload"));
    REQUIRE(sets == 2);
    REQUIRE(haproxy.reloads() == 0);
}
