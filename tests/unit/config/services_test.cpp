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

TEST_CASE("haproxy's runtime API comes before a unit or a command, or stands alone") {
    const std::string install = ", install: [{ part: combined, path: /f }]";
    const Target beside = target_with("reload: { haproxy: /run/h.sock, systemd: haproxy.service }" + install);
    CHECK(beside.reload.haproxy == "/run/h.sock");
    CHECK(beside.reload.systemd_unit == "haproxy.service");
    CHECK(beside.reload.runs_program());
    const Target alone = target_with("reload: { haproxy: /run/h.sock }" + install);
    CHECK_FALSE(alone.reload.runs_program());
    CHECK_FALSE(alone.reload.empty());
    // A preset keeps its unit to fall back to, unless something else is given for that.
    const Target preset = target_with("service: haproxy, reload: { haproxy: /run/h.sock }" + install);
    CHECK(preset.reload.haproxy == "/run/h.sock");
    CHECK(preset.reload.systemd_unit == "haproxy.service");
    const Target other =
        target_with("service: haproxy, reload: { haproxy: /run/h.sock, command: [haproxy-reload] }" + install);
    CHECK(other.reload.systemd_unit.empty());
    CHECK(other.reload.command.argv == Lines{"haproxy-reload"});
    CHECK(target_with("service: haproxy").reload.haproxy.empty());
}

TEST_CASE("haproxy's runtime API is refused where it could not work") {
    const auto said = [](const std::string& members) {
        Lines lines = findings(base + "targets: { web: { verify: { tls: [\":443\"] }, " + members + " } }\n" +
                               "lineages: { example.com: { targets: [web] } }\n");
        std::erase_if(
            lines, [](const std::string& line) { return line.find("in verify is no address") != std::string::npos; });
        for (std::string& line : lines)
            line.erase(0, line.find(' ') + 1);
        return lines;
    };
    const std::string socket = "reload: { haproxy: /run/h.sock }, ";
    const std::string combined = "install: [{ part: combined, path: /certs/a.pem }]";
    CHECK(said(socket + combined).empty());
    CHECK(said(socket + "install: [{ part: fullchain, path: /f }]") ==
          Lines{"error: haproxy takes up files of part combined, of which the target 'web' installs none (add install: "
                "[{ part: combined, path: /etc/haproxy/certs/… }])"});
    CHECK(said(socket + "hosts: [lb1], " + combined) ==
          Lines{"error: The target 'web' has hosts, and haproxy's runtime API is spoken on this machine only (take "
                "haproxy out of reload: a unit or a command reloads it there)"});
    CHECK(said(socket + "install: [{ part: combined, path: \"/certs/a b.pem\" }]") ==
          Lines{"error: haproxy's runtime API cannot be told of '/certs/a b.pem' (choose a path of plain ASCII without "
                "spaces and without '\\', ';', '*', '<' and quotes)"});
    const Lines far = said("reload: { haproxy: /" + std::string(107, 'x') + " }, " + combined);
    REQUIRE(far.size() == 1);
    CHECK(far[0].ends_with("' of the target 'web' has a path of more than 107 octets"));
    CHECK(said("reload: { haproxy: /" + std::string(106, 'x') + " }, " + combined).empty());
    CHECK(said("reload: { haproxy: run/h.sock }, " + combined).size() == 1);
    CHECK(said("reload: { haproxy: /run/h.sock, systemd: a.service, command: [b] }, " + combined).size() == 1);
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
