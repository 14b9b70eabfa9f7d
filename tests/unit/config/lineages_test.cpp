#include "tests/unit/config/fixture.hpp"

using namespace certd;
using namespace certd::config;
using namespace certd::config::test;

namespace {

const std::string web_target = "targets: { web: { verify: { tls: [\"127.0.0.1:443\"] } } }\n";  // line 4

std::vector<std::string> names_of(const Lineage& lineage) {
    std::vector<std::string> names;
    for (const Identifier& name : lineage.names)
        names.push_back(name.value);
    return names;
}

Lines said_about(const std::string& members) {
    return findings(base + web_target + "lineages:\n  a: { targets: [web], " + members + " }\n");
}

std::string list_of_names(int count) {
    std::string list;
    for (int i = 0; i < count; ++i)
        list += fmt::format("{}n{}.example.com", i ? ", " : "", i);
    return list;
}

}  // namespace

TEST_CASE("a lineage without names is for its own name") {
    auto config = config_of(base + "lineages: { www.example.com: }\n");
    const Lineage& lineage = *config->lineages.at("www.example.com");
    CHECK(lineage.name == "www.example.com");
    CHECK(names_of(lineage) == Lines{"www.example.com"});
    CHECK(lineage.cas == std::vector<CaName>{{"main"}});
    CHECK(lineage.location.line == 4);
    CHECK(lineage.location.column == 13);
    CHECK(*lineage.location.file == "certd.yaml");
}

TEST_CASE("names are canonical, in the order given, and may be addresses") {
    auto config =
        config_of(base + "lineages: { a: { names: [WWW.Example.com, example.com, 192.0.2.1, \"2001:DB8:0::1\"] } }\n");
    CHECK(names_of(*config->lineages.at("a")) == Lines{"www.example.com", "example.com", "192.0.2.1", "2001:db8::1"});
    CHECK(names_of(*config_of(base + "lineages: { a: { names: one.example.com } }\n")->lineages.at("a")) ==
          Lines{"one.example.com"});
}

TEST_CASE("faulty names are refused at their place") {
    CHECK(said_about("names: [example.com, \"a b.example.com\"]") ==
          Lines{"6:45 error: Not a name for a certificate: 'a b.example.com': only letters, digits and '-' are allowed "
                "(Correct the name; names in other scripts are written as they are or as A-labels (xn--…))"});
    CHECK(said_about("names: [example.com, Example.COM]") ==
          Lines{"6:45 error: The name 'example.com' is listed twice"});
    CHECK(said_about("names: []") == Lines{"6:31 error: The lineage 'a' has no names (list them, or leave the key out "
                                           "to use the lineage's own name)"});
    CHECK(said_about("keep_versions: 3") ==
          Lines{"6:3 error: The lineage 'a' has no names, and its own is no DNS name (add names: [www.example.com])"});
    CHECK(said_about("names: [\"*.example.com\"]") ==
          Lines{"6:32 error: http-01 cannot prove the wildcard '*.example.com' (add dns-01: { provider: NAME } to the "
                "challenge, "
                "or list the names one by one)"});
}

TEST_CASE("dns-01 proves wildcards by one of the DNS providers") {
    const std::string provider = "dns_providers: { office: { exec: { present: [/bin/x], cleanup: [/bin/x] } } }\n";
    auto said = [&](const std::string& members, const std::string& providers) {
        return findings(base + providers +
                        "targets: { web: { verify: { tls: [\"h:1\"] } } }\nlineages: { a: { targets: [web], " +
                        members + " } }\n");
    };
    CHECK(said("names: [\"*.example.com\", example.com], challenge: { dns-01: { provider: office } }", provider) ==
          Lines{});
    CHECK(said("names: [example.com], challenge: { dns-01: { provider: ofice } }", provider) ==
          Lines{"6:89 error: There is no DNS provider 'ofice' (did you mean 'office'?)"});
    CHECK(said("names: [example.com], challenge: { dns-01: {} }", provider) ==
          Lines{"6:69 error: lineages.a.challenge.dns-01 lacks 'provider' (Who changes the record: one of "
                "dns_providers.)"});
    CHECK(said("names: [192.0.2.1], challenge: { dns-01: { provider: office } }", provider) ==
          Lines{"6:42 error: dns-01 cannot prove the address '192.0.2.1' (add http-01: {} to the challenge)"});
    CHECK(said("names: [example.com]", "dns_providers: { office: {} }\n") ==
          Lines{"4:18 error: The DNS provider 'office' does not say how (add one of rfc2136, exec, lego_exec, httpreq, "
                "acme_dns, cloudflare, route53)"});
    CHECK(said("names: [example.com]",
               "dns_providers: { office: { cloudflare: { token_file: /t }, httpreq: { endpoint: "
               "\"https://h.example\" } } }\n") ==
          Lines{"4:40 error: The DNS provider 'office' is both httpreq and cloudflare (make two providers of it)"});
    CHECK(said("names: [example.com]", "dns_providers: { office: { cloudflare: { token_file: s3cret } } }\n") ==
          Lines{"4:54 error: dns_providers.office.cloudflare.token_file must be the absolute path of a file with the "
                "secret, or credential:NAME (put the secret into a file with mode 0600)"});
    CHECK(
        said("names: [example.com]", "dns_providers: { office: { httpreq: { endpoint: \"http://h.example\" } } }\n") ==
        Lines{"4:49 error: dns_providers.office.httpreq.endpoint must be an https:// URL, or an http:// URL of "
              "127.0.0.1, [::1] or localhost, not 'http://h.example'"});
}

TEST_CASE("a lineage has at most 100 names") {
    CHECK(said_about("names: [" + list_of_names(100) + "]") == Lines{});
    Lines said = said_about("names: [" + list_of_names(101) + "]");
    REQUIRE(said.size() == 1);
    CHECK(said[0].ends_with("error: The lineage 'a' has more than 100 names (split it into several lineages)"));
}

TEST_CASE("a lineage has one key, or one ECDSA and one RSA key") {
    auto keys_of = [](const std::string& members) {
        return config_of(base + "lineages: { example.com: { " + members + " } }\n")->lineages.at("example.com")->keys;
    };
    CHECK(keys_of("key: rsa-3072") == std::vector{KeyType::rsa_3072});
    CHECK(keys_of("keys: rsa-3072") == std::vector{KeyType::rsa_3072});
    CHECK(keys_of("keys: [rsa-2048, ecdsa-p256]") == std::vector{KeyType::rsa_2048, KeyType::ecdsa_p256});
    const std::string names = "names: [example.com], ";
    CHECK(said_about(names + "keys: [ecdsa-p256, ecdsa-p384]") ==
          Lines{"6:65 error: ecdsa-p256 and ecdsa-p384 are keys of one kind, of which a server presents only one "
                "certificate (list at most one ECDSA and one RSA key)"});
    CHECK(said_about(names + "keys: []") ==
          Lines{"6:52 error: The list of keys is empty (write keys: [ecdsa-p256, rsa-2048])"});
    CHECK(said_about(names + "key: rsa-2048, keys: [ecdsa-p256, rsa-2048]").front() ==
          std::string("6:67 error: key and keys are both given (keep keys)"));
    CHECK(said_about(names + "keys: [dsa]").size() == 1);
}

TEST_CASE("a lineage turns the reuse of keys off that the defaults turn on") {
    auto config =
        config_of(base.substr(0, base.find("defaults")) +
                  "defaults: { cas: [main], reuse_key: { max_age: 365d } }\nhttp_challenge: { listen: "
                  "\"[::]:80\" }\nlineages:\n  a.example.com: {}\n  b.example.com: { reuse_key: { max_age: 0s } "
                  "}\n");
    CHECK(config->lineages.at("a.example.com")->key_max_age == certd::days(365));
    CHECK_FALSE(config->lineages.at("b.example.com")->key_max_age);
}

TEST_CASE("a lineage overrides the defaults key by key, each as a whole") {
    auto config = config_of(
        "cas:\n  one: { directory: \"https://one.example/\" }\n  two: { directory: \"https://two.example/\" }\n"
        "http_challenge: { listen: [\"0.0.0.0:80\", \"systemd:http\"] }\n"
        "defaults:\n  cas: [one, two]\n  dry_run_ca: two\n  key: rsa-2048\n  challenge: { http-01: { webroot: "
        "/var/www/html } }\n"
        "  keep_versions: 7\n  pre_issue: [/bin/true]\n  post_issue: [[/bin/a], { command: [/bin/b, x], timeout: 10s, "
        "user: www }]\n"
        "lineages:\n  plain.example.com: {}\n"
        "  own.example.com: { cas: two, key: ecdsa-p384, challenge: { http-01: {} }, keep_versions: 2, pre_issue: [], "
        "post_issue: { shell: \"a | b\" } }\n");
    CHECK(config->dry_run_ca == CaName{"two"});
    const Lineage& plain = *config->lineages.at("plain.example.com");
    CHECK(plain.cas == std::vector<CaName>{{"one"}, {"two"}});
    CHECK(plain.keys == std::vector{KeyType::rsa_2048});
    CHECK(plain.challenge.http01->webroot == "/var/www/html");
    CHECK(plain.keep_versions == 7);
    CHECK(plain.pre_issue == std::vector<Hook>{{{{"/bin/true"}}, minutes(5), ""}});
    CHECK(plain.post_issue ==
          std::vector<Hook>{{{{"/bin/a"}}, minutes(5), ""}, {{{"/bin/b", "x"}}, seconds(10), "www"}});
    const Lineage& own = *config->lineages.at("own.example.com");
    CHECK(own.cas == std::vector<CaName>{{"two"}});
    CHECK(own.keys == std::vector{KeyType::ecdsa_p384});
    CHECK(own.challenge.http01.has_value());
    CHECK_FALSE(own.challenge.http01->webroot);
    CHECK(own.keep_versions == 2);
    CHECK(own.pre_issue.empty());
    CHECK(own.post_issue == std::vector<Hook>{{{{"/bin/sh", "-c", "a | b"}}, minutes(5), ""}});
}

TEST_CASE(
    "the deploy scripts of renewal_hooks are a target in front of the others, one for all who have the defaults'") {
    auto config = config_of(
        "cas: { main: { directory: \"https://ca.example/dir\", agree_tos: true } }\n"
        "http_challenge: { listen: \"[::]:80\" }\n"
        "defaults: { cas: [main], renewal_hooks: { directory: /etc/letsencrypt/renewal-hooks, timeout: 1m } }\n"
        "targets: { web: { verify: { tls: [\"127.0.0.1:443\"] } } }\n"
        "lineages:\n  a.example.com: { targets: [web] }\n  b.example.com: {}\n"
        "  c.example.com: { renewal_hooks: {}, targets: [web] }\n"
        "  d.example.com: { renewal_hooks: { directory: /hooks, user: www, working_directory: /srv } }\n");
    const RenewalHooks usual{"/etc/letsencrypt/renewal-hooks", minutes(1), "", "/"};
    const RenewalHooks own{"/hooks", minutes(5), "www", "/srv"};
    CHECK(config->lineages.at("a.example.com")->renewal_hooks == usual);
    CHECK(config->lineages.at("a.example.com")->targets == std::vector<TargetName>{{"renewal-hooks"}, {"web"}});
    CHECK(config->lineages.at("b.example.com")->targets == std::vector<TargetName>{{"renewal-hooks"}});
    CHECK(config->lineages.at("c.example.com")->renewal_hooks.empty());
    CHECK(config->lineages.at("c.example.com")->targets == std::vector<TargetName>{{"web"}});
    CHECK(config->lineages.at("d.example.com")->targets == std::vector<TargetName>{{"renewal-hooks.d.example.com"}});
    CHECK(config->targets.at({"renewal-hooks"}).renewal_hooks == usual);
    CHECK(config->targets.at({"renewal-hooks.d.example.com"}).renewal_hooks == own);
}

TEST_CASE("what only installs files in front of a lineage's targets stays in front of its deploy scripts") {
    auto config = config_of(base +
                            "targets:\n  files: { install: [{ part: cert, path: /f }] }\n  web: { service: nginx }\n"
                            "lineages:\n  a.example.com: { renewal_hooks: { directory: /h }, targets: [files, web] }\n"
                            "  b.example.com: { renewal_hooks: { directory: /h }, targets: [web, files] }\n");
    CHECK(config->lineages.at("a.example.com")->targets ==
          std::vector<TargetName>{{"files"}, {"renewal-hooks.a.example.com"}, {"web"}});
    CHECK(config->lineages.at("b.example.com")->targets ==
          std::vector<TargetName>{{"renewal-hooks.b.example.com"}, {"web"}, {"files"}});
}

TEST_CASE("a long name of a lineage leaves its hooks a name of their own") {
    const std::string first = std::string(60, 'a') + ".b.c", second = std::string(60, 'a') + ".b.d";
    auto config = config_of(base + "lineages:\n  " + first +
                            ": { names: [a.example.com], renewal_hooks: { directory: /h } }\n  " + second +
                            ": { names: [a.example.com], renewal_hooks: { directory: /h } }\n");
    CHECK(config->targets.size() == 2);
    for (const auto& [name, target] : config->targets)
        CHECK(name.text.size() <= 64);
}

TEST_CASE("renewal_hooks without a directory, and a target in the place of theirs, are errors") {
    const auto last = [](const Lines& lines) { return lines.empty() ? std::string() : lines.back(); };
    CHECK(last(findings(base + "lineages: { example.com: { renewal_hooks: { timeout: 1m } } }\n")) ==
          "4:43 error: renewal_hooks names no directory (add directory: /etc/letsencrypt/renewal-hooks, or write "
          "renewal_hooks: {} for none)");
    CHECK(findings("cas: { main: { directory: \"https://ca.example/dir\", agree_tos: true } }\n"
                   "http_challenge: { listen: \"[::]:80\" }\n"
                   "defaults: { cas: [main], renewal_hooks: { directory: /h } }\n"
                   "targets: { renewal-hooks: { verify: { tls: [\"127.0.0.1:443\"] } } }\n"
                   "lineages: { example.com: { targets: [renewal-hooks] } }\n") ==
          Lines{"4:12 error: The name 'renewal-hooks' is that of the target which stands for renewal_hooks (give the "
                "target another name)"});
    auto missing = load_text(base + "lineages: { example.com: { renewal_hooks: { directory: /nonexistent/hooks } } }\n",
                             "certd.yaml", Disk::look);
    CHECK(last(findings(missing)) ==
          "4:43 warning: There is no directory '/nonexistent/hooks' (renewals fail until it is there)");
}

TEST_CASE("references to what is not configured are errors with the nearest name") {
    CHECK(findings(base + web_target + "lineages: { example.com: { targets: [web, wep, web], cas: [nain] } }\n") ==
          Lines{"5:43 error: There is no target 'wep' (did you mean 'web'?)",
                "5:48 error: The target 'web' is listed twice",
                "5:60 error: There is no CA 'nain' (did you mean 'main'?)"});
    CHECK(findings("cas: { main: { directory: \"https://ca.example/\", agree_tos: true } }\ndefaults: { dry_run_ca: "
                   "staging }\nlineages: {}\n") == Lines{"2:25 error: There is no CA 'staging'"});
}

TEST_CASE("a lineage needs a CA") {
    Lines expected = {"3:13 error: The lineage 'example.com' has no CA (add cas: [NAME] to it or to defaults)"};
    CHECK(findings("http_challenge: { listen: \"[::]:80\" }\n" + ("targets" + web_target.substr(7)) +
                   "lineages: { example.com: { targets: [web] } }\n") == expected);
    CHECK(findings("http_challenge: { listen: \"[::]:80\" }\n" + web_target +
                   "lineages: { example.com: { targets: [web] } }\ndefaults: { cas: [] }\n") == expected);
    CHECK(findings("http_challenge: { listen: \"[::]:80\" }\n" + web_target +
                   "lineages: { example.com: { targets: [web], cas: [] } }\n") == expected);
}

TEST_CASE("http-01 needs a listener or a webroot") {
    std::string ca = "cas: { main: { directory: \"https://ca.example/dir\", agree_tos: true } }\n";
    CHECK(findings(ca + "defaults: { cas: [main], challenge: { http-01: {} } }\n" + web_target +
                   "lineages: { example.com: { targets: [web] } }\n") ==
          Lines{"2:39 error: http-01 without a webroot needs certd's own listener, and http_challenge.listen is not "
                "set (set http_challenge: { "
                "listen: \"[::]:80\" }, or give a webroot)"});
    CHECK(
        findings(ca + "defaults: { cas: [main] }\n" + web_target + "lineages: { example.com: { targets: [web] } }\n") ==
        Lines{"4:13 error: The lineage 'example.com' has no challenge: nothing proves its names (set http_challenge: { "
              "listen: \"[::]:80\" }, "
              "or challenge: { http-01: { webroot: /var/www/html } } in defaults)"});
    CHECK(findings(ca + "defaults: { cas: [main], challenge: {} }\n" + web_target +
                   "lineages: { example.com: { targets: [web] } }\n") ==
          Lines{"2:37 error: The challenge names no way to prove a name (write { http-01: {} } or { http-01: { "
                "webroot: /var/www/html } })"});
    CHECK(findings(ca + "defaults: { cas: [main], challenge: { http-01: { webroot: /w } } }\n" + web_target +
                   "lineages: { example.com: { targets: [web] } }\n") == Lines{});
}

TEST_CASE("http-01 by commands needs both of them, no listener, and no webroot beside them") {
    const std::string ca = "cas: { main: { directory: \"https://ca.example/dir\", agree_tos: true } }\n";
    auto said = [&](const std::string& http01) {
        return findings(ca + "defaults: { cas: [main], challenge: { http-01: " + http01 + " } }\n" + web_target +
                        "lineages: { example.com: { targets: [web] } }\n");
    };
    CHECK(said("{ exec: { present: [/bin/x], cleanup: [/bin/x] } }") == Lines{});
    CHECK(said("{ exec: { present: [/bin/x] } }") ==
          Lines{"2:50 error: defaults.challenge.http-01.exec lacks 'cleanup' (Takes it away again, e.g. "
                "[/etc/certd/http-hook, cleanup].)"});
    CHECK(said("{ webroot: /w, exec: { present: [/bin/x], cleanup: [/bin/x] } }") ==
          Lines{"2:69 error: http-01 has both a webroot and commands (keep one of webroot and exec)"});
}

TEST_CASE("a TSIG key of a weak algorithm is warned of") {
    auto said = [&](const std::string& algorithm) {
        return findings(base + "dns_providers: { office: { rfc2136: { key_name: k, secret_file: /s, algorithm: " +
                        algorithm + " } } }\n" + web);
    };
    for (const char* algorithm : {"hmac-md5", "hmac-sha1"}) {
        CHECK(said(algorithm) ==
              Lines{fmt::format("4:80 warning: The TSIG key of the DNS provider 'office' is of {}, which is weak "
                                "(make one by `tsig-keygen -a hmac-sha256`, give it to the name server too, and say so "
                                "here)",
                                algorithm)});
    }
    for (const char* algorithm : {"hmac-sha224", "hmac-sha256"})
        CHECK(said(algorithm) == Lines{});
}

TEST_CASE("with a listener http-01 needs not be asked for") {
    auto config = config_of(base + "lineages: { example.com: {} }\n");
    REQUIRE(config->lineages.at("example.com")->challenge.http01);
    CHECK_FALSE(config->lineages.at("example.com")->challenge.http01->webroot);
}

TEST_CASE("metacharacters in commands stay arguments, and only an explicit shell runs one") {
    auto config = config_of(base +
                            "targets: { web: { test: [/bin/echo, \"$(id)\", \"; rm -rf /\", \"`x`\"], reload: { shell: "
                            "\"kill -HUP 1\" } } }\n"
                            "lineages: { example.com: { targets: [web] } }\n");
    const Target& target = config->targets.at({"web"});
    CHECK(target.test.argv == Lines{"/bin/echo", "$(id)", "; rm -rf /", "`x`"});
    CHECK(target.reload.command.argv == Lines{"/bin/sh", "-c", "kill -HUP 1"});
    CHECK(target.reload.systemd_unit.empty());
}
