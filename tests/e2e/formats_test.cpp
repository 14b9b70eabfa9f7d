// Certificates in other forms than PEM files: what tools and commands outside certd make of them.
#include "libacme/base/json.hpp"
#include "tests/e2e/world.hpp"

#include <fmt/format.h>

#include <fstream>

using namespace certd::test;

TEST_CASE("a PKCS#12 and a DER file are read by openssl, and fit the live certificate") {
    World world;
    const auto path = [&](const char* name) { return (world.directory() / name).string(); };
    std::ofstream(path("password")) << "s3cret\n";
    std::filesystem::permissions(path("password"), std::filesystem::perms(0600));
    Sample sample;
    sample.install_more = fmt::format(
        "      - {{ part: pkcs12, path: {}, password_file: {} }}\n      - {{ part: cert, path: {}, format: der }}\n"
        "      - {{ part: privkey, path: {}, format: der }}\n",
        path("keystore.p12"), path("password"), path("cert.der"), path("key.der"));
    world.issue_first(sample);

    const Output shown = run({"openssl", "pkcs12", "-in", path("keystore.p12"), "-passin", "pass:s3cret", "-nodes"});
    INFO(shown.both());
    REQUIRE(shown.exit_code == 0);
    const std::string live = read_file(world.certd.live("shop") / "cert.pem");
    REQUIRE(shown.out.find(live.substr(0, live.find("-----END"))) != std::string::npos);
    REQUIRE(shown.out.find("BEGIN PRIVATE KEY") != std::string::npos);
    REQUIRE(shown.out.find("friendlyName: a.example.test") != std::string::npos);
    const Output information =
        run({"openssl", "pkcs12", "-in", path("keystore.p12"), "-passin", "pass:s3cret", "-info", "-noout"});
    INFO(information.both());
    REQUIRE(information.both().find("MAC: sha256") != std::string::npos);
    REQUIRE(information.both().find("AES-256-CBC") != std::string::npos);
    REQUIRE(run({"openssl", "pkcs12", "-in", path("keystore.p12"), "-passin", "pass:wrong", "-nodes"}).exit_code != 0);

    const Output certificate = run({"openssl", "x509", "-inform", "DER", "-in", path("cert.der")});
    REQUIRE(certificate.out == live);
    const Output key = run({"openssl", "pkey", "-inform", "DER", "-in", path("key.der")});
    REQUIRE(key.out == read_file(world.certd.live("shop") / "privkey.pem"));

    // Nothing of it is deployed anew by itself.
    REQUIRE(world.certd.ctl({"deploy", "shop"}).exit_code == 0);
    REQUIRE(world.certd.reaches("shop", "waiting"));
}

TEST_CASE("commands get the bundle, and the example for a share switches all files by one link, there and back") {
    World world;
    const std::string share = (world.directory() / "share").string(), file = (world.directory() / "bundle").string();
    std::filesystem::create_directory(share);
    Sample sample;
    sample.targets = "[web, share]";
    sample.more_targets = fmt::format(
        "  share:\n    exec:\n      - command: [{}/contrib/examples/publish-to-share, {}]\n"
        "      - {{ command: {{ shell: \"umask 077; cat > {}\" }}, input: bundle }}\n",
        CERTD_SOURCE_DIR, share, file);
    world.issue_first(sample);
    const auto shared = [&] { return read_file(std::filesystem::path(share) / "live/fullchain.pem"); };
    const auto live = [&] { return read_file(world.certd.live("shop") / "fullchain.pem"); };
    REQUIRE(shared() == live());
    const std::string first = shared();
    const auto bundle = certd::parse_json(read_file(file));
    REQUIRE(bundle);
    REQUIRE(bundle->string_or("fullchain") == first);
    REQUIRE(bundle->string_or("privkey") == read_file(world.certd.live("shop") / "privkey.pem"));
    REQUIRE(bundle->string_or("fingerprint_sha256") == world.live_fingerprint());
    REQUIRE(bundle->strings("names").size() == 2);
    REQUIRE(world.certd.log().find("PRIVATE KEY") == std::string::npos);

    REQUIRE(world.certd.ctl({"renew", "shop", "--force"}).exit_code == 0);
    REQUIRE(shared() != first);
    REQUIRE(shared() == live());
    REQUIRE(world.certd.ctl({"rollback", "shop"}).exit_code == 0);
    REQUIRE(shared() == first);
    REQUIRE(read_file(std::filesystem::path(share) / "live/privkey.pem") ==
            read_file(world.certd.live("shop") / "privkey.pem"));
}
