#include "config/checks.hpp"

#include "tests/unit/config/fixture.hpp"

using namespace certd;
using namespace certd::config;
using namespace certd::config::test;

namespace {

Lines said_about_install(const std::string& steps) {
    return findings(base + "targets: { web: { install: [" + steps +
                    "], verify: { tls: [\"h:1\"] } } }\nlineages: { example.com: { targets: [web] } }\n");
}

Lines said_about_ca(const std::string& members) {
    return findings("cas:\n  main: { " + members +
                    " }\ndefaults: { cas: [main] }\nhttp_challenge: { listen: \"[::]:80\" }\n" + web);
}

}  // namespace

TEST_CASE("PKCS#12 and its password belong together, and DER holds one thing only") {
    auto said = [](const std::string& step) {
        Lines lines =
            findings(base + "targets: { web: { install: [" + step +
                     "], verify: { tls: [\"127.0.0.1:443\"] } } }\nlineages: { example.com: { targets: [web] } "
                     "}\n");
        for (std::string& line : lines)
            line.erase(0, line.find(' ') + 1);
        return lines;
    };
    CHECK(said("{ part: pkcs12, path: /f, password_file: /p }").empty());
    CHECK(said("{ part: pkcs12, path: /f, password_file: \"credential:p\" }").empty());
    CHECK(said("{ part: cert, path: /f, format: der }").empty());
    CHECK(said("{ part: privkey, path: /f, format: der }").empty());
    CHECK(said("{ part: pkcs12, path: /f }") ==
          Lines{"error: '/f' is PKCS#12 and has no password (add password_file: /etc/certd/NAME.password, or "
                "credential:NAME)"});
    CHECK(said("{ part: cert, path: /f, password_file: /p }") ==
          Lines{"error: '/f' is not encrypted: only pkcs12 has a password (take password_file out, or write part: "
                "pkcs12)"});
    CHECK(said("{ part: fullchain, path: /f, format: der }") ==
          Lines{"error: DER holds one certificate or one key, and '/f' is fullchain (take format out, or write part: "
                "cert)"});
    CHECK(
        said("{ part: pkcs12, path: /f, password_file: /p, format: der }") ==
        Lines{"error: DER holds one certificate or one key, and '/f' is pkcs12 (take format out: PKCS#12 is binary as "
              "it is)"});
    CHECK(said("{ part: pkcs12, path: /f, password_file: /p, mode: \"0644\" }").size() == 1);
}

TEST_CASE("a private key that everybody could read is refused") {
    const std::string combined = "{ part: combined, path: /k, mode: \"0604\" }",
                      privkey = "{ part: privkey, path: /k, mode: 0644 }";
    CHECK(said_about_install(combined) == Lines{"4:53 error: '/k' holds the private key and mode 0604 opens it to "
                                                "everybody (write mode: \"0600\", or \"0640\" and a group)"});
    CHECK(said_about_install(privkey) == Lines{"4:52 error: '/k' holds the private key and mode 0644 opens it to "
                                               "everybody (write mode: \"0600\", or \"0640\" and a group)"});
    CHECK(said_about_install("{ part: privkey, path: /k, mode: \"0660\" }") ==
          Lines{"4:52 warning: Mode 0660 lets the group replace the private key in '/k' (write mode: \"0640\")"});
    CHECK(said_about_install("{ part: cert, path: /c, mode: \"0666\" }") ==
          Lines{"4:49 error: Mode 0666 lets everybody change '/c' (write mode: \"0644\")"});
    CHECK(said_about_install(
              "{ part: privkey, path: /k, mode: \"0640\" }, { part: combined, path: /c }, { part: chain, path: /d }") ==
          Lines{});
}

TEST_CASE("an install item can only name a key that every lineage of its target has") {
    const std::string steps = "{ part: cert, path: /a }, { part: cert, path: /b, key: rsa-2048 }";
    auto said = [&](const std::string& install, const std::string& keys) {
        return findings(base + "targets: { web: { install: [" + install +
                        "], verify: { tls: [\"h:1\"] } } }\nlineages: { example.com: { targets: [web]" + keys +
                        " } }\n");
    };
    CHECK(said(steps, ", keys: [ecdsa-p256, rsa-2048]") == Lines{});
    CHECK(said(steps, "") ==
          Lines{"4:75 error: The target 'web' installs a certificate with key rsa-2048, which the lineage "
                "'example.com' does not have (its keys: [ecdsa-p256])"});
    CHECK(said("{ part: cert, path: /a }", ", keys: [ecdsa-p256, rsa-2048]") ==
          Lines{"5:13 warning: No target of the lineage 'example.com' installs its rsa-2048 certificate (add install "
                "items with key: rsa-2048)"});
}

TEST_CASE("one target must not write a path twice, two targets should not share one") {
    CHECK(said_about_install("{ part: cert, path: /c }, { part: chain, path: /c }") ==
          Lines{"4:76 error: The target 'web' writes '/c' twice"});
    CHECK(findings(base + "targets:\n  a: { install: [{ part: cert, path: /c }], verify: { tls: [\"h:1\"] } }\n"
                          "  b: { install: [{ part: cert, path: /c }], verify: { tls: [\"h:1\"] } }\nlineages: { "
                          "example.com: { targets: [a, b] } }\n") ==
          Lines{"6:38 warning: The targets 'a' and 'b' both write '/c' (give each file to one target)"});
}

TEST_CASE("a target that nothing verifies and a lineage without targets are warned about") {
    CHECK(findings(base + "targets: { web: { test: [nginx, -t] } }\nlineages: { example.com: {} }\n") ==
          Lines{"4:12 warning: Nothing checks what the target 'web' serves (add verify: { tls: [\"127.0.0.1:443\"] })",
                "5:13 warning: The lineage 'example.com' has no targets: nothing checks that it is served (add "
                "targets: [NAME])"});
    CHECK(
        findings(base + "targets: { web: { verify: { tls: [\"h:1\"], timeout: 1s, interval: 2s } } }\nlineages: { "
                        "example.com: { targets: [web] } }\n") ==
        Lines{"4:12 warning: The target 'web' is looked at once only: verify.interval is longer than verify.timeout"});
}

TEST_CASE("a CA that has closed is refused, one without agreement is warned about, one without contact is fine") {
    CHECK(
        said_about_ca("directory: \"https://api.BUYPASS.com/acme/directory\", agree_tos: true") ==
        Lines{"2:3 error: The CA 'main' is Buypass, whose ACME service ended in October 2025 (choose another CA, e.g. "
              "https://acme-v02.api.letsencrypt.org/directory)"});
    CHECK(said_about_ca("directory: \"https://notbuypass.com/\", agree_tos: true") == Lines{});
    CHECK(said_about_ca("directory: \"https://ca.example/\"") ==
          Lines{"2:3 warning: Without agree_tos the CA 'main' will refuse an account (read its terms of service and "
                "write agree_tos: true)"});
}

TEST_CASE("a staging CA is another one, without staging of its own, and no lineage uses it") {
    auto said = [](const std::string& main, const std::string& stage, const std::string& cas = "main") {
        return findings("cas:\n  main: { directory: \"https://ca.example/\", agree_tos: true, " + main +
                        " }\n  stage: { directory: " + stage + ", agree_tos: true }\ndefaults: { cas: [" + cas +
                        "] }\nhttp_challenge: { listen: \"[::]:80\" }\n" + web);
    };
    CHECK(said("staging: stage", "\"https://stage.example/\"") == Lines{});
    CHECK(
        said("staging: stag", "\"https://stage.example/\"") ==
        Lines{"2:3 error: The CA 'main' names 'stag' as its staging, and there is no such CA (did you mean 'stage'?)"});
    CHECK(said("staging: main", "\"https://stage.example/\"")[0] ==
          "2:3 error: The CA 'main' names 'main' as its staging, which has the same directory (give the staging CA the "
          "directory of the CA's staging server)");
    CHECK(said("staging: stage", "\"https://ca.example/\"")[0].find("has the same directory") != std::string::npos);
    CHECK(said("staging: stage", "\"https://stage.example/\", staging: main")[0].find("has a staging CA itself") !=
          std::string::npos);
    CHECK(
        said("staging: stage", "\"https://stage.example/\"", "main, stage") ==
        Lines{
            "7:13 error: The lineage 'example.com' uses 'stage', which is the staging of 'main': its certificates are "
            "thrown away (use 'main' for the lineage, or take staging out)"});
}

TEST_CASE("dry runs at a CA with limits are warned about") {
    std::string text =
        "cas: { main: { directory: \"https://ca.example/\", agree_tos: true, limits: letsencrypt } }\n"
        "http_challenge: { listen: \"[::]:80\" }\ndefaults: { cas: [main], dry_run_ca: main }\n" +
        web;
    CHECK(findings(text) == Lines{"1:8 warning: Dry runs at the CA 'main' count against its limits (let dry_run_ca "
                                  "name a staging or local CA without limits)"});
}

TEST_CASE("a configuration without lineages loads with a warning") {
    Loaded loaded = load_text("");
    CHECK(loaded.config);
    CHECK(findings(loaded) == Lines{"0:0 warning: No lineages are configured: there is nothing to do"});
}

TEST_CASE("a target that only moved to another line is the same target") {
    auto one = config_of(base + web), other = config_of("# moved\n" + base + web);
    CHECK(one->targets == other->targets);
    CHECK(one->cas == other->cas);
    CHECK(one->targets.at({"web"}).location.line != other->targets.at({"web"}).location.line);
}

namespace {

Lines said_about_target(const std::string& members) {
    return findings(base + "targets: { web: { " + members + " } }\nlineages: { example.com: { targets: [web] } }\n");
}

Lines said_about_keys(const std::string& defaults, const std::string& members) {
    return findings(
        "cas: { main: { directory: \"https://ca.example/dir\", agree_tos: true } }\ndefaults: { cas: [main]" +
        defaults + " }\nhttp_challenge: { listen: \"[::]:80\" }\n" +
        "targets: { web: { verify: { tls: [\"h:1\"] } } }\nlineages: { example.com: { targets: [web]" + members +
        " } }\n");
}

}  // namespace

TEST_CASE("what is about endpoints that are only watched means nothing for a target that is deployed to") {
    CHECK(said_about_target("verify: { tls: [\"h:1\"], grace: 1h, accept: trusted }").empty());
    for (const char* key : {"grace: 1h", "accept: trusted"}) {
        CHECK(said_about_target(std::string("test: [/bin/true], verify: { tls: [\"h:1\"], ") + key + " }") ==
              Lines{"4:12 warning: grace, accept and ca_bundle of verify mean nothing for the target 'web': certd "
                    "deploys to it (take them out)"});
    }
    CHECK(said_about_target("reads_live: true, verify: { tls: [\"h:1\"] }").empty());
    CHECK(said_about_target("reads_live: true, test: [/bin/true], verify: { tls: [\"h:1\"] }") ==
          Lines{"4:12 warning: reads_live means nothing for the target 'web': it says how certd deploys to it, or has "
                "nothing to verify (take reads_live out)"});
}

TEST_CASE("a next key cannot stand beside a key that is used again, wherever the two come from") {
    const std::string refusal =
        "error: The lineage 'example.com' has both next_key and reuse_key: the next version cannot have the next key "
        "and the old one (write next_key: false or reuse_key: { max_age: 0s } in it)";
    CHECK(said_about_keys("", ", next_key: true, reuse_key: { max_age: 1d }") == Lines{"5:13 " + refusal});
    CHECK(said_about_keys(", next_key: true", ", reuse_key: { max_age: 1d }") == Lines{"5:13 " + refusal});
    CHECK(said_about_keys(", next_key: true", ", reuse_key: { max_age: 0s }").empty());
    CHECK(said_about_keys(", reuse_key: { max_age: 1d }", ", next_key: false").empty());
    CHECK(said_about_keys(", next_key: true", ", csr: /r.csr").empty());
    CHECK(said_about_keys("", ", next_key: true, csr: /r.csr") ==
          Lines{"5:54 error: next_key and csr exclude each other: the key is the request's (take next_key out)"});
}

TEST_CASE("metrics that everybody could read are worth a word, and node_exporter reads files of one kind only") {
    const auto said = [](const std::string& members) {
        Lines lines = findings("metrics: { " + members + " }\n" + base + web);
        for (std::string& line : lines)
            line.erase(0, line.find(' ') + 1);
        return lines;
    };
    CHECK(said("listen: \"127.0.0.1:9402\"").empty());
    CHECK(said("listen: \"[::1]:9402\", textfile: /m/certd.prom").empty());
    CHECK(said("listen: \"0.0.0.0:9402\", token_file: /t").empty());
    CHECK(said("listen: \"0.0.0.0:9402\"") ==
          Lines{"warning: Everybody who reaches '0.0.0.0:9402' can read the metrics; the status page is left out there "
                "(add token_file: PATH, or listen on 127.0.0.1)"});
    CHECK(said("textfile: /m/certd.txt") ==
          Lines{"error: node_exporter does not read '/m/certd.txt': its name does not "
                "end in .prom (name the file certd.prom)"});
}
