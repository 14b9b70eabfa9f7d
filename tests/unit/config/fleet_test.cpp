#include "config/fleet.hpp"

#include "tests/support/temp_directory.hpp"
#include "tests/unit/config/fixture.hpp"

#include <filesystem>
#include <fstream>

#include <sys/stat.h>

using namespace certd;
using namespace certd::config;
using namespace certd::config::test;

namespace {

std::string text_of(const std::string& members) {
    const std::string install =
        members.find("install") == std::string::npos ? ", install: [{ part: fullchain, path: /etc/ssl/web.pem }]" : "";
    return base + "targets: { web: { " + members + install + " } }\nlineages: { example.com: { targets: [web] } }\n";
}

Lines said(const std::string& members) {
    return findings(text_of(members));
}

Target target_with(const std::string& members) {
    return config_of(text_of(members))->targets.at({"web"});
}

constexpr const char* plain = "hosts: [web1], verify: { tls: [\":443\"] }";

}  // namespace

TEST_CASE("a host is a name or an address, with a port or without") {
    auto parsed = [](std::string_view text) {
        const auto host = parse_remote_host(text);
        return host ? fmt::format("{} {} {}", host->name, host->address, host->port) : std::string("refused");
    };
    CHECK(parsed("web1.internal") == "web1.internal web1.internal 22");
    CHECK(parsed("web1:2222") == "web1:2222 web1 2222");
    CHECK(parsed("192.0.2.7") == "192.0.2.7 192.0.2.7 22");
    CHECK(parsed("2001:db8::7") == "2001:db8::7 2001:db8::7 22");
    CHECK(parsed("[2001:db8::7]:2222") == "[2001:db8::7]:2222 2001:db8::7 2222");
    for (const char* wrong : {"", "local", "Local", "local:22", "-oProxyCommand=x", "-x:22", "web1:0", "web1:65536",
                              "web1:ssh", "a b", "root@web1", "web1/x", "web1;x", "$(x)", "[::1]", "web1:", ":22"}) {
        CAPTURE(wrong);
        CHECK(parsed(wrong) == "refused");
    }
}

TEST_CASE("members about other hosts are checked") {
    struct Case {
        const char *member, *finding;
    };
    const auto [member, finding] = GENERATE(
        Case{"hosts: [deploy@web1]",
             "4:27 error: targets.web.hosts[1] must be a host such as web1.internal or \"10.0.0.7:2222\", not "
             "'deploy@web1' (write the user as ssh: { user: NAME })"},
        Case{"hosts: [local]",
             "4:27 error: targets.web.hosts[1] must be a host such as web1.internal or \"10.0.0.7:2222\", not "
             "'local' (a target without hosts is deployed on this machine)"},
        Case{"hosts: [a], ssh: { identity_file: k }",
             "4:53 error: targets.web.ssh.identity_file must be an absolute path, not 'k'"},
        Case{"hosts: [a], ssh: { user: \"-oProxyCommand=x\" }",
             "4:44 error: targets.web.ssh.user must be the name or number of a user or group, not '-oProxyCommand=x'"},
        Case{"hosts: [a], rollout: { batch: 0 }",
             "4:49 error: targets.web.rollout.batch must be a number from 1 to 1000, not '0'"},
        Case{"hosts: [a], rollout: { on_failure: halt }",
             "4:54 error: targets.web.rollout.on_failure must be rollback, stop or continue, not 'halt'"},
        Case{"hosts: [a], rollout: { order: random }",
             "4:49 error: targets.web.rollout.order must be listed, reversed or shuffled, not 'random'"},
        Case{"hosts: [a], ssh: { request_timeout: 0s }",
             "4:55 error: targets.web.ssh.request_timeout must be a duration from 1s to 10m, not '0s'"});
    const Lines lines = said(std::string(member) + ", verify: { tls: [\"h:1\"] }");
    REQUIRE_FALSE(lines.empty());
    CHECK(lines[0] == finding);
}

TEST_CASE("a target with hosts is without a finding") {
    CHECK(said(plain) == Lines{});
    const Target target = target_with("hosts: web1, ssh: { user: deploy, connect_timeout: 3s }, " + std::string() +
                                      "rollout: { on_failure: continue }, verify: { tls: [\":443\"] }");
    REQUIRE(target.hosts.size() == 1);
    CHECK(target.ssh.user == "deploy");
    CHECK(target.rollout.on_failure == Rollout::OnFailure::go_on);
}

TEST_CASE("the order of a rollout and the time for a request are read") {
    const Target target = target_with(
        "hosts: web1, ssh: { request_timeout: 4s }, rollout: { order: shuffled }, verify: { tls: [\":443\"] }");
    CHECK(target.rollout.order == Rollout::Order::shuffled);
    CHECK(target.ssh.request_timeout == seconds(4));
    CHECK(target_with(std::string(plain)).rollout.order == Rollout::Order::listed);
    CHECK(target_with(std::string(plain)).ssh.request_timeout == seconds(15));
    CHECK(target_with("hosts: web1, rollout: { order: reversed }, verify: { tls: [\":443\"] }").rollout.order ==
          Rollout::Order::reversed);
}

TEST_CASE("a host is named once") {
    CHECK(said("hosts: [web1, web2, \"WEB1:22\"], verify: { tls: [\":443\"] }") ==
          Lines{"4:39 error: The target 'web' has the host 'WEB1:22' twice"});
    CHECK(said("hosts: [web1, \"web1:2222\"], verify: { tls: [\":443\"] }") == Lines{});
}

TEST_CASE("ssh and rollout mean nothing without hosts") {
    CHECK(said("ssh: { user: x }, verify: { tls: [\"h:1\"] }") ==
          Lines{"4:12 error: The target 'web' has ssh and no hosts (add hosts: [NAME])"});
    CHECK(said("rollout: { canary: 2 }, verify: { tls: [\"h:1\"] }") ==
          Lines{"4:12 error: The target 'web' has rollout and no hosts (add hosts: [NAME])"});
}

TEST_CASE("an address of a port only is that port of each host, and needs hosts") {
    CHECK(target_with(plain).verify.addresses.at(0).address == ":443");
    CHECK(said("verify: { tls: [\":443\"] }") ==
          Lines{"4:12 error: The target 'web' has no hosts, so that ':443' in verify is no address (write "
                "\"127.0.0.1:443\")"});
    for (const char* wrong : {":0", ":x", ":", ":65536"}) {
        CAPTURE(wrong);
        CHECK(said(fmt::format("hosts: [a], verify: {{ tls: [\"{}\"] }}", wrong)).size() >= 1);
    }
    CHECK(said("hosts: [a], verify: { smtp: [\"127.0.0.1:25\"] }") ==
          Lines{"4:12 warning: The target 'web' is verified at '127.0.0.1:25', which is the machine that certd runs on "
                "(write \":25\" for that port of each host)"});
}

TEST_CASE("a service is verified on each host") {
    const auto addresses = target_with("hosts: [a], service: postfix").verify.addresses;
    CHECK(addresses == std::vector<VerifyAddress>{{StartTls::smtp, ":25"}});
    CHECK(said("hosts: [a]") == Lines{"4:12 warning: Nothing checks what the target 'web' serves (add verify: { tls: "
                                      "[\":443\"] })"});
}

TEST_CASE("what the hosts could not run is refused") {
    const std::string with = std::string(plain) + ", ";
    const std::string words =
        " of the target 'web' cannot be run on other hosts: a word of it has spaces, or other "
        "characters than plain ASCII (put it into a script on the hosts, and name that)";
    CHECK(said(with + "test: { shell: \"nginx -t && x\" }") == Lines{"4:12 error: test" + words});
    CHECK(said(with + "reload: [a, \"\"]") == Lines{"4:12 error: reload" + words});
    CHECK(said(with + "exec: [[a, \"b\\nc\"]]") == Lines{"4:12 error: exec" + words});
    CHECK(
        said(with + "exec: [{ command: [a], user: www }]") ==
        Lines{"4:12 error: exec of the target 'web' cannot change the user on other hosts (let a script there do it)"});
    CHECK(said(with + "rehearse: [nginx, -t]") ==
          Lines{"4:12 error: The target 'web' has hosts, where no command is rehearsed (leave `rehearse` out)"});
    CHECK(
        said(with + "exec: [{ command: [a], working_directory: /srv }]") ==
        Lines{"4:12 error: exec of the target 'web' cannot change the directory on other hosts (let a script there do "
              "it)"});
    CHECK(said(with + "test: [nginx, -t], reload: { systemd: nginx.service }") == Lines{});
}

TEST_CASE("names of files that ssh would expand are refused") {
    for (const char* path : {"/k%h", "/k$HOME", "/k\\\"x"}) {
        CAPTURE(path);
        const Lines lines = said(fmt::format("{}, ssh: {{ known_hosts: \"{}\" }}", plain, path));
        REQUIRE(lines.size() == 1);
        CHECK(lines[0].find("ssh cannot use the file") != std::string::npos);
    }
}

TEST_CASE("the key to log in with must be there, and be nobody else's to read") {
    certd::test::TempDirectory directory;
    const auto key = directory.path() / "id";
    const auto file = directory.path() / "certd.yaml";
    std::ofstream(file) << text_of(fmt::format("{}, ssh: {{ identity_file: {} }}", plain, key.string()));
    const auto said_now = [&] {
        const Loaded loaded = load(file.string());
        return loaded.diagnostics.empty() ? std::string() : loaded.diagnostics[0].message;
    };
    CHECK(said_now().find("No such file") != std::string::npos);
    std::ofstream(key) << "key";
    ::chmod(key.c_str(), 0640);
    CHECK(said_now() == fmt::format("The secret {} can be read or changed by others: its mode is 0640", key.string()));
    ::chmod(key.c_str(), 0600);
    CHECK(said_now().empty());
    std::filesystem::remove(key);
    std::filesystem::create_directory(key);
    CHECK(said_now().find("not a regular file") != std::string::npos);
}

TEST_CASE("a target with hosts installs something there") {
    CHECK(said("hosts: [web1], install: [], verify: { tls: [\":443\"] }") ==
          Lines{"4:12 error: The target 'web' has hosts and installs nothing there (add install: [{ part: fullchain, "
                "path: /etc/ssl/\u2026 }])"});
}
