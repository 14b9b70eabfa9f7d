// Ways of proof, names in any script, profiles and external accounts in the configuration.
#include "tests/unit/config/fixture.hpp"

#include "libacme/base/idn.hpp"

using namespace certd;
using namespace certd::config;
using namespace certd::config::test;

namespace {

// `base` with a TLS listener, and one lineage.
std::string text_of(const std::string& lineage) {
    return base + "tls_challenge: { listen: \"[::]:443\" }\n" +
           "targets: { web: { verify: { tls: [\"127.0.0.1:443\"] } } }\n" + "lineages:\n  shop:\n    targets: [web]\n" +
           lineage;
}

const Lineage& shop(const ConfigPtr& config) {
    return *config->lineages.at("shop");
}

std::string way_of(const Lineage& lineage, const std::string& name) {
    const Challenge& challenge = challenge_for(lineage, parse_international_identifier(name).value());
    return fmt::format("{}", fmt::join(challenge.order, " "));
}

}  // namespace

TEST_CASE("several ways of proof keep the order in which they are written") {
    auto config =
        config_of(text_of("    names: [a.example]\n    challenge: { tls-alpn-01: {}, http-01: { webroot: /w } }\n"));
    const Challenge& challenge = shop(config).challenge;
    CHECK(challenge.order == std::vector<std::string>{"tls-alpn-01", "http-01"});
    CHECK(challenge.tls_alpn01);
    CHECK(challenge.http01->webroot == "/w");
}

TEST_CASE("tls-alpn-01 needs a listener, and proves no wildcard") {
    CHECK(findings("cas: { main: { directory: \"https://ca.example/dir\", agree_tos: true } }\n"
                   "defaults: { cas: [main], challenge: { tls-alpn-01: {} } }\n" +
                   web) ==
          Lines{"2:39 error: tls-alpn-01 needs certd's own listener, and tls_challenge.listen is not set (set "
                "tls_challenge: { listen: \"[::]:443\" })"});
    auto found = findings(text_of("    names: [\"*.a.example\"]\n    challenge: { tls-alpn-01: {} }\n"));
    REQUIRE(found.size() == 1);
    CHECK(found[0].find("tls-alpn-01 cannot prove the wildcard '*.a.example'") != std::string::npos);
}

TEST_CASE("names may be proven each in its own way: the name itself, then the longest ending") {
    auto config =
        config_of(text_of(R"(    names: [a.example, www.a.example, api.b.a.example, 192.0.2.1, "2001:DB8::1", c.example]
    name_challenges:
      ".a.example": { tls-alpn-01: {} }
      ".b.a.example": { http-01: { webroot: /b } }
      www.a.example: { http-01: {} }
      192.0.2.1: { tls-alpn-01: {}, http-01: {} }
      "2001:db8:0::1": { http-01: {}, tls-alpn-01: {} }
)"));
    const Lineage& lineage = shop(config);
    CHECK(way_of(lineage, "a.example") == "http-01");  // ".a.example" is for what ends so
    CHECK(way_of(lineage, "other.a.example") == "tls-alpn-01");
    CHECK(way_of(lineage, "www.a.example") == "http-01");
    CHECK(challenge_for(lineage, {Identifier::Type::dns, "api.b.a.example"}).http01->webroot == "/b");
    CHECK(way_of(lineage, "192.0.2.1") == "tls-alpn-01 http-01");
    CHECK(way_of(lineage, "2001:db8::1") == "http-01 tls-alpn-01");
    CHECK(lineage.names[4].value == "2001:db8::1");
    CHECK(lineage.names[4].type == Identifier::Type::ip);
}

TEST_CASE("dns-account-01 and dns-persist-01 prove names and wildcards, not addresses") {
    const std::string top = R"(resolvers: [192.0.2.53]
dns_providers:
  office: { exec: { present: [/bin/x], cleanup: [/bin/x] } }
  other: { exec: { present: [/bin/x], cleanup: [/bin/x] }, resolvers: [192.0.2.54] }
)";
    auto config = config_of(
        top + text_of("    names: [a.example, \"*.a.example\"]\n    challenge: { dns-persist-01: {}, dns-account-01: { "
                      "provider: office } }\n"));
    const Challenge& challenge = shop(config).challenge;
    CHECK(challenge.order == std::vector<std::string>{"dns-persist-01", "dns-account-01"});
    CHECK(challenge.dns_account01->provider->name == "office");
    CHECK_FALSE(challenge.dns01);
    // Whoever names no resolvers of its own asks those of the top level.
    CHECK(challenge.dns_persist01->resolvers == std::vector<std::string>{"192.0.2.53"});
    CHECK(challenge.dns_account01->provider->resolvers == std::vector<std::string>{"192.0.2.53"});
    CHECK(config->dns_providers.at("other")->resolvers == std::vector<std::string>{"192.0.2.54"});

    auto only = [&](const std::string& names, const std::string& way) {
        return findings(top + text_of("    names: " + names + "\n    challenge: " + way + "\n"));
    };
    CHECK(only("[\"*.a.example\"]", "{ dns-persist-01: {} }").empty());
    REQUIRE(only("[192.0.2.1]", "{ dns-persist-01: {} }").size() == 1);
    CHECK(only("[192.0.2.1]", "{ dns-persist-01: {} }")[0].find("dns-persist-01 cannot prove the address") !=
          std::string::npos);
    REQUIRE(only("[a.example]", "{ dns-account-01: { provider: offce } }").size() == 1);
    CHECK(only("[a.example]", "{ dns-account-01: { provider: offce } }")[0].find("did you mean 'office'?") !=
          std::string::npos);
    CHECK(only("[a.example]", "{ dns-account-01: {} }").size() == 1);
    CHECK(only("[a.example]", "{ dns-persist-01: { provider: office } }")[0].find("Unknown key 'provider'") !=
          std::string::npos);
}

TEST_CASE("mistakes in the ways of single names are found at their place") {
    auto one = [](const std::string& entries) {
        return findings(text_of("    names: [a.example]\n    name_challenges: " + entries + "\n"));
    };
    CHECK(one("http-01") ==
          Lines{"10:22 error: lineages.shop.name_challenges must be a mapping from names to challenges (write { "
                "\"www.example.com\": { http-01: {} } })"});
    REQUIRE(one("{ a.example: { http-02: {} } }").size() == 1);
    CHECK(one("{ a.example: { http-02: {} } }")[0].find("Unknown key 'http-02'") != std::string::npos);
    CHECK(one("{ \"a b\": { http-01: {} } }")[0].find("is neither a name for a certificate nor an ending of one") !=
          std::string::npos);
    CHECK(one("{ \".192.0.2.1\": { http-01: {} } }")[0].find("is neither a name") != std::string::npos);
    CHECK(one("{ a.example: {} }")[0].find("names no way to prove a name") != std::string::npos);
}

TEST_CASE("names in any script become A-labels and are shown with both forms") {
    auto config =
        config_of(text_of("    names: [Bücher.example, xn--mgbh0fb.example, \"straße.example\", BÜCHER.test]\n"));
    std::vector<std::string> names;
    for (const Identifier& name : shop(config).names)
        names.push_back(name.value);
    CHECK(names == std::vector<std::string>{"xn--bcher-kva.example", "xn--mgbh0fb.example", "xn--strae-oqa.example",
                                            "xn--bcher-kva.test"});
    CHECK(readable_name("xn--bcher-kva.example") == "xn--bcher-kva.example (bücher.example)");
    CHECK(readable_name("www.example.com") == "www.example.com");
    CHECK(readable_name("xn--a.example") == "xn--a.example");
    for (std::string bad :
         {"b\xc3.example", "a\xe2\x80\xaegnp.example", "\xe2\x98\x83\xef\xb8\x8f..example", "bü cher.example"}) {
        INFO(bad);
        CHECK(parse_international_identifier(bad).error().code == "config.name");
    }
    CHECK(parse_international_identifier("*.bücher.example").value().value == "*.xn--bcher-kva.example");
    auto twice = findings(text_of("    names: [bücher.example, xn--bcher-kva.example]\n"));
    REQUIRE(twice.size() == 1);
    CHECK(twice[0].find("is listed twice") != std::string::npos);
}

TEST_CASE("a lineage's profile goes before that of defaults, which goes before the CA's") {
    const std::string head =
        "cas: { main: { directory: \"https://ca.example/dir\", agree_tos: true, profile: classic } }\n"
        "http_challenge: { listen: \"[::]:80\" }\n";
    auto config = config_of(head + "defaults: { cas: [main], profile: shortlived }\n" + web + "  # another\n");
    CHECK(config->cas.at({"main"}).profile == Profile{"classic", false});
    CHECK(config->lineages.at("example.com")->profile == Profile{"shortlived", false});
    config = config_of(
        head + "defaults: { cas: [main], profile: shortlived }\nlineages: { a.example: { required_profile: tls } }\n");
    CHECK(config->lineages.at("a.example")->profile == Profile{"tls", true});
}

TEST_CASE("an external account needs its identifier and a file with its MAC key") {
    auto ca = [](const std::string& account) {
        return "cas: { main: { directory: \"https://ca.example/dir\", agree_tos: true, external_account: " + account +
               " } }\ndefaults: { cas: [main] }\nhttp_challenge: { listen: \"[::]:80\" }\n" + web;
    };
    auto config = config_of(ca("{ kid: k1, mac_key_file: \"credential:eab\", algorithm: HS512 }"));
    CHECK(config->cas.at({"main"}).external_account == ExternalAccount{"k1", "credential:eab", "HS512"});
    CHECK(config_of(ca("{ kid: k1, mac_key_file: /etc/certd/eab }"))->cas.at({"main"}).external_account->algorithm ==
          "HS256");
    CHECK(findings(ca("{ kid: k1 }"))[0].find("lacks 'mac_key_file'") != std::string::npos);
    for (const char* file : {"eab", "credential:", "credential:../x", "credential:a/b", "~/eab"}) {
        INFO(file);
        CHECK(findings(ca(fmt::format("{{ kid: k1, mac_key_file: \"{}\" }}", file))).size() == 1);
    }
    CHECK(findings(ca("{ kid: k1, mac_key_file: /f, algorithm: RS256 }"))[0].find("must be HS256, HS384 or HS512") !=
          std::string::npos);
}
