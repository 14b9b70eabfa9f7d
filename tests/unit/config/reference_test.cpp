#include "config/reference.hpp"
#include "tests/unit/config/fixture.hpp"

#include <fstream>
#include <sstream>

using namespace certd::config;
using namespace certd::config::test;

namespace {

std::string content_of(const std::string& path) {
    std::ifstream file(std::string(CERTD_SOURCE_DIR "/") + path);
    std::ostringstream content;
    content << file.rdbuf();
    return content.str();
}

}  // namespace

TEST_CASE("the reference page in contrib/docs is what the schema yields") {
    bool up_to_date = content_of("contrib/docs/CONFIGURATION.md") == reference_page();
    INFO("Regenerate it: certd --config-reference > contrib/docs/CONFIGURATION.md");
    CHECK(up_to_date);
}

TEST_CASE("the manual page has every key once, with its type and default, and shows what is typed as it is typed") {
    std::string page = manual_page();
    auto count = [&](const std::string& text) {
        std::size_t times = 0;
        for (std::size_t at = page.find(text); at != std::string::npos; at = page.find(text, at + 1))
            ++times;
        return times;
    };
    for (const Row& row : rows()) {
        if (row.need == Need::later || row.need == Need::refused || row.type == Type::section) continue;
        for (const std::string& key : shown_keys(row)) {
            CAPTURE(key);
            if (key.starts_with("….")) continue;
            std::string shown;
            for (char letter : key)
                shown += letter == '-' ? "\\-" : std::string(1, letter);
            CHECK(count("\n\\fB" + shown + "\\fR\n") + count("\n.SS " + shown + "\n") == 1);
        }
    }
    CHECK(count(".TP\n\\fBcontrol.viewers\\fR\nGroups whose members may read only.\n.br\n"
                "list of: user or group; default: \\fB[]\\fR\n") == 1);
    CHECK(count(".TP\n\\fB\\[u2026].timeout\\fR\n") == 1);
    CHECK(count("default: those of /etc/resolv.conf\n") == 1);  // words, not to be typed
    CHECK(count("\\fBwhen\\-needed\\fR") == 2);                 // no hyphen that cannot be copied
    CHECK(page.find("\n.timeout") == std::string::npos);        // would be taken for a macro
    CHECK(page.find('`') == std::string::npos);
    for (char letter : page)
        REQUIRE(static_cast<unsigned char>(letter) < 0x80);
}

TEST_CASE("the sample configuration loads without error or warning") {
    Loaded loaded = load_text(content_of("config/certd.example.yaml"));
    CHECK(render(loaded.diagnostics, false) == "");
    REQUIRE(loaded.config);
    CHECK(loaded.config->dry_run_ca == certd::CaName{"staging"});
    CHECK(loaded.config->lineages.at("example.com")->targets == std::vector<certd::TargetName>{{"web"}});
}

TEST_CASE("the configuration of the design loads, but for the parts of later releases") {
    const std::string text = R"(state_dir: /var/lib/certd
control: { socket: /run/certd/control.sock, group: certd }      # root and group members; see roles
metrics: { listen: 127.0.0.1:9402 }                             # optional
http_challenge: { listen: "[::]:80" }
cas:
  letsencrypt:
    directory: https://acme-v02.api.letsencrypt.org/directory
    contact: [ops@example.com]
    agree_tos: true
    limits: letsencrypt
  local: { directory: https://127.0.0.1:14000/dir, ca_bundle: /etc/certd/local-ca.pem, agree_tos: true }
defaults: { cas: [letsencrypt], dry_run_ca: local, key: ecdsa-p256, challenge: { http-01: { webroot: /var/www/html } } }
targets:
  web:
    install:
      - { part: fullchain, path: /etc/ssl/web/fullchain.pem, mode: "0644" }
      - { part: privkey,   path: /etc/ssl/web/privkey.pem,   mode: "0640", owner: root, group: ssl-cert }
    test:   [nginx, -t]
    reload: { systemd: nginx.service }                          # or a command: [nginx, -s, reload]
    verify: { tls: ["127.0.0.1:443"], timeout: 30s }
lineages:
  example.com:
    names: [example.com, www.example.com]
    targets: [web]
)";
    CHECK(findings(text) == Lines{});
    auto config = config_of(text);
    CHECK(config->metrics.listen == "127.0.0.1:9402");
    CHECK(config->cas.at({"local"}).ca_bundle == "/etc/certd/local-ca.pem");
    const Target& web_target = config->targets.at({"web"});
    REQUIRE(web_target.install.size() == 2);
    CHECK(web_target.install[1].mode == 0640);
    CHECK(web_target.install[1].group == "ssl-cert");
    CHECK(web_target.reload.systemd_unit == "nginx.service");
}
