#include "tests/e2e/world.hpp"

#include <fmt/format.h>

#include <cstdlib>
#include <exception>
#include <iostream>

namespace certd::test {

World::World(WorldOptions options)
    : http_port(free_port()),
      pebble(directory() / "pebble", http_port, options.pebble),
      nginx(directory() / "nginx", options.nginx_answers_http ? http_port : std::uint16_t{0}),
      certd(directory() / "certd") {}

World::~World() {
    if (std::uncaught_exceptions() > 0 || std::getenv("CERTD_TEST_VERBOSE") != nullptr) {
        std::cerr << "---- certd's log\n" << certd.log() << "---- Pebble's log, its end\n";
        const std::string log = pebble.log();
        std::cerr << log.substr(log.size() > 4000 ? log.size() - 4000 : 0) << std::endl;
    }
}

std::string World::configuration(const Sample& sample) const {
    const auto or_else = [](const std::string& text, std::string fallback) { return text.empty() ? fallback : text; };
    const std::string listen = or_else(sample.http_listen, fmt::format("\"127.0.0.1:{}\"", http_port));
    std::string text = fmt::format(R"(state_dir: {0}
control: {{ socket: {1}, group: {2}{3} }}
http_challenge: {{ listen: {4} }}
cas:
  pebble:
    directory: {5}
    ca_bundle: {6}
    contact: [ops@example.test]
    agree_tos: true
defaults: {{ cas: [pebble], dry_run_ca: pebble }}
)",
                                   certd.state_directory().string(), certd.socket().string(), sample.control_group,
                                   sample.control_more, listen, pebble.directory_url(), pebble.ca_bundle().string());
    text += fmt::format(R"(targets:
  web:
    install:
      - {{ part: fullchain, path: {0}, mode: "0644" }}
      - {{ part: privkey, path: {1}, mode: "0600" }}
{6}    test: {2}
    reload: {3}
    verify: {{ tls: ["{4}"], timeout: {5} }}
)",
                        nginx.fullchain().string(), nginx.privkey().string(),
                        or_else(sample.test, nginx.test_command()), or_else(sample.reload, nginx.reload_command()),
                        nginx.endpoint(), sample.verify_timeout, sample.install_more);
    if (!sample.more_targets.empty()) text += sample.more_targets + "\n";
    text += fmt::format(R"(lineages:
  shop:
    names: {}
    {}
    challenge: {}
    targets: {}
{})",
                        sample.names, sample.key.empty() ? "" : "key: " + sample.key, sample.challenge, sample.targets,
                        sample.lineage_more);
    return text + sample.top;
}

void World::start(const Sample& sample) {
    certd.configure(configuration(sample));
    certd.start();
}

void World::issue_first(const Sample& sample) {
    start(sample);
    const Output renewed = certd.ctl({"renew", "shop"});
    INFO(renewed.both() << certd.log());
    REQUIRE(renewed.exit_code == 0);
    REQUIRE(certd.version("shop") == 1);
    REQUIRE(served_is_live());
}

std::string World::live_fingerprint() const {
    return fingerprint_of_file(certd.live("shop") / "cert.pem");
}

bool World::served_is_live() const {
    const std::string live = live_fingerprint();
    return !live.empty() && nginx.served("a.example.test") == live;
}

}  // namespace certd::test
