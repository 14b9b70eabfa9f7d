// Names and addresses proven by tls-alpn-01, mixed ways, and what concerns accounts and revocation, with Pebble.
#include "tests/e2e/world.hpp"

#include <csignal>

#include <fmt/format.h>

#include <sys/stat.h>

using namespace certd::test;

namespace {

// A world whose CA asks `port` for tls-alpn-01.
struct TlsWorld {
    explicit TlsWorld(PebbleOptions options = {}) : port(free_port()), world(with_port(std::move(options), port)) {}
    static WorldOptions with_port(PebbleOptions options, std::uint16_t port) {
        options.tls_port = port;
        return {std::move(options), false};
    }
    std::string listen(std::uint16_t at) const {
        return fmt::format("tls_challenge: {{ listen: \"127.0.0.1:{}\" }}\n", at);
    }

    std::uint16_t port;
    World world;
};

}  // namespace

TEST_CASE("DNS names in any script and addresses are proven by tls-alpn-01 in one certificate") {
    TlsWorld tls;
    tls.world.issue_first({.names = "[a.example.test, b\xc3\xbc"
                                    "cher.example.test, 127.0.0.1]",
                           .challenge = "{ tls-alpn-01: {} }",
                           .top = tls.listen(tls.port)});
    const certd::Json shop = tls.world.certd.lineage("shop");
    REQUIRE(shop["issued_names"].if_array()->size() == 3);
    const Output shown = tls.world.certd.ctl({"status", "shop"}, {{"LC_ALL=C.UTF-8"}, {}, 10s});
    INFO(shown.both());
    REQUIRE(shown.out.find("xn--bcher-kva.example.test") != std::string::npos);
    REQUIRE(shown.out.find("127.0.0.1") != std::string::npos);
    // Nothing stays behind on the port.
    const Output after =
        run({program("curl"), "-sk", "-o", "/dev/null", fmt::format("https://127.0.0.1:{}/", tls.port)});
    REQUIRE(after.exit_code == 7);
}

TEST_CASE("an address and a name are proven over HTTP") {
    World world;
    world.issue_first({.names = "[a.example.test, 127.0.0.1]"});
    REQUIRE(world.certd.lineage("shop")["issued_names"] == certd::Json::array({"a.example.test", "127.0.0.1"}));
}

TEST_CASE("names are proven each in its own way") {
    TlsWorld tls;
    tls.world.issue_first({.lineage_more = "    name_challenges: { b.example.test: { tls-alpn-01: {} } }\n",
                           .top = tls.listen(tls.port)});
    const std::string log = tls.world.pebble.log();
    REQUIRE(log.find("http://a.example.test:") != std::string::npos);
    REQUIRE(log.find("http://b.example.test:") == std::string::npos);
    REQUIRE(tls.world.served_is_live());
}

TEST_CASE("after one way of proof has failed the next is tried") {
    TlsWorld tls;
    tls.world.start({.challenge = "{ tls-alpn-01: {}, http-01: {} }", .top = tls.listen(free_port())});
    const Output first = tls.world.certd.ctl({"renew", "shop"});
    INFO(first.both());
    REQUIRE(first.exit_code == 1);
    const Output explained = tls.world.certd.ctl({"explain", "shop"});
    INFO(explained.both());
    REQUIRE(explained.out.find("http-01 is tried next, because tls-alpn-01 failed") != std::string::npos);
    const Output second = tls.world.certd.ctl({"renew", "shop", "--force"});
    INFO(second.both());
    REQUIRE(second.exit_code == 0);
    REQUIRE(tls.world.served_is_live());
}

TEST_CASE("behind nginx, which splits off acme-tls/1, tls-alpn-01 works and the web site goes on being served") {
    const std::filesystem::path module = "/usr/lib/nginx/modules/ngx_stream_module.so";
    if (!std::filesystem::exists(module)) {
        WARN("libnginx-mod-stream is not installed: nothing was tested");
        return;
    }
    TlsWorld tls;
    const std::uint16_t inner = free_port();
    const std::filesystem::path directory = tls.world.directory() / "splitter";
    std::filesystem::create_directories(directory);
    write_file(directory / "nginx.conf",
               fmt::format(R"(daemon off; master_process off; pid {0}/pid; error_log {0}/error.log;
load_module {1};
events {{}}
stream {{
  map $ssl_preread_alpn_protocols $backend {{ ~\bacme-tls/1\b 127.0.0.1:{2}; default {3}; }}
  server {{ listen 127.0.0.1:{4}; ssl_preread on; proxy_pass $backend; }}
}}
)",
                           directory.string(), module.string(), inner, tls.world.nginx.endpoint(), tls.port));
    Child splitter({program("nginx"), "-c", directory / "nginx.conf", "-p", directory},
                   {{}, directory / "log", {}, {}, {}});
    tls.world.issue_first({.challenge = "{ tls-alpn-01: {} }", .top = tls.listen(inner)});
    const Output page = run({program("curl"), "-sk", "-o", "/dev/null", "-w", "%{http_code}", "--resolve",
                             fmt::format("a.example.test:{}:127.0.0.1", tls.port),
                             fmt::format("https://a.example.test:{}/", tls.port)});
    REQUIRE(page.exit_code == 0);
    splitter.stop(SIGTERM);
}

TEST_CASE("behind haproxy, set up as the manual says, tls-alpn-01 works and the web site goes on being served") {
    if (!std::filesystem::exists("/usr/sbin/haproxy")) {
        WARN("haproxy is not installed: nothing was tested");
        return;
    }
    TlsWorld tls;
    const std::uint16_t inner = free_port();
    const std::filesystem::path directory = tls.world.directory() / "splitter";
    std::filesystem::create_directories(directory);
    // The very lines of the manual, on ports of the test's own.
    const std::string manual = read_file(CERTD_SOURCE_DIR "/contrib/docs/TLS-CHALLENGE.md");
    const std::size_t begin = manual.find("frontend tls\n");
    REQUIRE(begin != std::string::npos);
    std::string lines = manual.substr(begin, manual.find("```", begin) - begin);
    const auto put = [&](const std::string& from, const std::string& to) {
        const std::size_t at = lines.find(from);
        REQUIRE(at != std::string::npos);
        lines.replace(at, from.size(), to);
    };
    put("bind :443\n", fmt::format("bind 127.0.0.1:{}\n", tls.port));
    put("    bind [::]:443 v6only\n", "");
    put("127.0.0.1:10443", fmt::format("127.0.0.1:{}", inner));
    put("127.0.0.1:8443", tls.world.nginx.endpoint());
    write_file(directory / "haproxy.cfg", lines);
    Child splitter({program("haproxy"), "-db", "-f", directory / "haproxy.cfg"}, {{}, directory / "log", {}, {}, {}});
    const auto page = [&] {
        return run({program("curl"), "-sk", "-o", "/dev/null", "-m", "5", "--resolve",
                    fmt::format("a.example.test:{}:127.0.0.1", tls.port),
                    fmt::format("https://a.example.test:{}/", tls.port)})
            .exit_code;
    };
    INFO(read_file(directory / "log"));
    REQUIRE(eventually(10s, [&] { return page() == 0; }));
    tls.world.issue_first({.challenge = "{ tls-alpn-01: {} }", .top = tls.listen(inner)});
    REQUIRE(page() == 0);
    REQUIRE(read_file(directory / "log").find("ALERT") == std::string::npos);
    splitter.stop(SIGTERM);
}

TEST_CASE("an external account is bound once, from a file, and Pebble accepts it") {
    PebbleOptions options;
    options.external_accounts = R"("kid-1": "zWNDZM6eQGHWpSRTPal5eIUYFTu7EajVIoguysqZ9wG44nMEtx3MUAsUDkMTQ12W")";
    World world({options, false});
    const std::filesystem::path key = world.directory() / "eab";
    write_file(key, "zWNDZM6eQGHWpSRTPal5eIUYFTu7EajVIoguysqZ9wG44nMEtx3MUAsUDkMTQ12W\n");
    REQUIRE(::chmod(key.c_str(), 0600) == 0);
    std::string text = world.configuration();
    world.certd.configure(text);
    world.certd.start();
    const Output refused = world.certd.ctl({"renew", "shop"});
    REQUIRE(refused.exit_code == 1);
    REQUIRE(world.certd.lineage("shop")["last_problem"].string_or("code") == "acme.externalAccountRequired");

    text.replace(text.find("    agree_tos"), 0,
                 fmt::format("    external_account: {{ kid: kid-1, mac_key_file: {} }}\n", key.string()));
    world.certd.configure(text);
    REQUIRE(world.certd.ctl({"reload"}).exit_code == 0);
    const Output renewed = world.certd.ctl({"renew", "shop", "--force"});
    INFO(renewed.both() << world.certd.log());
    REQUIRE(renewed.exit_code == 0);
    REQUIRE(world.certd.log().find("zWNDZM6e") == std::string::npos);
}

TEST_CASE("certctl shows, rolls over and ends accounts, and renewals go on with what is left") {
    World world;
    world.issue_first();
    const certd::Json before = world.certd.json({"account", "list"});
    REQUIRE(before["accounts"].if_array()->size() == 1);
    const std::string thumbprint = before["accounts"].if_array()->front().string_or("thumbprint");
    const Output changed = world.certd.ctl({"account", "rollover", "pebble"});
    INFO(changed.both() << world.certd.log());
    REQUIRE(changed.exit_code == 0);
    const certd::Json after = world.certd.json({"account", "list"});
    REQUIRE(after["accounts"].if_array()->front().string_or("thumbprint") != thumbprint);
    REQUIRE(after["accounts"].if_array()->front().string_or("url") ==
            before["accounts"].if_array()->front().string_or("url"));
    REQUIRE(world.certd.ctl({"renew", "shop", "--force"}).exit_code == 0);

    REQUIRE(world.certd.ctl({"account", "deactivate", "pebble"}).exit_code == 0);
    REQUIRE(world.certd.json({"account", "list"})["accounts"].if_array()->empty());
    REQUIRE(world.certd.ctl({"renew", "shop", "--force"}).exit_code == 0);
    REQUIRE(world.certd.version("shop") == 3);
    const Output nobody = world.certd.ctl({"account", "rollover", "nobody"});
    REQUIRE(nobody.exit_code == 1);
    REQUIRE(nobody.err.find("There is no CA 'nobody'") != std::string::npos);
}

TEST_CASE("a revoked certificate is replaced at once by one with another key") {
    World world;
    world.issue_first();
    const std::string key = read_file(world.certd.live("shop") / "privkey.pem");
    const Output revoked = world.certd.ctl({"revoke", "shop", "--reason", "key-compromise"});
    INFO(revoked.both() << world.certd.log());
    REQUIRE(revoked.exit_code == 0);
    REQUIRE(
        eventually(30s, [&] { return world.certd.version("shop") == 2 && world.certd.state("shop") == "waiting"; }));
    REQUIRE(read_file(world.certd.live("shop") / "privkey.pem") != key);
    REQUIRE(world.served_is_live());
    // Pebble says that it is revoked already, which is no failure.
    REQUIRE(world.certd.ctl({"revoke", "shop", "--version", "1", "--reason", "superseded"}).exit_code == 0);
    REQUIRE(world.certd.ctl({"revoke", "shop", "--reason", "because"}).exit_code == 1);
    REQUIRE(world.certd.version("shop") == 2);
}

TEST_CASE("a required profile that the CA does not offer orders nothing, a preferred one is done without") {
    World world;
    world.start({.lineage_more = "    required_profile: shortlived\n"});
    const Output refused = world.certd.ctl({"renew", "shop"});
    INFO(refused.both());
    REQUIRE(refused.exit_code == 1);
    REQUIRE(refused.both().find("offered: none") != std::string::npos);
    REQUIRE(world.certd.lineage("shop").string_or("state") == "blocked");
    REQUIRE(world.pebble.orders() == 0);
    world.certd.configure(world.configuration({.lineage_more = "    profile: shortlived\n"}));
    REQUIRE(world.certd.ctl({"reload"}).exit_code == 0);
    REQUIRE(eventually(30s, [&] { return world.certd.version("shop") == 1; }));
}
