// Lineages that go on without names that the CA refuses.
#include "tests/e2e/world.hpp"

#include <fmt/format.h>

using namespace certd::test;

namespace {

std::vector<std::string> issued_names(World& world) {
    return world.certd.lineage("shop").strings("issued_names");
}

}  // namespace

TEST_CASE("a name that cannot be validated does not hold up the others, and is issued once it can") {
    World world;
    Sample sample;
    // b is proved by files that nobody serves.
    const std::filesystem::path nowhere = world.directory() / "nowhere";
    std::filesystem::create_directory(nowhere);
    sample.lineage_more = fmt::format(
        "    allow_subset_of_names: true\n"
        "    name_challenges: {{ b.example.test: {{ http-01: {{ webroot: {} }} }} }}\n",
        nowhere.string());
    world.start(sample);
    const Output renewed = world.certd.ctl({"renew", "shop"});
    INFO(renewed.both() << world.certd.log());
    REQUIRE(renewed.exit_code == 0);
    REQUIRE(issued_names(world) == std::vector<std::string>{"a.example.test"});
    REQUIRE(world.served_is_live());

    const certd::Json shop = world.certd.lineage("shop");
    CHECK(shop.string_or("health") == "warning");
    CHECK(shop.string_or("state") == "waiting");
    REQUIRE(shop["refused_names"].if_array()->size() == 1);
    const certd::Json& refused = shop["refused_names"].if_array()->front();
    CHECK(refused.string_or("name") == "b.example.test");
    CHECK(refused["problem"].string_or("code") == "acme.unauthorized");
    const Output status = world.certd.ctl({"status", "shop"});
    CHECK(status.exit_code == 4);
    CHECK(status.out.find("Names the CA refused") != std::string::npos);
    CHECK(status.out.find("The certificate lacks b.example.test") != std::string::npos);
    const Output explained = world.certd.ctl({"explain", "shop"});
    CHECK(explained.out.find("b.example.test has been refused") != std::string::npos);

    world.certd.terminate();
    world.certd.start();
    CHECK(world.certd.lineage("shop")["refused_names"].if_array()->size() == 1);
    const Output again = world.certd.ctl({"renew", "shop"});
    INFO(again.both());
    CHECK(again.exit_code == 1);
    CHECK(world.certd.version("shop") == 1);

    sample.lineage_more = "    allow_subset_of_names: true\n";
    world.certd.configure(world.configuration(sample));
    REQUIRE(world.certd.ctl({"reload"}).exit_code == 0);
    const Output healed = world.certd.ctl({"renew", "shop"});
    INFO(healed.both());
    REQUIRE(healed.exit_code == 0);
    REQUIRE(issued_names(world).size() == 2);
    REQUIRE(world.served_is_live());
    CHECK(world.certd.ctl({"status", "shop"}).exit_code == 0);
}
