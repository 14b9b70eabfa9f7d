// The audit journal: what a lineage went through can be read later, and tampering is found.
#include "tests/e2e/world.hpp"

#include <algorithm>
#include <fstream>

#include <fmt/format.h>
#include <unistd.h>

using namespace certd::test;

namespace {

std::filesystem::path journal(const World& world) {
    return world.certd.state_directory() / "audit" / "000001.jsonl";
}

Output verify(const World& world, std::vector<std::string> more = {}) {
    std::vector<std::string> arguments{"audit", "verify", "--config", world.certd.configuration_file().string()};
    arguments.insert(arguments.end(), more.begin(), more.end());
    return world.certd.ctl(arguments);
}

// The position of each in the text, one behind the other.
bool in_order(const std::string& text, const std::vector<std::string>& parts) {
    std::size_t from = 0;
    for (const std::string& part : parts) {
        from = text.find(part, from);
        if (from == std::string::npos) return false;
    }
    return true;
}

std::string history_with(const World& world, const std::string& last) {
    std::string text;
    (void)eventually(30s, [&] {
        text = world.certd.ctl({"history", "shop"}).out;
        return text.find(last) != std::string::npos;
    });
    return text;
}

}  // namespace

TEST_CASE("renewal, failed deployment and rollback stand in the history with who asked, also after a restart") {
    World world;
    world.issue_first();
    world.nginx.break_configuration();
    REQUIRE(world.certd.ctl({"renew", "shop", "--force"}).exit_code == 1);
    world.nginx.mend_configuration();
    REQUIRE(world.certd.ctl({"deploy", "shop"}).exit_code == 0);
    REQUIRE(world.certd.ctl({"rollback", "shop"}).exit_code == 0);
    world.certd.terminate();
    world.certd.start();
    const std::string history = history_with(world, "called rollback");
    INFO(history);
    const std::string caller = fmt::format("uid {} (pid ", ::getuid());
    REQUIRE(in_order(history,
                     {"A renewal is due: ", "Renewal at pebble started", "Issued version 1", caller, "called renew",
                      "Issued version 2", "unknown directive", "called deploy", "called rollback"}));
    const certd::Json json = world.certd.json({"history", "shop"});
    const certd::Json::Array& entries = *json["history"].if_array();
    std::int64_t before = 0;
    for (const certd::Json& entry : entries) {
        REQUIRE(entry.int_or("sequence") > before);
        before = entry.int_or("sequence");
    }
    REQUIRE(world.certd.ctl({"history", "nosuch"}).exit_code == 1);

    const Output good = verify(world);
    INFO(good.both());
    REQUIRE(good.exit_code == 0);
    REQUIRE(good.out.find("The audit journal holds: ") != std::string::npos);
    REQUIRE(std::filesystem::status(journal(world)).permissions() == std::filesystem::perms(0600));
}

TEST_CASE("audit verify names the line of an edited octet and a removed line, in place and in a copy") {
    World world;
    world.issue_first();
    world.certd.terminate();
    const std::string text = read_file(journal(world));
    const std::filesystem::path copy = world.directory() / "copy";
    std::filesystem::create_directory(copy);
    std::string edited = text;
    edited[edited.find("Renewal at") + 1] = 'X';
    std::ofstream(copy / "000001.jsonl") << edited;
    const auto line =
        1 + std::count(edited.begin(), edited.begin() + static_cast<std::ptrdiff_t>(edited.find("RXnewal")), '\n');
    const Output found = verify(world, {"--directory", copy.string()});
    INFO(found.both());
    REQUIRE(found.exit_code == 1);
    REQUIRE(found.out.find(fmt::format("{}:{}: the line (number {}) does not have the hash",
                                       (copy / "000001.jsonl").string(), line, line)) != std::string::npos);
    REQUIRE(verify(world).exit_code == 0);

    const std::size_t second = text.find('\n') + 1, third = text.find('\n', second) + 1;
    std::ofstream(journal(world)) << text.substr(0, second) + text.substr(third);
    const Output removed = verify(world, {"--json"});
    REQUIRE(removed.exit_code == 1);
    REQUIRE(removed.out.find("comes where line number 2 is missing") != std::string::npos);
}

TEST_CASE("a line torn by a crash is set aside and told, and the chain goes on") {
    World world;
    world.issue_first();
    world.certd.kill();
    std::ofstream(journal(world), std::ios::app) << "{\"sequence\":99,\"at\":\"20";
    world.certd.start();
    REQUIRE(
        eventually(30s, [&] { return world.certd.log().find("was cut off after 23 octets") != std::string::npos; }));
    REQUIRE(std::filesystem::exists(journal(world).string() + ".torn-23"));
    REQUIRE(verify(world).exit_code == 0);
}
