#include "tests/unit/config/fixture.hpp"

using namespace certd::config;
using namespace certd::config::test;

namespace {

struct Case {
    const char* text;  // stands on line 6
    const char* finding;
};

// What is said about one faulty section put behind a faultless configuration.
Lines said_about(const std::string& text) {
    return findings(base + web + text);
}

}  // namespace

TEST_CASE("the faultless configuration of these tests has no findings") {
    CHECK(said_about("") == Lines{});
}

TEST_CASE("an unknown key is named with its place and the nearest known key") {
    auto [text, finding] =
        GENERATE(Case{"targts: {}\n", "6:1 error: Unknown key 'targts' (did you mean 'targets'?)"},
                 Case{"log: { levl: info }\n", "6:8 error: Unknown key 'levl' in log (did you mean 'level'?)"},
                 Case{"log: { colour: red }\n",
                      "6:8 error: Unknown key 'colour' in log (known here: file, format, level, max_files, max_size)"},
                 Case{"metrics: { port: 1 }\n",
                      "6:12 error: Unknown key 'port' in metrics (known here: listen, page, textfile, "
                      "textfile_interval, token_file)"});
    CHECK(said_about(text) == Lines{finding});
}

TEST_CASE("an unknown key deep in the file is named with its way from the root") {
    CHECK(findings(base + "targets:\n  web:\n    install:\n      - { part: cert, path: /a }\n      - { part: cert, "
                          "path: /b, mod: 1 }\n"
                          "    verify: { tls: [\"h:1\"], timout: 30s }\n"
                          "lineages: { example.com: { targets: [web] } }\n") ==
          Lines{"8:33 error: Unknown key 'mod' in targets.web.install[2] (did you mean 'mode'?)",
                "9:29 error: Unknown key 'timout' in targets.web.verify (did you mean 'timeout'?)"});
}

TEST_CASE("a value of the wrong type is told what it must be") {
    auto [text, finding] = GENERATE(
        Case{"jitter: 30\n",
             "6:9 error: jitter must be a duration such as 30s, 5m or 1h 30m, not '30' (add a unit: 30s, or ms, m, h, "
             "d, w)"},
        Case{
            "jitter: soon\n",
            "6:9 error: jitter must be a duration such as 30s, 5m or 1h 30m, not 'soon' (units are ms, s, m, h, d, w)"},
        Case{"jitter: 8d\n", "6:9 error: jitter must be a duration from 0s to 7d, not '8d'"},
        Case{"parallel_orders: 0\n", "6:18 error: parallel_orders must be a number from 1 to 64, not '0'"},
        Case{"parallel_orders: many\n", "6:18 error: parallel_orders must be a number from 1 to 64, not 'many'"},
        Case{"parallel_orders: 99999999999999999999\n",
             "6:18 error: parallel_orders must be a number from 1 to 64, not '99999999999999999999'"},
        Case{"parallel_orders:\n",
             "6:1 error: parallel_orders must be one value (number from 1 to 64), but it has no value"},
        Case{"state_dir: { a: b }\n", "6:12 error: state_dir must be one value (absolute path), not a mapping"},
        Case{"state_dir: ~/x\n",
             "6:12 error: state_dir must be an absolute path, not '~/x' (write the home directory out)"},
        Case{"state_dir: /a/../b\n", "6:12 error: state_dir must be a path without '.' and '..', not '/a/../b'"},
        Case{"state_dir: \"/a\\0b\"\n", nullptr},
        Case{"control: yes\n", "6:10 error: control must be a mapping (known here: admins, group, socket, viewers)"},
        Case{"control: { viewers: { a: b } }\n", "6:21 error: control.viewers must be a list"},
        Case{"control: { viewers: }\n", "6:12 error: control.viewers must be a list (write [] for an empty one)"},
        Case{"control: { viewers: [a, [b]] }\n",
             "6:25 error: control.viewers[2] must be one value (user or group), not a list"},
        Case{"control: { admins: [\"a;b\"] }\n",
             "6:21 error: control.admins[1] must be the name or number of a user or group, not 'a;b'"},
        Case{"log: { max_size: 10000000 }\n",
             "6:18 error: log.max_size must be a size such as 10MB, not '10000000' (add a unit: 10000000B, or kB, MB, "
             "GB)"},
        Case{"log: { max_size: 1kB }\n", "6:18 error: log.max_size must be a size from 100kB to 10GB, not '1kB'"},
        Case{"log: { level: warn }\n",
             "6:15 error: log.level must be debug, info, notice, warning, error or critical, not 'warn'"},
        Case{"log: { format: jsn }\n", "6:16 error: log.format must be text or json, not 'jsn' (did you mean 'json'?)"},
        Case{"metrics: { listen: 9402 }\n",
             "6:20 error: metrics.listen must be an address with port such as \"127.0.0.1:9402\" or \"[::]:80\", not "
             "'9402' (write \"[::]:9402\" to listen on every address)"},
        Case{"metrics: { listen: \"localhost:9402\" }\n",
             "6:20 error: metrics.listen must be an address with port such as \"127.0.0.1:9402\" or \"[::]:80\", not "
             "'localhost:9402' (write 127.0.0.1 or [::1] instead of localhost)"},
        Case{"metrics: { listen: \"::1:9402\" }\n",
             "6:20 error: metrics.listen must be an address with port such as \"127.0.0.1:9402\" or \"[::]:80\", not "
             "'::1:9402'"},
        Case{"metrics: { listen: \"127.0.0.1:70000\" }\n",
             "6:20 error: metrics.listen must be an address with port such as \"127.0.0.1:9402\" or \"[::]:80\", not "
             "'127.0.0.1:70000'"});
    Lines said = said_about(text);
    REQUIRE(said.size() == 1);
    if (finding) CHECK(said[0] == finding);
}

namespace {

Lines said_about_ca(const std::string& member) {
    return findings("cas:\n  main: { agree_tos: true, directory: \"https://ca.example/dir\", " + member + " }\n" +
                    base.substr(base.find('\n') + 1) + web);
}

Lines said_about_target(const std::string& member) {
    return findings(base + "targets:\n  web:\n    verify: { tls: [\"127.0.0.1:443\"] }\n    " + member +
                    "\nlineages: { example.com: { targets: [web] } }\n");
}

}  // namespace

TEST_CASE("a CA's members are checked") {
    auto [member, finding] = GENERATE(
        Case{"contact: [ops]",
             "error: cas.main.contact[1] must be an e-mail address such as ops@example.com, not 'ops'"},
        Case{"contact: [\"a@b?cc=c@d\"]",
             "error: cas.main.contact[1] must be an e-mail address such as ops@example.com, not 'a@b?cc=c@d'"},
        Case{"proxy: \"https://p:1\"",
             "error: cas.main.proxy must be a URL such as http://proxy.internal:3128, not 'https://p:1'"},
        Case{"account_key: rsa2048",
             "error: cas.main.account_key must be ecdsa-p256, ecdsa-p384, rsa-2048, rsa-3072 or rsa-4096, not "
             "'rsa2048' (did you mean 'rsa-2048'?)"},
        Case{"limits: { orders: 1 }",
             "error: limits: a budget model of your own is not available in this release (write none or letsencrypt)"},
        Case{"ca_bundle: ca.pem", "error: cas.main.ca_bundle must be an absolute path, not 'ca.pem'"},
        Case{"preferred_chain: \"\"", "error: cas.main.preferred_chain must not be empty"},
        Case{"eab: { kid: x }",
             "error: The key 'eab' is not supported (write external_account: { kid: …, mac_key_file: … })"},
        Case{"insecure: true",
             "error: The key 'insecure' is not supported (certd always verifies the CA's certificate; give a private "
             "CA's root as ca_bundle)"});
    Lines said = said_about_ca(member);
    REQUIRE_FALSE(said.empty());
    CHECK(said[0].substr(said[0].find(' ') + 1) == finding);
}

TEST_CASE("agreement is true or false and nothing that merely sounds like it") {
    auto said = [](const std::string& value) {
        return findings("cas: { main: { directory: \"https://ca.example/dir\", agree_tos: " + value + " } }\n").at(1);
    };
    CHECK(said("yes") == "1:64 error: cas.main.agree_tos must be true or false, not 'yes' (write true)");
    CHECK(said("OFF") == "1:64 error: cas.main.agree_tos must be true or false, not 'OFF' (write false)");
    CHECK(said("1") == "1:64 error: cas.main.agree_tos must be true or false, not '1'");
}

TEST_CASE("a CA's directory must be an https URL") {
    for (const char* url : {"http://ca.example/dir", "https://user@ca.example/", "https://ca.example/#x", "ca.example",
                            "https://", "https:///x", "https://ca.example:99999/", "https://ca example/",
                            "https://ca.example/$(id)\\n", "ftp://ca.example/"}) {
        Lines said =
            findings(fmt::format("cas: {{ main: {{ directory: \"{}\", agree_tos: true }} }}\nlineages: {{}}\n", url));
        INFO(url);
        REQUIRE_FALSE(said.empty());
        CHECK(said[0].starts_with("1:27 error: cas.main.directory must be a"));
    }
    CHECK(findings("cas: { main: { agree_tos: true } }\n") ==
          Lines{"1:8 error: cas.main lacks 'directory' (URL of the ACME directory.)"});
    for (const char* url : {"https://ca.example", "https://ca.example:14000/dir", "https://[::1]:14000/dir",
                            "https://127.0.0.1/dir?x=1"}) {
        CHECK_FALSE(has_errors(load_text(fmt::format("cas: {{ main: {{ directory: \"{}\" }} }}\n", url)).diagnostics));
    }
}

TEST_CASE("a target's members are checked") {
    auto [member, finding] = GENERATE(
        Case{"test: nginx -t",
             "7:11 error: targets.web.test must be a command as a list of its words (write a list: [nginx, -t]; { "
             "shell: \"…\" } runs a shell)"},
        Case{"test: []", "7:11 error: targets.web.test is an empty command (leave the key out)"},
        Case{"test: [nginx, [-t]]",
             "7:11 error: targets.web.test must be a list of words (put each argument in quotation marks)"},
        Case{"test: { run: x }", "7:11 error: targets.web.test must be a command: a list of words or { shell: \"…\" }"},
        Case{"test: { shell: \"\" }", "7:20 error: targets.web.test.shell must be a text for /bin/sh -c"},
        Case{"test: [nginx, \"a\\0b\"]", "7:19 error: targets.web.test[2] must not contain a NUL character"},
        Case{"test: [\"\", a]", "7:12 error: targets.web.test begins with an empty word"},
        Case{"reload: nginx",
             "7:13 error: targets.web.reload must be a command as a list of its words (write a list: [nginx, -t]; { "
             "shell: \"…\" } runs a shell)"},
        Case{"reload: {}",
             "7:13 error: targets.web.reload says nothing (write { systemd: nginx.service } or leave the key out)"},
        Case{"reload: { systemd: \"nginx; rm\" }",
             "7:24 error: targets.web.reload.systemd must be the name of a systemd unit such as nginx.service, not "
             "'nginx; rm'"},
        Case{"reload: { systemd: --force }",
             "7:24 error: targets.web.reload.systemd must be the name of a systemd unit such as nginx.service, not "
             "'--force'"},
        Case{"reload: { systemd: a.service, command: [b] }",
             "7:13 error: targets.web.reload names both a unit and a command (keep one of them)"},
        Case{"reload: { command: nginx }",
             "7:24 error: targets.web.reload.command must be a command as a list of its words (write a list: [nginx, "
             "-t]; { shell: \"…\" } runs a shell)"},
        Case{"install: { part: cert }",
             "7:14 error: targets.web.install must be a list of mappings (put '- ' before each of them)"},
        Case{
            "install: [{ path: /x }]",
            "7:15 error: targets.web.install[1] lacks 'part' (What to write; combined is the key followed by the full "
            "chain, pkcs12 all of it in one encrypted file (AES-256, HMAC-SHA-256) for Java, Windows and appliances.)"},
        Case{"install: [cert]",
             "7:15 error: targets.web.install[1] must be a mapping (known here: format, group, key, mode, owner, part, "
             "password_file, path)"},
        Case{"install: [{ part: key, path: /x }]",
             "7:23 error: targets.web.install[1].part must be cert, chain, fullchain, privkey, combined or pkcs12, not "
             "'key'"},
        Case{"install: [{ part: cert, path: x }]",
             "7:35 error: targets.web.install[1].path must be an absolute path, not 'x'"},
        Case{"install: [{ part: cert, path: /x, mode: 0999 }]",
             "7:45 error: targets.web.install[1].mode must be octal permissions such as \"0640\", not '0999'"},
        Case{"install: [{ part: cert, path: /x, mode: \"4755\" }]",
             "7:45 error: targets.web.install[1].mode must be octal permissions such as \"0640\", not '4755'"},
        Case{"install: [{ part: cert, path: /x, mode: \"u=rw\" }]",
             "7:45 error: targets.web.install[1].mode must be octal permissions such as \"0640\", not 'u=rw'"},
        Case{"install: [{ part: cert, path: /x, owner: \"-R\" }]",
             "7:46 error: targets.web.install[1].owner must be the name or number of a user or group, not '-R'"},
        Case{
            "install: [{ part: cert, path: /x, group: 4294967295 }]",
            "7:46 error: targets.web.install[1].group must be the name or number of a user or group, not '4294967295'"},
        Case{"exec: convert",
             "7:11 error: targets.web.exec must be a command as a list of its words (write a list: [nginx, -t]; { "
             "shell: \"…\" } runs a shell)"},
        Case{"exec: [{ timeout: 1m }]", "7:12 error: targets.web.exec[1] lacks 'command' (What to run.)"},
        Case{"exec: { command: [a], timeout: 1 }",
             "7:36 error: targets.web.exec.timeout must be a duration such as 30s, 5m or 1h 30m, not '1' (add a unit: "
             "1s, or ms, m, h, d, w)"},
        Case{"exec: [[a], { shell: x, timeout: 1m }]",
             "7:17 error: targets.web.exec[2] lacks 'command' (What to run.)"},
        Case{"command_timeout: 2h",
             "7:22 error: targets.web.command_timeout must be a duration from 1s to 1h, not '2h'"});
    Lines said = said_about_target(member);
    REQUIRE_FALSE(said.empty());
    CHECK(said[0] == finding);
}

TEST_CASE("endpoints to verify need a host and a port") {
    auto said = [](const std::string& endpoint) {
        Lines lines = findings(base + "targets: { web: { verify: { tls: [\"" + endpoint +
                               "\"] } } }\nlineages: { example.com: { targets: [web] } }\n");
        return lines.empty() ? "" : lines[0].substr(lines[0].find("not '"));
    };
    CHECK(said("www.example.com:443").empty());
    CHECK(said("[::1]:8443").empty());
    CHECK(said("www.example.com") == "not 'www.example.com' (add the port: \"www.example.com:443\")");
    CHECK(said("::1") == "not '::1' (write \"[::1]:443\")");
    CHECK(said("host:0") == "not 'host:0'");
    CHECK(said("host:https") == "not 'host:https'");
    CHECK(said("a b:443") == "not 'a b:443'");
}

TEST_CASE("keys of later releases and keys that will never be say so") {
    auto [text, finding] =
        GENERATE(Case{"cluster: {}\n",
                      "6:1 error: cluster: running several daemons as a cluster is not available in this release"},
                 Case{"certificates: {}\n", "6:1 error: The key 'certificates' is not supported (write lineages:)"});
    CHECK(said_about(text) == Lines{finding});
}

TEST_CASE("keys of a lineage that are of later releases, or will never be, say so") {
    auto lineage = [](const std::string& member) {
        Lines lines = findings(
            base + "targets: { web: { verify: { tls: [\"h:1\"] } } }\nlineages: { example.com: { targets: [web], " +
            member + " } }\n");
        return lines.empty() ? "" : lines[0];
    };
    CHECK(lineage("must_staple: true") ==
          "5:44 error: The key 'must_staple' is not supported (OCSP has ended and CAs refuse must-staple certificates; "
          "take the key out)");
    CHECK(lineage("renew_before: 30d") ==
          "5:44 error: The key 'renew_before' is not supported (certd renews when the CA suggests it (ARI), else at "
          "2/3 of the lifetime; take the key out)");
    CHECK(lineage("domains: [a.example]") ==
          "5:44 error: The key 'domains' is not supported (write names: [example.com, www.example.com])");
}

TEST_CASE("names of CAs, targets and lineages keep to their grammar") {
    auto said = [](const std::string& name) {
        Lines lines = findings(base + "targets: { web: { verify: { tls: [\"h:1\"] } } }\nlineages: { \"" + name +
                               "\": { names: [example.com], targets: [web] } }\n");
        return lines.empty() ? "" : lines[0];
    };
    CHECK(said("a.b_c-d").empty());
    CHECK(said("Example.com") == "5:13 error: 'Example.com' cannot be a name in lineages (write 'example.com')");
    CHECK(said("*.example.com") ==
          "5:13 error: '*.example.com' cannot be a name in lineages (call it e.g. 'wildcard.example.com' and put "
          "\"*.example.com\" into its names)");
    for (const char* name : {"../x", "a/b", "..", "", ".a", "-a", "a.", "a b", "a~", "2001:db8::1", "ü"})
        CHECK(said(name).starts_with("5:13 error: '"));
    CHECK(said(std::string(65, 'a')).starts_with("5:13 error: '"));
    CHECK(findings("cas: { MAIN: { directory: \"https://ca.example/dir\", agree_tos: true } }\n") ==
          Lines{"1:8 error: 'MAIN' cannot be a name in cas (write 'main')"});
}

TEST_CASE("a file that is no mapping is told so") {
    CHECK(findings("just text\n") ==
          Lines{"1:1 error: The file must be a mapping (known here: audit, cas, control, defaults, dns_providers, "
                "http_challenge, jitter, lineages, log, metrics, notify, "
                "parallel_orders, resolvers, revocation, state_dir, targets, tls_challenge)"});
    CHECK(findings("lineages: [a]\n") == Lines{"1:11 error: lineages must be a mapping from names to mappings"});
}

TEST_CASE("all errors of a file come at once, in the order of the text") {
    CHECK(findings(
              "state_dir: x\n"
              "cas: { main: { directory: \"http://ca.example\", agree_tos: true } }\n"
              "defaults: { cas: [maim] }\n"
              "http_challenge: { listen: 80 }\n"
              "targets: { web: { install: [{ part: privkey, path: /k, mode: 0644 }], verify: { tls: [\"h:1\"] } } }\n"
              "lineages:\n"
              "  a: { targets: [web] }\n"
              "  b.example: { targets: [wep], keep_versions: 1 }\n") ==
          Lines{"1:12 error: state_dir must be an absolute path, not 'x'",
                "2:27 error: cas.main.directory must be an https:// URL, not 'http://ca.example' (certd speaks to a CA "
                "over verified TLS only)",
                "3:19 error: There is no CA 'maim' (did you mean 'main'?)",
                "4:27 error: http_challenge.listen must be an address with port such as \"127.0.0.1:9402\" or "
                "\"[::]:80\", not '80' (write \"[::]:80\" to listen on every address)",
                "5:52 error: '/k' holds the private key and mode 0644 opens it to everybody (write mode: \"0600\", or "
                "\"0640\" and a group)",
                "7:3 error: The lineage 'a' has no names, and its own is no DNS name (add names: [www.example.com])",
                "8:3 warning: The lineage 'b.example' has no targets: nothing checks that it is served (add targets: "
                "[NAME])",
                "8:26 error: There is no target 'wep' (did you mean 'web'?)",
                "8:47 error: lineages.b.example.keep_versions must be a number from 2 to 1000, not '1'"});
}
