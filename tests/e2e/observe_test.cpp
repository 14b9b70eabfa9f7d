// What certd shows of itself: metrics and logs.
#include "tests/e2e/world.hpp"
#include "tests/support/exposition_reader.hpp"

#include <fmt/format.h>

#include <filesystem>

using namespace certd::test;

TEST_CASE("metrics are well-formed on the control socket, over TCP and in the textfile, and tell the truth") {
    World world;
    const std::uint16_t port = free_port();
    const auto textfile = world.directory() / "certd.prom";
    world.issue_first(
        {.top = fmt::format("metrics: {{ listen: \"127.0.0.1:{}\", textfile: {}, textfile_interval: 1s }}\n", port,
                            textfile.string())});
    const auto scrape = [&](const std::string& accept) {
        return run({program("curl"), "-sS", "-i", "-H", "Accept: " + accept,
                    fmt::format("http://127.0.0.1:{}/metrics", port)})
            .out;
    };
    const auto body = [](const std::string& answer) { return answer.substr(answer.find("\r\n\r\n") + 4); };
    const std::string plain = scrape("*/*"), open = scrape("application/openmetrics-text;version=1.0.0");
    REQUIRE(plain.starts_with("HTTP/1.1 200"));
    REQUIRE(plain.find("text/plain; version=0.0.4; charset=utf-8") != std::string::npos);
    REQUIRE(open.find("application/openmetrics-text; version=1.0.0; charset=utf-8") != std::string::npos);

    const MetricsPage page = read_prometheus(body(plain));
    REQUIRE(read_prometheus(world.certd.metrics()).families.size() == page.families.size());
    REQUIRE(read_openmetrics(body(open)).families.size() == page.families.size());
    REQUIRE(page.samples.at("certd_lineage_state{lineage=\"shop\",state=\"waiting\"}") == 1);
    REQUIRE(page.samples.at("certd_lineage_health{lineage=\"shop\",health=\"ok\"}") == 1);
    REQUIRE(page.samples.at("certd_lineage_renewal_attempts_left{lineage=\"shop\"}") > 10);
    const double on_disk = page.samples.at("certd_lineage_not_after_timestamp_seconds{lineage=\"shop\"}");
    REQUIRE(page.samples.at("certd_target_served_not_after_timestamp_seconds{lineage=\"shop\",target=\"web\",host="
                            "\"local\"}") == on_disk);
    REQUIRE(page.samples.at("certd_deploy_steps_total{step=\"reload\",result=\"ok\"}") == 1);
    REQUIRE(page.samples.at("certd_renewal_duration_seconds_count") == 1);

    REQUIRE(eventually(10s, [&] {
        const std::string text = read_file(textfile);
        return text.find("certd_lineage_generation{lineage=\"shop\"} 1\n") != std::string::npos;
    }));
    REQUIRE_NOTHROW(read_prometheus(read_file(textfile)));
    namespace fs = std::filesystem;
    REQUIRE((fs::status(textfile).permissions() & fs::perms::others_read) != fs::perms::none);
}

TEST_CASE("a textfile that cannot be written is told as that, and is no trouble of the state directory") {
    World world;
    const auto directory = world.directory() / "collector";
    const auto textfile = directory / "certd.prom";
    world.start({.top = fmt::format("metrics: {{ textfile: {}, textfile_interval: 1s }}\n", textfile.string())});
    REQUIRE(eventually(10s, [&] { return world.certd.log().find("metrics.textfile") != std::string::npos; }));
    REQUIRE(world.certd.log().find("Cannot write the metrics to " + textfile.string()) != std::string::npos);
    REQUIRE(world.certd.metric("certd_storage_errors_total") == 0);
    const certd::Json told = world.certd.json({"notify", "list"});
    REQUIRE(told["incidents"].if_array()->empty());
    // Mended, it is written without a restart.
    std::filesystem::create_directory(directory);
    REQUIRE(eventually(10s, [&] { return std::filesystem::exists(textfile); }));
}

TEST_CASE("with a token the metrics listener tells nothing to those who do not have it") {
    World world;
    const std::uint16_t port = free_port();
    const auto token = world.directory() / "token";
    write_file(token, "canary-token\n");
    std::filesystem::permissions(token, std::filesystem::perms::owner_read);
    world.start(
        {.top = fmt::format("metrics: {{ listen: \"127.0.0.1:{}\", token_file: {} }}\n", port, token.string())});
    const auto status = [&](const std::string& header) {
        return run({program("curl"), "-s", "-o", "/dev/null", "-w", "%{http_code}", "-H", header,
                    fmt::format("http://127.0.0.1:{}/metrics", port)})
            .out;
    };
    REQUIRE(status("Authorization: Bearer wrong") == "401");
    REQUIRE(status("Authorization: Bearer canary-token") == "200");
    REQUIRE(world.certd.log().find("canary-token") == std::string::npos);
}

TEST_CASE("no log line contains a private key or a control character, at any level") {
    World world;
    world.issue_first({.top = "log: { level: debug }\n"});
    world.nginx.break_configuration();
    world.certd.ctl({"renew", "shop", "--force"});
    world.certd.terminate();
    const std::string log = world.certd.log();
    REQUIRE_FALSE(log.empty());
    REQUIRE(log.find("PRIVATE KEY") == std::string::npos);
    for (const char c : log)
        REQUIRE((c == '\n' || static_cast<unsigned char>(c) >= 0x20));
    // Nor do the keys' own octets, as base64 lines, appear.
    const std::string key = read_file(world.certd.live("shop") / "privkey.pem");
    REQUIRE(log.find(key.substr(key.find('\n') + 1, 40)) == std::string::npos);
}
