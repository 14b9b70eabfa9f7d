#include "config/services.hpp"
#include "tests/unit/config/fixture.hpp"

#include "config/schema.hpp"

#include <algorithm>

using namespace certd;
using namespace certd::config;
using namespace certd::config::test;

namespace {

Target target_with(const std::string& members) {
    auto config = config_of(base + "targets: { web: { " + members + " } }\n");
    return config->targets.at({"web"});
}

}  // namespace

TEST_CASE("a service brings its test, its reload and where it is asked") {
    const Target mail = target_with("service: postfix");
    CHECK(mail.test.argv == Lines{"postfix", "check"});
    CHECK(mail.reload.systemd_unit == "postfix.service");
    CHECK(mail.verify.addresses == std::vector<VerifyAddress>{{StartTls::smtp, "127.0.0.1:25"}});
    const Target directory = target_with("service: slapd");
    CHECK(directory.test.argv == Lines{"slaptest", "-Q", "-u"});
    CHECK(directory.reload.systemd_unit.empty());
    CHECK(directory.reload.command.argv == Lines{"systemctl", "restart", "slapd.service"});
    CHECK(target_with("service: postgresql").test.argv.empty());
    CHECK(target_with("command_timeout: 1m").verify.addresses.empty());
}

TEST_CASE("each part of a service can be given instead") {
    const Target other = target_with(
        "service: nginx, test: [nginx, -t, -c, /srv/nginx.conf], reload: [nginx, -s, reload], "
        "verify: { tls: [\"192.0.2.1:443\"], smtp: [\"192.0.2.1:25\"], timeout: 5s }");
    CHECK(other.test.argv == Lines{"nginx", "-t", "-c", "/srv/nginx.conf"});
    CHECK(other.reload.command.argv == Lines{"nginx", "-s", "reload"});
    CHECK(other.reload.systemd_unit.empty());
    CHECK(other.verify.addresses ==
          std::vector<VerifyAddress>{{StartTls::none, "192.0.2.1:443"}, {StartTls::smtp, "192.0.2.1:25"}});
    const Target kept = target_with("service: slapd, reload: { systemd: slapd@one.service }, verify: { timeout: 5s }");
    CHECK(kept.reload.command.argv.empty());
    CHECK(kept.reload.systemd_unit == "slapd@one.service");
    CHECK(kept.verify.addresses == std::vector<VerifyAddress>{{StartTls::ldap, "127.0.0.1:389"}});
    CHECK(kept.verify.timeout == seconds(5));
}

TEST_CASE("a service that is not known is an error with the known ones, and the schema lists all there are") {
    const Lines said = findings(base + "targets: { web: { service: ngnix } }\n");
    CHECK(std::ranges::any_of(said, [](const std::string& line) {
        return line.find("error") != std::string::npos && line.find("nginx") != std::string::npos;
    }));
    std::string words;
    for (const Service& service : services())
        words += (words.empty() ? "" : "|") + std::string(service.name);
    const auto row = std::ranges::find(rows(), "targets.*.service", &Row::path);
    REQUIRE(row != rows().end());
    CHECK(row->words == words);
}
