// Taking over from a real certbot, whose lineages come from Pebble by every authenticator that certd has a counterpart
// for, and giving them back.
#include "libacme/base/json.hpp"
#include "libacme/base/text.hpp"
#include "tests/support/bind.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/daemon.hpp"
#include "tests/support/pebble.hpp"
#include "tests/support/temp_directory.hpp"
#include "tests/support/tls_files.hpp"

#include <fmt/format.h>

#include <csignal>
#include <memory>

using namespace certd;
using namespace certd::test;
namespace fs = std::filesystem;

namespace {

// Names of the standalone authenticator are at the second address, whose port 80 nothing else listens on, Apache's at
// the third. Wildcards hold for no name that has others below it, as hook4 has while its TXT record is there.
constexpr const char* records = "* A 127.0.0.1\nhook4 A 127.0.0.1\n*.alone A 127.0.0.2\n*.apache A 127.0.0.3\n";
constexpr const char* tsig_secret = "bm9ib2R5IGVsc2UgaGFzIHRoaXMga2V5IGJ1dCB1cyE=";  // Bind's
const std::string long_name = "a-name-longer-than-certd-takes-" + std::string(50, 'x');

// Debian's certbot dies of a refused nonce, so that Pebble refuses none here.
class Migration {
   public:
    Migration()
        : bind(path("bind"), {false, records}),
          pebble(path("pebble"), 80, {.nonce_reject = 0, .authz_reuse = 0, .name_server = Bind::primary() + ":53"}),
          certd(path("certd")) {
        write_nginx({});
        fs::create_directories(path("www"));
        fs::create_directories(path("other-www"));
        nginx = std::make_unique<Child>(
            std::vector<std::string>{program("nginx"), "-c", path("nginx/nginx.conf"), "-g", "daemon off;"},
            ChildOptions{{}, path("nginx/output.log"), {}, {}, {}});
        fs::permissions(directory.path(), fs::perms(0755));  // Apache does not serve as root
        write_apache("", "");
        apache = std::make_unique<Child>(std::vector<std::string>{apache_control().string(), "-DFOREGROUND"},
                                         ChildOptions{{}, path("apache/output.log"), {}, {}, {}});
        REQUIRE(eventually(10s, [&] { return fs::exists(path("apache/pid")); }));
        certd.configure(fmt::format(R"(state_dir: {}
control: {{ socket: {}, group: "" }}
resolvers: [{}]
cas:
  pebble: {{ directory: "{}", ca_bundle: "{}", contact: [ops@example.test], agree_tos: true }}
)",
                                    certd.state_directory().string(), certd.socket().string(), Bind::primary(),
                                    pebble.directory_url(), pebble.ca_bundle().string()));
    }

    fs::path path(const std::string& name) const { return directory.path() / name; }
    fs::path letsencrypt() const { return path("letsencrypt"); }
    fs::path live(const std::string& name) const { return letsencrypt() / "live" / name; }
    fs::path conf(const std::string& name) const { return letsencrypt() / "renewal" / (name + ".conf"); }

    // A server for what has a certificate under certbot's path, with what `more` adds to the one on port 80.
    void write_nginx(const std::vector<std::string>& with_tls, const std::string& more = {}) const {
        std::string servers;
        for (const std::string& name : with_tls) {
            servers += fmt::format(
                "server {{ listen 127.0.0.1:443 ssl; server_name {0}; ssl_certificate {1}/fullchain.pem; "
                "ssl_certificate_key {1}/privkey.pem; return 200 ok; }}\n",
                name, live(name).string());
        }
        fs::create_directories(path("nginx"));
        write_file(path("nginx/nginx.conf"), fmt::format(R"(user root;
worker_processes 1;
pid {0}/nginx.pid;
error_log {0}/error.log;
events {{}}
http {{
    server_names_hash_bucket_size 128;
    access_log off;
    client_body_temp_path {0}/body; proxy_temp_path {0}/proxy; fastcgi_temp_path {0}/fastcgi;
    uwsgi_temp_path {0}/uwsgi; scgi_temp_path {0}/scgi;
    server {{ listen 127.0.0.1:80 default_server; root {1}; }}
    server {{ listen 127.0.0.1:80; server_name site1.example.test site2.example.test; root {1}; {2} }}
    server {{ listen 127.0.0.1:80; server_name b.other.example.test; root {3}; }}
    {4}
}}
)",
                                                         path("nginx").string(), path("www").string(), more,
                                                         path("other-www").string(), servers));
    }
    void reload_nginx() const { nginx->signal(SIGHUP); }

    // A server root in Debian's form, as certbot's plugin wants it, and a control program in place of apache2ctl.
    fs::path apache_control() const { return path("apache/control"); }
    void write_apache(const std::string& server, const std::string& more) const {
        const fs::path root = path("apache");
        fs::create_directories(root / "sites-enabled");
        write_file(root / "apache2.conf", fmt::format(R"(DefaultRuntimeDir {0}
PidFile {0}/pid
Mutex file:{0}
ErrorLog {0}/error.log
LoadModule mpm_event_module /usr/lib/apache2/modules/mod_mpm_event.so
LoadModule authz_core_module /usr/lib/apache2/modules/mod_authz_core.so
LoadModule alias_module /usr/lib/apache2/modules/mod_alias.so
LoadModule rewrite_module /usr/lib/apache2/modules/mod_rewrite.so
LoadModule ssl_module /usr/lib/apache2/modules/mod_ssl.so
User www-data
Group www-data
ServerName localhost
StartServers 1
Listen 127.0.0.3:80
Listen 127.0.0.3:443
{1}
IncludeOptional sites-enabled/*.conf
)",
                                                      root.string(), more));
        write_file(root / "sites-enabled/site.conf", fmt::format(R"(<VirtualHost *:80>
    ServerName site.apache.example.test
    DocumentRoot {}
</VirtualHost>
{}
)",
                                                                 path("www").string(), server));
        write_file(apache_control(), fmt::format(R"(#!/bin/sh
case "$1" in
    graceful) set -- -k graceful ;;
    configtest) set -- -t ;;
esac
exec {} -d {} -f apache2.conf "$@"
)",
                                                 program("apache2"), root.string()));
        fs::permissions(apache_control(), fs::perms::owner_all);
    }
    // The same with TLS from certbot's path, and the lines that the import asks for.
    void prepare_apache() const {
        write_apache(fmt::format(R"(<VirtualHost *:443>
    ServerName site.apache.example.test
    SSLEngine on
    SSLCertificateFile {0}/fullchain.pem
    SSLCertificateKeyFile {0}/privkey.pem
</VirtualHost>)",
                                 live("site.apache.example.test").string()),
                     fmt::format("Alias /.well-known/acme-challenge/ {0}/.well-known/acme-challenge/\n"
                                 "<Directory {0}/.well-known/acme-challenge/>\n    Require all granted\n</Directory>\n",
                                 path("challenges").string()));
        apache->signal(SIGUSR1);
    }

    std::vector<std::string> arguments(std::vector<std::string> words) const {
        for (const char* name : {"config", "work", "logs"}) {
            words.push_back(fmt::format("--{}-dir", name));
            words.push_back(name == std::string("config") ? letsencrypt() : path(fmt::format("certbot-{}", name)));
        }
        return words;
    }

    void issue(const std::string& names, std::vector<std::string> how) {
        std::vector<std::string> words = {"certonly",         "-n",       "--agree-tos",         "-m",
                                          "ops@example.test", "--server", pebble.directory_url()};
        if (!names.empty()) words.insert(words.end(), {"-d", names});
        words.insert(words.end(), how.begin(), how.end());
        runs.push_back(arguments(words));
    }
    void renew(const std::string& name) {
        runs.push_back(
            arguments({"renew", "-n", "--no-random-sleep-on-renew", "--force-renewal", "--cert-name", name}));
    }

    void run_certbot() {
        Json::Array all;
        for (const std::vector<std::string>& words : runs)
            all.emplace_back(Json::Array(words.begin(), words.end()));
        write_file(path("runs.json"), to_text(Json(std::move(all))));
        Output done = run({std::string(CERTD_SOURCE_DIR) + "/tests/e2e/run_certbot", path("runs.json")},
                          {{"REQUESTS_CA_BUNDLE=" + pebble.ca_bundle().string()}, {}, 280s});
        INFO(done.both());
        REQUIRE(done.exit_code == 0);
        runs.clear();
    }

    Output certbot(std::vector<std::string> words) const {
        words.insert(words.begin(), program("certbot"));
        return run(arguments(std::move(words)), {{"REQUESTS_CA_BUNDLE=" + pebble.ca_bundle().string()}, {}, 120s});
    }

    Output import(std::vector<std::string> flags) const {
        flags.insert(flags.begin(), {certctl_program(), "import", "certbot", "--from", letsencrypt(), "--config",
                                     certd.configuration_file(), "--webroot", path("challenges")});
        return run(std::move(flags));
    }

    TempDirectory directory;
    Bind bind;
    Pebble pebble;
    Daemon certd;
    std::unique_ptr<Child> nginx, apache;
    std::vector<std::vector<std::string>> runs;
};

std::string executable(const fs::path& path, const std::string& text) {
    write_file(path, "#!/bin/sh\n" + text);
    fs::permissions(path, fs::perms::owner_all);
    return path.string();
}

// Twenty-two lineages and some that cannot come over.
void fill(Migration& m) {
    const std::string www = m.path("www").string(), other = m.path("other-www").string();
    const std::vector<std::string> webroot = {"--webroot", "-w", www};
    auto with = [](std::vector<std::string> words, std::vector<std::string> more) {
        words.insert(words.end(), more.begin(), more.end());
        return words;
    };
    const std::vector<std::string> alone = {"--standalone", "--http-01-address", "127.0.0.2"};
    m.issue("one.alone.example.test", alone);
    m.issue("two.alone.example.test",
            with(alone, {"--key-type", "rsa", "--pre-hook", "echo pre >>" + m.path("hooks").string(), "--post-hook",
                         "echo post >>" + m.path("hooks").string()}));
    m.issue("three.alone.example.test", with(alone, {"--elliptic-curve", "secp384r1", "--reuse-key"}));
    m.issue("web1.example.test", webroot);
    m.issue("web1.example.test", with(webroot, {"--duplicate"}));
    m.issue("web2.example.test,www.web2.example.test", webroot);
    m.issue("", {"--webroot", "-w", www, "-d", "web3.example.test", "-w", other, "-d", "b.other.example.test"});
    m.issue("web4.example.test", with(webroot, {"--cert-name", "Shop.Example"}));
    m.issue("web5.example.test", with(webroot, {"--cert-name", long_name}));
    m.issue("web6.example.test", with(webroot, {"--deploy-hook", "echo \"$RENEWED_LINEAGE, $RENEWED_DOMAINS\" >>" +
                                                                     m.path("deployed").string()}));
    m.issue("web7.example.test", with(webroot, {"--allow-subset-of-names"}));
    m.issue("site.apache.example.test",
            {"--apache", "--apache-server-root", m.path("apache").string(), "--apache-ctl", m.apache_control().string(),
             "--apache-challenge-location", m.path("apache").string()});
    const std::vector<std::string> server = {
        "--nginx-server-root", m.path("nginx").string(), "--nginx-sleep-seconds", "2", "--nginx-ctl", program("nginx")};
    m.issue("site1.example.test", with({"--nginx"}, server));
    m.issue("site2.example.test", with({"--nginx"}, server));
    // One plugin to prove, another to reload.
    m.issue("site3.example.test", with(with({"-i", "nginx"}, webroot), server));
    const std::string update = fmt::format(
        "printf 'server 127.0.0.1\\nupdate %s _acme-challenge.%s. 60 TXT \"%s\"\\nsend\\n' $1 $CERTBOT_DOMAIN "
        "$CERTBOT_VALIDATION | nsupdate -k {}\n",
        m.bind.key_file().string());
    const std::string hook = executable(m.path("dns-hook"), update);
    const std::vector<std::string> manual = {
        "--manual",    "--preferred-challenges", "dns",           "--manual-auth-hook",
        hook + " add", "--manual-cleanup-hook",  hook + " delete"};
    m.issue("hook1.example.test", manual);
    m.issue("hook2.example.test,*.hook2.example.test", manual);
    const fs::path answers = m.path("www/.well-known/acme-challenge");
    fs::create_directories(answers);
    const std::string put =
        executable(m.path("http-hook"), fmt::format(R"([ -n "$CERTBOT_TOKEN" ] || exec {0} "$1"
case $1 in
    add) echo "$CERTBOT_VALIDATION" > "{1}/$CERTBOT_TOKEN"; echo "{1}/$CERTBOT_TOKEN" ;;
    delete) rm "$CERTBOT_AUTH_OUTPUT" ;;
esac
echo "$1 $CERTBOT_DOMAIN $CERTBOT_REMAINING_CHALLENGES $CERTBOT_ALL_DOMAINS" >> {2}
)",
                                                    hook, answers.string(), m.path("http-hooks").string()));
    const std::vector<std::string> either = {"--manual", "--manual-auth-hook", put + " add", "--manual-cleanup-hook",
                                             put + " delete"};
    m.issue("hook3.example.test,www.hook3.example.test", with(either, {"--preferred-challenges", "http"}));
    m.issue("hook4.example.test,*.hook4.example.test", either);
    write_file(m.path("rfc2136.ini"), fmt::format("dns_rfc2136_server = 127.0.0.1\ndns_rfc2136_name = certd-key\n"
                                                  "dns_rfc2136_secret = {}\ndns_rfc2136_algorithm = HMAC-SHA256\n",
                                                  tsig_secret));
    fs::permissions(m.path("rfc2136.ini"), fs::perms(0600));
    const std::vector<std::string> dns = {"--dns-rfc2136", "--dns-rfc2136-credentials", m.path("rfc2136.ini").string(),
                                          "--dns-rfc2136-propagation-seconds", "0"};
    m.issue("dns1.example.test", dns);
    // certbot's default, HMAC-MD5.
    write_file(m.path("old.ini"), fmt::format("dns_rfc2136_server = 127.0.0.1\ndns_rfc2136_name = hmac-md5-key\n"
                                              "dns_rfc2136_secret = {}\n",
                                              tsig_secret));
    fs::permissions(m.path("old.ini"), fs::perms(0600));
    m.issue("dns2.example.test", {"--dns-rfc2136", "--dns-rfc2136-credentials", m.path("old.ini").string(),
                                  "--dns-rfc2136-propagation-seconds", "0"});
    m.issue("*.wild.example.test", dns);
    m.issue("wild.example.test,*.wild.example.test", with(dns, {"--cert-name", "both.wild"}));
    m.issue("broken.example.test", webroot);
    m.issue("keyless.example.test", webroot);
    m.issue("person.example.test", webroot);
    m.renew("web1.example.test");
    m.renew("web1.example.test");
    m.renew("site1.example.test");
    m.run_certbot();

    auto change = [&](const std::string& name, const std::string& from, const std::string& to) {
        std::string text = read_file(m.conf(name));
        REQUIRE(text.find(from) != std::string::npos);
        write_file(m.conf(name), text.replace(text.find(from), from.size(), to));
    };
    change("broken.example.test", "[renewalparams]", "[renewalparams");
    change("person.example.test", "authenticator = webroot", "authenticator = manual");
    fs::remove(m.letsencrypt() / "archive" / "keyless.example.test" / "privkey1.pem");
    // A service reads one of the keys by its group.
    for (const char* directory : {"live", "archive"})
        fs::permissions(m.letsencrypt() / directory, fs::perms(0755));
    const fs::path key = m.letsencrypt() / "archive/site3.example.test/privkey1.pem";
    REQUIRE(run({program("chgrp"), "www-data", key.string()}).exit_code == 0);
    fs::permissions(key, fs::perms(0640));
    executable(m.letsencrypt() / "renewal-hooks" / "deploy" / "all",
               "echo all >>" + m.path("deployed").string() + "\n");
}

const Json& lineage_of(const Json& document, const std::string& certbot_name) {
    for (const Json& one : *document["lineages"].if_array()) {
        if (one.string_or("certbot") == certbot_name) return one;
    }
    FAIL("not carried: " << certbot_name);
    return document;
}

std::string reason_of(const Json& document, const std::string& certbot_name) {
    for (const Json& one : *document["not_carried"].if_array()) {
        if (one.string_or("certbot") == certbot_name) return one.string_or("reason");
    }
    return {};
}

void check_shadow(const Migration& m) {
    const Output shown = m.import({"--shadow", "--json"});
    INFO(shown.both());
    REQUIRE(shown.exit_code == 0);
    const Json document = parse_json(shown.out).value();
    CHECK(document["lineages"].if_array()->size() == 23);
    CHECK(reason_of(document, "broken.example.test").find("broken.example.test.conf:10: the brackets") !=
          std::string::npos);
    CHECK(reason_of(document, "keyless.example.test").find("privkey1.pem") != std::string::npos);
    CHECK(reason_of(document, "person.example.test").starts_with("the manual authenticator without manual_auth_hook"));
    CHECK(lineage_of(document, "web1.example.test-0001").string_or("name") == "web1.example.test-0001");
    CHECK(lineage_of(document, "web1.example.test")["archive_versions"].if_array()->size() == 3);
    CHECK(lineage_of(document, "Shop.Example").string_or("name") == "shop.example");
    CHECK(lineage_of(document, long_name).string_or("name").size() == 64);
    CHECK(lineage_of(document, "two.alone.example.test").string_or("key_type") == "rsa-2048");
    CHECK(lineage_of(document, "three.alone.example.test").string_or("key_type") == "ecdsa-p384");
    CHECK(lineage_of(document, "wild.example.test").string_or("challenge") == "dns-01 by the provider certbot-rfc2136");
    CHECK(lineage_of(document, "site1.example.test").strings("targets") ==
          std::vector<std::string>{"renewal-hooks.site1.example.test", "certbot-nginx"});
    CHECK(lineage_of(document, "site3.example.test").string_or("challenge") ==
          "http-01 through " + m.path("www").string());
    CHECK(lineage_of(document, "site3.example.test").strings("targets") ==
          std::vector<std::string>{"certbot-files", "renewal-hooks.site3.example.test", "certbot-nginx"});
    CHECK(lineage_of(document, "site.apache.example.test").strings("targets") ==
          std::vector<std::string>{"renewal-hooks.site.apache.example.test", "certbot-apache"});
    CHECK(lineage_of(document, "hook3.example.test").string_or("challenge") == "http-01 by certbot's hooks");
    CHECK(lineage_of(document, "hook4.example.test").string_or("challenge") ==
          "http-01 by certbot's hooks, *.hook4.example.test dns-01 by the provider certbot-hooks-2");
    for (const Json& one : *document["lineages"].if_array()) {
        CHECK(one.string_or("ca") == "pebble");
        CHECK(one["next"].string_or("action") == "issue");
        CHECK(one["next"].strings("reasons") == std::vector<std::string>{"2/3 of the lifetime"});
    }
    CHECK(!fs::exists(m.certd.state_directory()));
    CHECK(!fs::exists(m.path("certd/conf.d")));
    const Output text = m.import({"--shadow"});
    CHECK(text.out.find("23 of 26 lineages can be taken over") != std::string::npos);
    CHECK(text.out.find("of hmac-md5, which is weak") != std::string::npos);
}

// The presets know of systemd's services, which are none of this machine.
void fit_targets(const Migration& m) {
    const fs::path file = m.path("certd/conf.d/certbot.yaml");
    std::string text = read_file(file);
    auto fit = [&](const std::string& service, const std::string& more) {
        const std::string line = "    service: " + service + "\n";
        REQUIRE(text.find(line) != std::string::npos);
        text.insert(text.find(line) + line.size(), more);
    };
    fit("nginx",
        fmt::format("    test: [nginx, -t, -q, -c, {0}]\n    reload: {{ command: [nginx, -s, reload, -c, {0}] }}\n",
                    m.path("nginx/nginx.conf").string()));
    fit("apache", fmt::format("    test: [{0}, configtest]\n    reload: {{ command: [{0}, graceful] }}\n"
                              "    verify: {{ tls: [\"127.0.0.3:443\"] }}\n",
                              m.apache_control().string()));
    write_file(file, text);
}

std::string served(const std::string& name) {
    return served_fingerprint(name.find(".apache.") != std::string::npos ? "127.0.0.3:443" : "127.0.0.1:443", name);
}

// What somebody of `group` sees of the key of site3; empty when it is kept from them.
std::string key_read_by(const Migration& m, const std::string& group) {
    return run({program("setpriv"), "--reuid=nobody", "--regid=" + group, "--clear-groups", program("cat"),
                (m.live("site3.example.test") / "privkey.pem").string()})
        .out;
}

}  // namespace

TEST_CASE("lineages of a real certbot come over, are renewed by certd under certbot's paths, and go back") {
    if (!enter_own_network()) {
        WARN("a network of its own needs root");
        return;
    }
    Migration m;
    fill(m);
    const std::size_t issued = m.pebble.orders();
    const std::string conf = read_file(m.conf("web1.example.test"));
    const std::vector<std::string> with_tls = {"site1.example.test", "site3.example.test", "web1.example.test"};
    m.write_nginx(with_tls);
    m.reload_nginx();
    m.prepare_apache();
    REQUIRE(eventually(10s, [&] { return !served("site1.example.test").empty(); }));
    REQUIRE(eventually(10s, [&] { return !served("site.apache.example.test").empty(); }));
    const std::string first = served("site1.example.test"), at_apache = served("site.apache.example.test"),
                      third = served("site3.example.test");

    check_shadow(m);

    const Output taken = m.import({"--take-over"});
    INFO(taken.both());
    REQUIRE(taken.exit_code == 0);
    CHECK(taken.out.find("leave certbot's timer as it is") != std::string::npos);
    CHECK(taken.out.find("location ^~ /.well-known/acme-challenge/") != std::string::npos);
    CHECK(taken.out.find("    Alias /.well-known/acme-challenge/ " + m.path("challenges").string()) !=
          std::string::npos);
    CHECK(fs::is_symlink(m.live("site1.example.test")));
    CHECK(taken.out.find("ReadWritePaths=-" + (m.letsencrypt() / "certd-live").string()) != std::string::npos);
    const std::string first_key = key_read_by(m, "www-data");
    CHECK(first_key.find("PRIVATE KEY") != std::string::npos);
    CHECK(key_read_by(m, "nogroup").empty());
    // What was left to certbot is still there for it, and nothing else.
    const Output rest = m.certbot({"certificates"});
    CHECK(rest.out.find("Certificate Name: person.example.test") != std::string::npos);
    CHECK(rest.out.find("Certificate Name: web1.example.test") == std::string::npos);
    REQUIRE(m.import({"--take-over"}).out.find("There was nothing left to do") != std::string::npos);

    // nginx takes up the same certificate from certbot's path.
    m.write_nginx(with_tls, fmt::format("location ^~ /.well-known/acme-challenge/ {{ root {}; }}",
                                        m.path("challenges").string()));
    m.reload_nginx();
    CHECK(served("site1.example.test") == first);
    fit_targets(m);
    m.certd.start();
    const Json status = m.certd.json({"status"});
    for (const Json& one : *status["lineages"].if_array()) {
        INFO(to_text(one));
        CHECK(one.string_or("state") == "waiting");
        CHECK(one["next"].string_or("action") == "issue");
    }
    CHECK(m.pebble.orders() == issued);
    const Output checked = m.certd.ctl({"check", "hook3.example.test"});
    INFO(checked.both());
    CHECK(checked.exit_code == 0);
    for (const char* name : {"", "www."}) {
        CHECK(checked.out.find(fmt::format("challenge.http-01 {}hook3.example.test: the commands that put a challenge "
                                           "response in place and take it away did well",
                                           name)) != std::string::npos);
    }
    CHECK(checked.out.find("port 80 answers with certd's token at 127.0.0.1") != std::string::npos);

    // By each way of proof once: through the directory of nginx and Apache, a webroot, hooks for DNS, HTTP and both,
    // signed updates with a new key and an old one, and certd itself.
    const std::vector<std::string> renewed = {"site1.example.test",       "site3.example.test", "web6.example.test",
                                              "site.apache.example.test", "hook2.example.test", "hook3.example.test",
                                              "hook4.example.test",       "wild.example.test",  "dns2.example.test",
                                              "two.alone.example.test"};
    fs::remove(m.path("http-hooks"));
    std::vector<std::string> words = {"renew", "--force"};
    words.insert(words.end(), renewed.begin(), renewed.end());
    const Output done = m.certd.ctl(words);
    INFO(done.both() << m.certd.log());
    REQUIRE(done.exit_code == 0);
    CHECK(m.pebble.orders() == issued + renewed.size());
    CHECK(served("site1.example.test") != first);
    CHECK(served("site1.example.test") == fingerprint_of_file(m.live("site1.example.test") / "cert.pem"));
    CHECK(served("site3.example.test") != third);
    CHECK(served("site3.example.test") == fingerprint_of_file(m.live("site3.example.test") / "cert.pem"));
    const std::string second_key = key_read_by(m, "www-data");
    CHECK(second_key.find("PRIVATE KEY") != std::string::npos);
    CHECK(second_key != first_key);
    CHECK(key_read_by(m, "nogroup").empty());
    CHECK(served("site.apache.example.test") != at_apache);
    CHECK(served("site.apache.example.test") == fingerprint_of_file(m.live("site.apache.example.test") / "cert.pem"));
    const std::string called = read_file(m.path("http-hooks"));
    // The CA says which name comes first.
    for (const char* call : {"add hook3.example.test ", "add www.hook3.example.test ", "delete www.hook3.example.test ",
                             "delete hook3.example.test ", "add hook4.example.test ", "delete hook4.example.test ",
                             "hook3.example.test 1 hook3.example.test,www.hook3.example.test\n",
                             "hook3.example.test 0 hook3.example.test,www.hook3.example.test\n"}) {
        CAPTURE(call);
        CHECK(called.find(call) != std::string::npos);
    }
    CHECK(fs::is_empty(m.path("www/.well-known/acme-challenge")));
    CHECK(read_file(m.path("hooks")).ends_with("pre\npost\n"));
    const std::string deployed = read_file(m.path("deployed"));
    CHECK(deployed.find("live/web6.example.test, web6.example.test") != std::string::npos);
    // certbot's own directory: once for each renewal, and not for what was taken over as it was.
    CHECK(std::ranges::count(split(deployed, '\n'), "all") == std::ssize(renewed));
    // As the account that certbot has made: Pebble knows of one.
    const Json accounts = m.certd.json({"account", "list"});
    REQUIRE(accounts["accounts"].if_array()->size() == 1);
    CHECK(m.pebble.log().find("There are now 2 accounts in memory") == std::string::npos);
    CHECK(m.import({"--give-back"}).err.find("systemctl stop certd") != std::string::npos);
    m.certd.terminate();

    const std::string second = served("site1.example.test");
    const Output back = m.import({"--give-back"});
    INFO(back.both());
    REQUIRE(back.exit_code == 0);
    CHECK(read_file(m.conf("web1.example.test")) == conf);
    CHECK(fingerprint_of_file(m.live("site1.example.test") / "cert.pem") == second);
    CHECK(fs::read_symlink(m.live("site1.example.test") / "cert.pem") == "../../archive/site1.example.test/cert3.pem");
    CHECK(key_read_by(m, "www-data") == second_key);
    CHECK_FALSE(fs::exists(m.letsencrypt() / "certd-live"));
    const Output all = m.certbot({"certificates"});
    for (const std::string& name : {std::string("web1.example.test-0001"), std::string("Shop.Example"), long_name,
                                    std::string("site1.example.test"), std::string("both.wild")}) {
        CHECK(all.out.find("Certificate Name: " + name) != std::string::npos);
    }
    const std::size_t orders = m.pebble.orders();
    const Output nothing =
        m.certbot({"renew", "-n", "--no-random-sleep-on-renew", "--cert-name", "site1.example.test"});
    INFO(nothing.both());
    CHECK(nothing.exit_code == 0);
    CHECK(nothing.both().find("not due for renewal yet") != std::string::npos);
    CHECK(m.pebble.orders() == orders);
    const Output forced =
        m.certbot({"renew", "-n", "--no-random-sleep-on-renew", "--force-renewal", "--cert-name", "web6.example.test"});
    INFO(forced.both());
    CHECK(forced.exit_code == 0);
    CHECK(fs::exists(m.letsencrypt() / "archive" / "web6.example.test" / "cert3.pem"));
}
