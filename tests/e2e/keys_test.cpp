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

TEST_CASE("with reuse_key the key stays over renewals until it has reached its age") {
    World world;
    world.issue_first({.lineage_more = "    reuse_key: { max_age: 1h }\n"});
    const auto key_file = world.certd.live("shop") / "privkey.pem";
    const std::string key = read_file(key_file);
    REQUIRE(world.certd.ctl({"renew", "shop", "--force"}).exit_code == 0);
    REQUIRE(world.certd.version("shop") == 2);
    REQUIRE(world.served_is_live());
    REQUIRE(read_file(key_file) == key);
    const Output status = world.certd.ctl({"status", "shop"});
    INFO(status.both());
    REQUIRE(status.out.find("used again until") != std::string::npos);

    world.certd.configure(world.configuration({.lineage_more = "    reuse_key: { max_age: 1s }\n"}));
    REQUIRE(world.certd.ctl({"reload"}).exit_code == 0);
    REQUIRE(eventually(30s, [&] {
        return world.certd.ctl({"explain", "shop"}).out.find("the next renewal makes a new one") != std::string::npos;
    }));
    REQUIRE(world.certd.ctl({"renew", "shop", "--force"}).exit_code == 0);
    REQUIRE(world.served_is_live());
    REQUIRE(read_file(key_file) != key);
}

namespace {

// The operator, who makes his keys and requests with openssl and puts the keys where nginx reads them.
struct Requester {
    World& world;
    std::string request = (world.directory() / "shop.csr").string();

    void make_request() const {
        const std::string key = (world.directory() / "shop.key").string();
        const Output made = run({"openssl", "req", "-new", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1",
                                 "-nodes", "-keyout", key, "-out", request, "-subj", "/O=Shop/CN=a.example.test",
                                 "-addext", "subjectAltName=DNS:b.example.test,DNS:a.example.test"});
        INFO(made.both());
        REQUIRE(made.exit_code == 0);
        std::filesystem::copy_file(key, world.nginx.privkey(), std::filesystem::copy_options::overwrite_existing);
    }
    // Without the install step of the key.
    std::string configuration() const {
        std::string text = with_key_installed();
        const std::string step =
            fmt::format("      - {{ part: privkey, path: {}, mode: \"0600\" }}\n", world.nginx.privkey().string());
        return text.erase(text.find(step), step.size());
    }
    std::string with_key_installed() const {
        Sample sample;
        sample.key.clear();
        sample.lineage_more = "    csr: " + request + "\n";
        return world.configuration(sample);
    }
};

}  // namespace

TEST_CASE("a certificate is issued for a request made with openssl, whose key certd never has, and for a changed one") {
    World world;
    const Requester operator_{world};
    operator_.make_request();
    world.certd.configure(operator_.with_key_installed());
    const Output checked = run({certd_program(), "--check-config", "--config", world.certd.configuration_file()});
    INFO(checked.both());
    REQUIRE(checked.exit_code == 2);
    REQUIRE(checked.both().find("installs the private key of the lineage 'shop', which certd does not have") !=
            std::string::npos);

    world.certd.configure(operator_.configuration());
    world.certd.start();
    const Output renewed = world.certd.ctl({"renew", "shop"});
    INFO(renewed.both());
    REQUIRE(renewed.exit_code == 0);
    REQUIRE(world.served_is_live());
    const auto live = world.certd.live("shop");
    REQUIRE(std::filesystem::exists(live / "fullchain.pem"));
    REQUIRE_FALSE(std::filesystem::exists(live / "privkey.pem"));
    REQUIRE(world.certd.ctl({"status", "shop"}).out.find("yours, of the request") != std::string::npos);
    REQUIRE(world.certd.ctl({"check", "shop"}).both().find("is for the lineage's names and its own key") !=
            std::string::npos);

    operator_.make_request();
    REQUIRE(world.certd.ctl({"check", "shop"}).both().find("has changed since certd read it") != std::string::npos);
    REQUIRE(world.certd.ctl({"reload"}).exit_code == 0);
    REQUIRE(eventually(60s, [&] { return world.certd.version("shop") == 2 && world.served_is_live(); }));
}

namespace {

// What openssl makes of the public key in a certificate: SHA-256, in base64 or hex.
std::string digest_of_key(const std::filesystem::path& certificate, const std::string& how) {
    const std::string script =
        fmt::format("openssl x509 -in {} -noout -pubkey | openssl pkey -pubin -outform der | openssl dgst -sha256 {}",
                    certificate.string(), how);
    const Output made = run({"/bin/sh", "-c", script});
    INFO(made.both());
    REQUIRE(made.exit_code == 0);
    return made.out.substr(0, made.out.find('\n'));
}

}  // namespace

TEST_CASE("the pin of the next key is shown before the key is in use, and both are what openssl makes of it") {
    World world;
    world.issue_first({.lineage_more = "    next_key: true\n"});
    const certd::Json before = world.certd.lineage("shop");
    REQUIRE(before["next_keys"].if_array()->size() == 1);
    const certd::Json next = before["next_keys"].if_array()->front();
    REQUIRE(next.string_or("key_type") == "ecdsa-p256");
    const auto kept = world.certd.state_directory() / "lineages/shop/next-keys.json";
    REQUIRE((std::filesystem::status(kept).permissions() & std::filesystem::perms(0777)) ==
            std::filesystem::perms(0600));

    REQUIRE(world.certd.ctl({"renew", "shop", "--force"}).exit_code == 0);
    REQUIRE(world.served_is_live());
    const certd::Json live = world.certd.lineage("shop")["certificates"].if_array()->front();
    REQUIRE(live.string_or("pin") == next.string_or("pin"));
    const auto certificate = world.certd.live("shop") / "cert.pem";
    REQUIRE(live.string_or("pin") == "sha256/" + digest_of_key(certificate, "-binary | base64"));
    REQUIRE(live.string_or("tlsa") == "3 1 1 " + digest_of_key(certificate, "-r | cut -d ' ' -f 1"));

    const Output status = world.certd.ctl({"status", "shop"});
    INFO(status.both());
    REQUIRE(status.out.find(live.string_or("pin")) != std::string::npos);
    REQUIRE(status.out.find(fmt::format("_{}._tcp.a.example.test", world.nginx.tls_port())) != std::string::npos);
    const certd::Json after = world.certd.lineage("shop")["next_keys"].if_array()->front();
    REQUIRE(after.string_or("pin") != next.string_or("pin"));
    REQUIRE(status.out.find(after.string_or("pin")) != std::string::npos);
    REQUIRE(world.certd.log().find("PRIVATE KEY") == std::string::npos);
}
