// Authenticators, hooks and settings of certbot in certd's words.
#include "tests/unit/import/tree_builder.hpp"

#include "libacme/base/text.hpp"

#include <algorithm>

#include <unistd.h>

using namespace certd;
using namespace certd::certbot;
using namespace certd::certbot::test;

namespace {

const config::Lineage& configured(const Preparation& made, const std::string& name) {
    return *made.config->lineages.at(name);
}

bool has_note(const ImportedLineage& one, const std::string& part) {
    for (const std::string& note : one.notes) {
        if (note.find(part) != std::string::npos) return true;
    }
    return false;
}

std::string manual(const std::string& more) {
    return "authenticator = manual\nkey_type = ecdsa\n" + more;
}

}  // namespace

TEST_CASE("webroots come over, by name where they differ") {
    CertbotTree tree;
    tree.add("a.example", {"a.example", "b.example", "c.example"},
             std::string(webroot) + "[[webroot_map]]\na.example = /srv/a\nb.example = /srv/b\nc.example = /srv/a\n");
    tree.add("relative", {"d.example"}, "authenticator = webroot\nwebroot_path = www,\n");
    Preparation made = tree.prepared();
    const config::Lineage& a = configured(made, "a.example");
    CHECK(a.challenge.http01->webroot == "/srv/a");
    CHECK(config::challenge_for(a, parse_identifier("b.example").value()).http01->webroot == "/srv/b");
    CHECK(reason(made, "relative").find("no absolute directory for d.example") != std::string::npos);
}

TEST_CASE("standalone becomes certd's own responder on the same address") {
    CertbotTree tree;
    tree.add("a.example", {"a.example"}, "authenticator = standalone\nkey_type = ecdsa\nhttp01_port = 8080\n");
    tree.add("b.example", {"b.example"}, "authenticator = standalone\nkey_type = ecdsa\nhttp01_address = 192.0.2.1\n");
    Preparation made = tree.prepared();
    CHECK(made.config->http_challenge.listen == std::vector<std::string>{"[::]:8080", "192.0.2.1:80"});
    CHECK(!configured(made, "a.example").challenge.http01->webroot);
}

TEST_CASE("the plugins of nginx and Apache become a webroot and a target that reloads them") {
    CertbotTree tree;
    tree.add("a.example", {"a.example"}, "authenticator = nginx\ninstaller = nginx\nkey_type = ecdsa\n");
    tree.add("b.example", {"b.example"}, "authenticator = apache\ninstaller = apache\nkey_type = ecdsa\n");
    tree.add("c.example", {"c.example"}, std::string(webroot) + "installer = nginx\n");
    Preparation made = tree.prepared();
    CHECK(configured(made, "a.example").challenge.http01->webroot == (tree.base() / "webroot").string());
    CHECK(has_note(lineage(made, "a.example"), "nginx has to serve /.well-known/acme-challenge/"));
    CHECK(configured(made, "a.example").targets == std::vector<TargetName>{{"certbot-nginx"}});
    CHECK(configured(made, "c.example").targets == std::vector<TargetName>{{"certbot-nginx"}});
    CHECK(made.config->targets.at({"certbot-nginx"}).service == "nginx");
    CHECK(made.config->targets.at({"certbot-nginx"}).install.empty());
    CHECK(made.config->targets.at({"certbot-apache"}).service == "apache");
    CHECK(made.translation.server_snippet == std::set<std::string>{"apache", "nginx"});
}

TEST_CASE("readers of a key get files that a target installs before anything else is told of them") {
    CertbotTree tree;
    tree.add("a.example", {"a.example"}, std::string(webroot) + "installer = nginx\nrenew_hook = told\n");
    for (const fs::path& path : {tree.root() / "live", tree.root() / "archive", tree.archive("a.example")})
        fs::permissions(path, fs::perms(0755));
    fs::permissions(tree.archive("a.example") / "privkey1.pem", fs::perms(0640));
    tree.add_hook("deploy/10");
    Preparation made = tree.prepared();
    const config::Lineage& a = configured(made, "a.example");
    CHECK(a.targets == std::vector<TargetName>{
                           {"certbot-files"}, {"renewal-hooks.a.example"}, {"certbot-deploy-hook"}, {"certbot-nginx"}});
    const config::Target& target = made.config->targets.at({"certbot-files"});
    REQUIRE(target.install.size() == 4);
    CHECK(target.install.at(0).part == config::Part::privkey);
    CHECK(target.install.at(0).path == (tree.root() / "certd-live/a.example/privkey.pem").string());
    CHECK(target.install.at(0).mode == 0640);
    CHECK(target.install.at(0).owner == std::to_string(::geteuid()));
    CHECK(target.install.at(0).group == std::to_string(::getegid()));
    CHECK(target.install.at(3).mode == 0644);
    CHECK(has_note(lineage(made, "a.example"), "others than root read its key (mode 0640"));
    CHECK(outlooks(made, tree.now).front().plan.action == Action::issue);
}

TEST_CASE("manual hooks become a provider or commands for http-01, and without them the lineage stays with certbot") {
    CertbotTree tree;
    tree.add("wild", {"*.a.example"}, manual("manual_auth_hook = /etc/dns add\nmanual_cleanup_hook = /etc/dns del\n"));
    tree.add("preferred", {"a.example"}, manual("pref_challs = dns-01,\nmanual_auth_hook = /etc/dns add\n"));
    tree.add("http", {"a.example"}, manual("manual_auth_hook = /etc/http\n"));
    tree.add("person", {"a.example"}, manual("pref_challs = dns-01,\n"));
    Preparation made = tree.prepared();
    const auto& hooks = std::get<config::DnsExec>(configured(made, "wild").challenge.dns01->provider->kind);
    CHECK(hooks.present == std::vector<std::string>{"/bin/sh", "-c", "/etc/dns add"});
    CHECK(hooks.cleanup == std::vector<std::string>{"/bin/sh", "-c", "/etc/dns del"});
    const auto& bare = std::get<config::DnsExec>(configured(made, "preferred").challenge.dns01->provider->kind);
    CHECK(bare.cleanup == std::vector<std::string>{"true"});
    const config::Challenge& http = configured(made, "http").challenge;
    CHECK_FALSE(http.dns01);
    CHECK(http.http01->exec->present == std::vector<std::string>{"/bin/sh", "-c", "/etc/http"});
    CHECK(http.http01->exec->cleanup == std::vector<std::string>{"true"});
    CHECK(reason(made, "person") == "the manual authenticator without manual_auth_hook asks a person at each renewal");
}

TEST_CASE("manual hooks are asked for each name's challenge as certbot would ask them") {
    CertbotTree tree;
    const std::string hook = "manual_auth_hook = /etc/hook\nmanual_cleanup_hook = /etc/tidy\n";
    const std::vector<std::string> names = {"a.example", "*.a.example"};
    tree.add("mixed", names, manual(hook));
    tree.add("dns", names, manual(hook + "pref_challs = dns-01, http-01\n"));
    tree.add("http", names, manual(hook + "pref_challs = http-01,\n"));
    Preparation made = tree.prepared();
    const config::Lineage& mixed = configured(made, "mixed");
    CHECK(mixed.challenge.http01->exec->cleanup == std::vector<std::string>{"/bin/sh", "-c", "/etc/tidy"});
    const config::Challenge& wildcard = config::challenge_for(mixed, parse_identifier("*.a.example").value());
    CHECK_FALSE(wildcard.http01);
    CHECK(wildcard.dns01->provider->name == "certbot-hooks");
    CHECK(lineage(made, "mixed").way == "http-01 by certbot's hooks, *.a.example dns-01 by the provider certbot-hooks");
    CHECK(configured(made, "dns").challenge.dns01);
    CHECK(configured(made, "dns").name_challenges.empty());
    CHECK(reason(made, "http") == "pref_challs names no challenge that could prove *.a.example");
}

TEST_CASE("DNS plugins become providers, their secrets files of their own") {
    CertbotTree tree;
    auto dns = [&](const std::string& plugin, const std::string& credentials) {
        fs::path file = tree.base() / (plugin + ".ini");
        put(file, credentials);
        std::string key = plugin;
        std::ranges::replace(key, '-', '_');
        return fmt::format("authenticator = {}\nkey_type = ecdsa\n{}_credentials = {}\n", plugin, key, file.string());
    };
    const std::string rfc2136 =
        "dns_rfc2136_server = 192.0.2.53\ndns_rfc2136_port = 5353\ndns_rfc2136_name = key.\n"
        "dns_rfc2136_secret = c2VjcmV0\n";
    tree.add("bind", {"*.a.example"}, dns("dns-rfc2136", rfc2136 + "dns_rfc2136_algorithm = HMAC-SHA512\n"));
    tree.add("cloud", {"a.example"}, dns("dns-cloudflare", "dns_cloudflare_api_token = token\n"));
    tree.add("aws", {"a.example"}, dns("dns-route53", ""));
    tree.add("other", {"a.example"}, dns("dns-linode", "dns_linode_key = x\n"));
    put(tree.base() / "aws", "[default]\naws_access_key_id = AKIA\naws_secret_access_key = s3cr3t\n");
    Preparation made = tree.prepared();
    const auto& bind = std::get<config::DnsRfc2136>(configured(made, "bind").challenge.dns01->provider->kind);
    CHECK(bind.servers == std::vector<std::string>{"192.0.2.53:5353"});
    CHECK(bind.algorithm == "hmac-sha512");
    CHECK(bind.secret_file.starts_with((tree.base() / "certbot-secrets" / "rfc2136-").string()));
    CHECK(std::holds_alternative<config::DnsCloudflare>(configured(made, "cloud").challenge.dns01->provider->kind));
    CHECK(std::holds_alternative<config::DnsRoute53>(configured(made, "aws").challenge.dns01->provider->kind));
    CHECK(reason(made, "other").starts_with("certd has no provider for the plugin dns-linode"));
    for (const char* secret : {"c2VjcmV0", "token\"", "s3cr3t", "AKIA"})
        CHECK(made.text.find(secret) == std::string::npos);

    CertbotTree old;
    put(old.base() / "old.ini", rfc2136);
    old.add(
        "md5", {"a.example"},
        fmt::format("authenticator = dns-rfc2136\ndns_rfc2136_credentials = {}\n", (old.base() / "old.ini").string()));
    put(old.base() / "odd.ini", rfc2136 + "dns_rfc2136_algorithm = GSS-TSIG\n");
    old.add(
        "odd", {"b.example"},
        fmt::format("authenticator = dns-rfc2136\ndns_rfc2136_credentials = {}\n", (old.base() / "odd.ini").string()));
    Preparation kept = old.prepared();
    // certbot's default.
    CHECK(std::get<config::DnsRfc2136>(configured(kept, "md5").challenge.dns01->provider->kind).algorithm ==
          "hmac-md5");
    CHECK(kept.translation.notes ==
          std::vector<std::string>{"the TSIG key of certbot-rfc2136 is of hmac-md5, which is weak: give it a new one "
                                   "(`tsig-keygen -a hmac-sha256`)"});
    CHECK(reason(kept, "odd") == "the TSIG key of dns-rfc2136 is of gss-tsig, which certd does not have");
}

TEST_CASE("hooks come over in certbot's order, those of its directories as they are") {
    CertbotTree tree;
    const std::string hooks = "installer = nginx\npre_hook = 'stop a, b'\npost_hook = start\nrenew_hook = told\n";
    tree.add("a.example", {"a.example"}, webroot + hooks);
    tree.add_hook("deploy/20");
    Preparation made = tree.prepared();
    const config::Lineage& a = configured(made, "a.example");
    CHECK(a.renewal_hooks.directory == (tree.root() / "renewal-hooks").string());
    REQUIRE(a.pre_issue.size() == 1);
    CHECK(a.pre_issue.front().command.argv == std::vector<std::string>{"/bin/sh", "-c", "stop a, b"});
    REQUIRE(a.post_issue.size() == 1);
    CHECK(a.post_issue.front().command.argv == std::vector<std::string>{"/bin/sh", "-c", "start"});
    CHECK(a.targets ==
          std::vector<TargetName>{{"renewal-hooks.a.example"}, {"certbot-deploy-hook"}, {"certbot-nginx"}});
    CHECK(made.config->targets.at({"certbot-deploy-hook"}).exec.size() == 1);
    // They have run for what is live.
    const Outlook outlook = outlooks(made, tree.now).front();
    CHECK(outlook.plan.action == Action::issue);
    CHECK(outlook.plan.reasons == std::vector<std::string>{"2/3 of the lifetime"});
}

TEST_CASE("a hook of a lineage that is in certbot's directories as well is not run twice") {
    CertbotTree tree;
    const std::string script = tree.add_hook("post/10");
    tree.add("a.example", {"a.example"}, fmt::format("{}post_hook = {}\n", webroot, script));
    const Preparation made = tree.prepared();
    CHECK(configured(made, "a.example").post_issue.empty());
    CHECK_FALSE(configured(made, "a.example").renewal_hooks.empty());
}

TEST_CASE("directories in which certbot would run nothing are not carried over") {
    CertbotTree tree;
    tree.add("a.example", {"a.example"}, webroot);
    tree.add_hook("deploy/30~");
    put(tree.root() / "renewal-hooks" / "deploy" / "README", "not run");
    CHECK(configured(tree.prepared(), "a.example").renewal_hooks.empty());
    tree.add_hook("deploy/30");
    CHECK_FALSE(configured(tree.prepared(), "a.example").renewal_hooks.empty());
    put(tree.root() / "cli.ini", "no-directory-hooks\n");
    CHECK(configured(tree.prepared(), "a.example").renewal_hooks.empty());
}

TEST_CASE("nothing of the settings is a reason to issue, and what has no counterpart is told") {
    CertbotTree tree;
    tree.add_version("a.example", 1, {"a.example", "www.a.example"}, KeyType::rsa_2048);
    tree.configure("a.example",
                   std::string(webroot) +
                       "elliptic_curve = secp384r1\nreuse_key = True\nmust_staple = True\nautorenew = False\n"
                       "allow_subset_of_names = True\npreferred_chain = Root X\npreferred_profile = short\n"
                       "renew_before_expiry = 20 days\ninstaller = postfix\n");
    tree.add("b.example", {"b.example"}, webroot);
    Preparation made = tree.prepared();
    const ImportedLineage& a = lineage(made, "a.example");
    const config::Lineage& spec = configured(made, "a.example");
    CHECK(spec.keys == std::vector<KeyType>{KeyType::rsa_2048});
    CHECK(has_note(a, "certbot would change the key to ecdsa-p384"));
    CHECK(has_note(a, "must_staple is not carried over"));
    CHECK(has_note(a, "renew_before_expiry (20 days)"));
    CHECK(has_note(a, "the installer postfix is not carried over"));
    CHECK(spec.key_max_age == days(3650));
    CHECK(spec.allow_subset_of_names);
    CHECK(spec.profile.name == "short");
    CHECK(made.config->cas.at({"ca.example"}).preferred_chain == "Root X");
    CHECK(has_note(lineage(made, "b.example"), "preferred_chain is not carried over (none)"));
    for (const Outlook& outlook : outlooks(made, tree.now)) {
        INFO(outlook.imported->certbot_name << ": " << join(outlook.plan.reasons, "; "));
        CHECK((outlook.plan.state == State::paused || outlook.plan.reasons.front() == "2/3 of the lifetime"));
    }
}

TEST_CASE("each account at a server becomes a CA of its own, and one that is configured already is used") {
    CertbotTree tree;
    PrivateKey other = PrivateKey::generate(KeyType::ecdsa_p256);
    const std::string second = "fedcba9876543210fedcba9876543210";
    tree.add_account(second, other, "https://ca.example/acct/8");
    tree.add("a.example", {"a.example"}, webroot);
    tree.add("b.example", {"b.example"}, webroot);
    std::string text = get(tree.conf("b.example"));
    text.replace(text.find(account), second.size(), second);
    put(tree.conf("b.example"), text);
    Preparation made = tree.prepared();
    CHECK(configured(made, "a.example").cas == std::vector<CaName>{{"ca.example"}});
    CHECK(configured(made, "b.example").cas == std::vector<CaName>{{"ca.example-2"}});
    CHECK(made.config->cas.at({"ca.example"}).contact == std::vector<std::string>{"a@b.example"});

    put(tree.base() / "certd.yaml",
        fmt::format("state_dir: {}\ncas: {{ mine: {{ directory: \"{}\", agree_tos: true, proxy: \"http://p:1\" }} }}\n",
                    tree.state().string(), server));
    made = tree.prepared();
    CHECK(configured(made, "a.example").cas == std::vector<CaName>{{"mine"}});
    CHECK(made.config->cas.at({"ca.example"}).proxy == "http://p:1");
}
