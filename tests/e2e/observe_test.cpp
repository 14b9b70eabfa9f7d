// What certd shows of itself: metrics and logs.
#include "tests/e2e/world.hpp"

#include <fmt/format.h>

#include <regex>
#include <set>
#include <sstream>

using namespace certd::test;

namespace {

// A strict reader of Prometheus' text format 0.0.4; returns the names of the families.
std::set<std::string> families_of(const std::string& text) {
    static const std::regex help("# HELP ([a-z_]+) .+"), type("# TYPE ([a-z_]+) (counter|gauge|histogram)");
    static const std::regex sample(
        R"re(([a-z_]+)(\{[a-z_]+="(?:[^"\\]|\\.)*"(?:,[a-z_]+="(?:[^"\\]|\\.)*")*\})? (NaN|[+-]?Inf|-?[0-9.]+(?:e[+-]?[0-9]+)?))re");
    std::set<std::string> families, samples;
    std::string current;
    std::istringstream lines(text);
    for (std::string line; std::getline(lines, line);) {
        CAPTURE(line);
        std::smatch match;
        if (std::regex_match(line, match, help)) {
            REQUIRE(families.insert(match[1]).second);  // each family once, its samples together
            current = match[1];
        } else if (std::regex_match(line, match, type)) {
            REQUIRE(match[1] == current);
        } else {
            REQUIRE(std::regex_match(line, match, sample));
            const std::string name = match[1];
            REQUIRE((name == current || name == current + "_bucket" || name == current + "_sum" ||
                     name == current + "_count"));
            REQUIRE(samples.insert(name + match[2].str()).second);  // no sample twice
        }
    }
    REQUIRE(text.ends_with("\n"));
    return families;
}

}  // namespace

TEST_CASE("metrics are well-formed on the control socket and on the TCP listener, and tell the truth") {
    World world;
    const std::uint16_t port = free_port();
    world.issue_first({.top = fmt::format("metrics: {{ listen: \"127.0.0.1:{}\" }}\n", port)});
    const Output scraped = run({program("curl"), "-sS", "-i", fmt::format("http://127.0.0.1:{}/metrics", port)});
    REQUIRE(scraped.out.starts_with("HTTP/1.1 200"));
    REQUIRE(scraped.out.find("text/plain; version=0.0.4; charset=utf-8") != std::string::npos);

    const std::set<std::string> families = families_of(world.certd.metrics());
    REQUIRE(families == families_of(scraped.out.substr(scraped.out.find("\r\n\r\n") + 4)));
    for (const char* name : {"certd_build_info", "certd_lineage_not_after_timestamp_seconds",
                             "certd_lineage_next_renewal_timestamp_seconds", "certd_lineage_state",
                             "certd_lineage_last_success_timestamp_seconds", "certd_target_in_sync",
                             "certd_acme_requests_total", "certd_deploy_steps_total"}) {
        CAPTURE(name);
        REQUIRE(families.contains(name));
    }
    REQUIRE(world.certd.metric("certd_lineage_state{lineage=\"shop\",state=\"waiting\"}") == 1);
    // Nothing but metrics and health over TCP.
    REQUIRE(run({program("curl"), "-s", "-o", "/dev/null", "-w", "%{http_code}",
                 fmt::format("http://127.0.0.1:{}/v1/lineages", port)})
                .out == "404");
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
