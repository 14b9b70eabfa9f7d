// Certificates whose keys are not one new ECDSA key for each version.
#include "tests/e2e/world.hpp"

#include <fmt/format.h>

using namespace certd::test;

namespace {

const std::string ecdsa_12 = "-tls1_2 -cipher aECDSA", rsa_12 = "-tls1_2 -cipher aRSA";
const std::string ecdsa_13 = "-tls1_3 -sigalgs ECDSA+SHA256", rsa_13 = "-tls1_3 -sigalgs rsa_pss_rsae_sha256";

Sample two_keys(const World& world) {
    Sample sample;
    sample.install_more = fmt::format(
        "      - {{ part: fullchain, path: {}, key: rsa-2048 }}\n      - {{ part: privkey, path: {}, key: rsa-2048 "
        "}}\n",
        world.nginx.rsa_fullchain().string(), world.nginx.rsa_privkey().string());
    sample.lineage_more = "    keys: [ecdsa-p256, rsa-2048]\n";
    sample.key.clear();
    return sample;
}

bool both_served(World& world) {
    const auto live = world.certd.live("shop");
    const std::string ecdsa = fingerprint_of_file(live / "fullchain.pem");
    const std::string rsa = fingerprint_of_file(live / "rsa-2048/fullchain.pem");
    const auto shows = [&](const std::string& options, const std::string& fingerprint) {
        return !fingerprint.empty() && world.nginx.served("a.example.test", options) == fingerprint;
    };
    return ecdsa != rsa && shows(ecdsa_12, ecdsa) && shows(ecdsa_13, ecdsa) && shows(rsa_12, rsa) && shows(rsa_13, rsa);
}

}  // namespace

TEST_CASE(
    "an ECDSA and an RSA certificate are issued, served by one nginx in TLS 1.2 and 1.3, and rolled back together") {
    World world;
    world.nginx.add_rsa();
    world.issue_first(two_keys(world));
    REQUIRE(world.pebble.orders() == 2);
    REQUIRE(both_served(world));
    const certd::Json shop = world.certd.lineage("shop");
    REQUIRE(shop["certificates"].if_array()->size() == 2);
    REQUIRE((*shop["certificates"].if_array())[1].string_or("key_type") == "rsa-2048");
    const std::string first = world.nginx.served("a.example.test", rsa_13);

    REQUIRE(world.certd.ctl({"renew", "shop", "--force"}).exit_code == 0);
    REQUIRE(both_served(world));
    REQUIRE(world.nginx.served("a.example.test", rsa_13) != first);

    const Output rolled = world.certd.ctl({"rollback", "shop"});
    INFO(rolled.both());
    REQUIRE(rolled.exit_code == 0);
    REQUIRE(both_served(world));
    REQUIRE(world.nginx.served("a.example.test", rsa_13) == first);
}

TEST_CASE("an nginx that was not told of the RSA files is found out, and both certificates are put back") {
    World world;
    world.nginx.add_rsa();
    world.issue_first(two_keys(world));
    const std::string installed = read_file(world.nginx.rsa_fullchain());
    Sample wrong = two_keys(world);
    wrong.verify_timeout = "1s";
    wrong.reload = "[/bin/true]";
    world.certd.configure(world.configuration(wrong));
    REQUIRE(world.certd.ctl({"reload"}).exit_code == 0);
    const Output renewed = world.certd.ctl({"renew", "shop", "--force"});
    REQUIRE(renewed.exit_code == 1);
    REQUIRE(read_file(world.nginx.rsa_fullchain()) == installed);
    REQUIRE(both_served(world));
}
