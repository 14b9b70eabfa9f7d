// Deployments on a fake host: what is done, what is put back, what is told and what is remembered.
#include "tests/support/temp_directory.hpp"
#include "tests/unit/deploy/world.hpp"

#include <fmt/format.h>

using namespace certd;
using namespace certd::test;

namespace {

const std::string install_line = "install " + certificate_path + " " + key_path;

Result<ProcessResult> failing_command(const std::string& line, const Command& command, int code,
                                      const std::string& words) {
    std::string text;
    for (const auto& argument : command.argv)
        text += (text.empty() ? "" : " ") + argument;
    return exited(text == line ? code : 0, text == line ? words : "");
}

}  // namespace

TEST_CASE("a deployment installs, tests, reloads, sees the new certificate served and commits") {
    World world;
    world.install_old();
    const auto outcome = world.deploy(world.order(2));
    CHECK(world.host.steps() == install_line + "; run convert -x; run service test; run service reload");
    CHECK(outcome.complete);
    CHECK_FALSE(outcome.problem);
    CHECK(outcome.live == VersionNumber{2});
    CHECK(world.live() == VersionNumber{2});
    CHECK(world.installed() == 2);
    CHECK(world.service.serves() == world.fingerprint(2));
    CHECK_FALSE(world.has_journal());
    CHECK(world.host.files[key_path].attributes.mode == 0640);
    REQUIRE(outcome.targets.size() == 1);
    const auto& state = outcome.targets[0];
    CHECK(state.state == HostState::deployed);
    CHECK(state.version == VersionNumber{2});
    CHECK(state.served_fingerprint == world.fingerprint(2));
    CHECK(state.verified_at == world.clock.now());
    CHECK(state.failures == 0);
}

TEST_CASE("a deployment tells its steps, that the certificate is served, and that it is committed") {
    World world;
    world.install_old();
    world.deploy(world.order(2));
    std::string steps;
    for (const auto& event : world.events) {
        CHECK(event.lineage == "example.com");
        CHECK(event.job == 7);
        if (event.type == EventType::deploy_step) steps += event.data.string_or("step") + " ";
    }
    CHECK(steps == "back-up flip-live install exec test reload verify commit ");
    CHECK(world.event(EventType::deploy_started)->message == "Deploying version 2 to web");
    CHECK(world.event(EventType::deploy_verified)->message == "web serves version 2");
    CHECK(world.event(EventType::deploy_committed)->message == "Deployed version 2 to web");
    CHECK(world.event(EventType::deploy_committed)->target == "web");
}

TEST_CASE("the old content is in the journal before anything changes") {
    World world;
    world.install_old();
    std::vector<DeployJournal> journals;
    world.host.on_operation = [&](std::size_t) {
        if (!world.host.log.back().starts_with("install ") || !journals.empty()) return;
        journals = world.store.deploy_journals(world.name).value();
    };
    world.deploy(world.order(2));
    REQUIRE(journals.size() == 1);
    CHECK(journals[0].target.text == "web");
    CHECK(journals[0].version == VersionNumber{2});
    CHECK(journals[0].previous_live == VersionNumber{1});
    const auto& old = world.material(1).files;
    CHECK(journals[0].backups == std::vector<DeployJournal::Backup>{{certificate_path, true, 0604, 0, 0, old.fullchain},
                                                                    {key_path, true, 0600, 0, 0, old.privkey}});
}

TEST_CASE("a failed test restores the old files and reloads nothing") {
    World world;
    world.install_old();
    world.service.config_broken = true;
    const auto outcome = world.deploy(world.order(2));
    CHECK(world.host.steps() ==
          install_line + "; run convert -x; run service test; " + install_line + "; run convert -x");
    CHECK(world.installed() == 1);
    CHECK(world.host.files[certificate_path].attributes.mode == 0604);
    CHECK(world.live() == VersionNumber{1});
    CHECK(outcome.live == VersionNumber{1});
    CHECK_FALSE(outcome.complete);
    CHECK_FALSE(outcome.rolled_back_after_verify);
    REQUIRE(outcome.problem);
    CHECK(outcome.problem->code == "deploy.test");
    CHECK(outcome.problem->what == "The test command of web (service test) exited with status 1");
    CHECK(outcome.problem->remote == "nginx: [emerg] unknown directive \"brkoen\" in /etc/nginx/nginx.conf:4");
    const auto& state = outcome.targets.at(0);
    CHECK(state.state == HostState::failed);
    CHECK(state.wanted == VersionNumber{2});
    CHECK(state.version == VersionNumber{});
    CHECK(state.failures == 1);
    CHECK(state.next_attempt > world.clock.now());
    CHECK(world.event(EventType::deploy_failed)->problem == outcome.problem);
    CHECK(world.event(EventType::deploy_rolled_back)->message ==
          "web was put back to the old files; nothing had been reloaded");
}

TEST_CASE("a failed reload restores, reloads again and sees the old certificate served") {
    World world;
    world.install_old();
    auto target = world.target("web", certificate_path, key_path);
    target.test = {};
    world.configure({target});
    world.service.config_broken = true;
    const auto outcome = world.deploy(world.order(2));
    CHECK(world.host.steps().ends_with("run service reload; " + install_line + "; run convert -x; run service reload"));
    CHECK(world.installed() == 1);
    CHECK(outcome.problem->code == "deploy.reload");
    CHECK(outcome.targets.at(0).state == HostState::failed);
    CHECK(outcome.targets.at(0).served_fingerprint == world.fingerprint(1));
    CHECK(world.event(EventType::deploy_rolled_back)->message ==
          "web was put back to the old certificate, which is served");
    CHECK_FALSE(world.event(EventType::deploy_rollback_failed));
}

TEST_CASE("a service that keeps the old certificate after its reload is rolled back and says what it serves") {
    World world;
    world.install_old();
    world.service.keeps_old = true;
    const auto outcome = world.deploy(world.order(2));
    CHECK(world.installed() == 1);
    CHECK(world.live() == VersionNumber{1});
    CHECK(outcome.rolled_back_after_verify);
    CHECK(outcome.targets.at(0).state == HostState::rolled_back);
    REQUIRE(outcome.problem);
    CHECK(outcome.problem->code == "tls.notServed");
    CHECK(outcome.problem->what == fmt::format("127.0.0.1:443 for certd-check.example.com does not serve version 2 "
                                               "after 30s: it serves the certificate with "
                                               "SHA-256 {} that expires {}",
                                               world.fingerprint(1),
                                               format_rfc3339(world.material(1).facts.not_after)));
}

TEST_CASE("failures of a version count up and space the attempts, those of another version start anew") {
    World world;
    world.install_old();
    world.service.config_broken = true;
    auto order = world.order(2);
    order.current = world.deploy(order).targets;
    const auto second = world.deploy(order).targets.at(0);
    CHECK(second.failures == 2);
    CHECK(*second.next_attempt > *order.current[0].next_attempt);
    order.current[0].wanted = {1};
    CHECK(world.deploy(order).targets.at(0).failures == 1);
}

TEST_CASE("when the service is mended the pending version is deployed") {
    World world;
    world.install_old();
    world.service.config_broken = true;
    auto order = world.order(2);
    order.current = world.deploy(order).targets;
    world.service.config_broken = false;
    const auto outcome = world.deploy(order);
    CHECK(outcome.complete);
    CHECK(outcome.targets.at(0).failures == 0);
    CHECK_FALSE(outcome.targets.at(0).problem);
    CHECK_FALSE(outcome.targets.at(0).next_attempt);
    CHECK(world.service.serves() == world.fingerprint(2));
}

TEST_CASE("a rollback that the service does not follow is critical and keeps the old files") {
    World world;
    world.install_old();
    int reloads = 0;
    const auto service = world.host.on_run;
    world.host.on_run = [&](const Command& command) -> Result<ProcessResult> {
        // Takes the new certificate, and no reload after that; the probe then sees a third one.
        if (command.argv.back() == "reload" && ++reloads > 1) return exited(1, "reload failed");
        return service(command);
    };
    const auto probe = world.host.on_probe;
    world.host.on_probe = [&](const ProbeRequest& request) -> Result<Served> {
        auto served = probe(request);
        if (served && reloads > 0) served->fingerprint = "ffff";
        return served;
    };
    const auto outcome = world.deploy(world.order(2));
    CHECK(world.installed() == 1);
    CHECK(outcome.targets.at(0).state == HostState::failed);
    CHECK(outcome.targets.at(0).served_fingerprint == "ffff");
    const auto* alarm = world.event(EventType::deploy_rollback_failed);
    REQUIRE(alarm);
    CHECK(alarm->severity == Severity::critical);
    CHECK(alarm->problem->code == "deploy.restoreFailed");
    CHECK(outcome.problem->parts.at(0).code == "deploy.restoreFailed");
}

TEST_CASE("without a verification the roll back says that nobody knows what is served") {
    World world;
    world.install_old();
    auto target = world.target("web", certificate_path, key_path);
    target.verify = {};
    target.test = {};
    world.configure({target});
    world.host.on_run = [](const Command& command) { return failing_command("service reload", command, 1, "no"); };
    world.deploy(world.order(2));
    CHECK(world.event(EventType::deploy_rolled_back)->message ==
          "web was put back to the old files; what is served is not known");
}

TEST_CASE("a failed first deployment leaves the new pair and live where they are") {
    World world;
    world.service.config_broken = true;
    const auto outcome = world.deploy(world.order(1));
    CHECK(world.installed() == 1);
    CHECK(world.live() == VersionNumber{1});
    CHECK_FALSE(outcome.complete);
    CHECK(outcome.targets.at(0).state == HostState::failed);
    CHECK_FALSE(world.has_journal());
    CHECK_FALSE(world.event(EventType::deploy_rollback_failed));
}

TEST_CASE("when only some of the paths existed they are restored and the others removed") {
    World world;
    world.install_old();
    world.host.files.erase(key_path);
    world.service.config_broken = true;
    world.deploy(world.order(2));
    CHECK(world.host.content(certificate_path) == world.material(1).files.fullchain);
    CHECK_FALSE(world.host.files.contains(key_path));
}

TEST_CASE("an expired certificate is not put back in place of a valid one, and that is an alarm") {
    World world(days(59));
    world.install_old();
    world.service.keeps_old = true;
    const auto outcome = world.deploy(world.order(2));
    CHECK(world.installed() == 2);
    CHECK(world.live() == VersionNumber{2});
    CHECK(outcome.targets.at(0).state == HostState::failed);
    CHECK(outcome.problem->code == "tls.notServed");
    const auto* alarm = world.event(EventType::deploy_rollback_failed);
    REQUIRE(alarm);
    CHECK(alarm->severity == Severity::critical);
    CHECK(alarm->problem->code == "deploy.restoreRefused");
    CHECK_FALSE(world.has_journal());
}

TEST_CASE("an expired version never replaces a valid one, not even on purpose") {
    World world(days(59));
    REQUIRE(world.deploy(world.order(2)).complete);
    auto order = world.order(1);
    order.manual_rollback = true;
    const auto outcome = world.deploy(order);
    CHECK(outcome.problem->code == "deploy.expired");
    CHECK(world.live() == VersionNumber{2});
    CHECK(world.installed() == 2);
    CHECK(outcome.targets.at(0).state == HostState::failed);
}

TEST_CASE("one target that fails keeps neither the other nor live from the new version") {
    World world;
    world.install_old();
    world.host.put(other_certificate_path, world.material(1).files.fullchain);
    world.host.put(other_key_path, world.material(1).files.privkey);
    auto mail = world.target("mail", other_certificate_path, other_key_path);
    mail.test = {{"mail", "test"}};
    mail.reload = {};
    mail.verify = {};
    world.configure({world.target("web", certificate_path, key_path), mail});
    const auto service = world.host.on_run;
    world.host.on_run = [&](const Command& command) -> Result<ProcessResult> {
        return command.argv.front() == "mail" ? exited(2, "mail is broken") : service(command);
    };
    SECTION("the second") {
        const auto outcome = world.deploy(world.order(2, {"web", "mail"}));
        CHECK(outcome.targets.at(0).state == HostState::deployed);
        CHECK(outcome.targets.at(1).state == HostState::failed);
        CHECK_FALSE(outcome.complete);
        CHECK(outcome.problem->remote == "mail is broken");
    }
    SECTION("the first") {
        const auto outcome = world.deploy(world.order(2, {"mail", "web"}));
        CHECK(outcome.targets.at(0).state == HostState::failed);
        CHECK(outcome.targets.at(1).state == HostState::deployed);
    }
    CHECK(world.live() == VersionNumber{2});
    CHECK(world.installed() == 2);
    CHECK(world.installed(other_certificate_path, other_key_path) == 1);
}

TEST_CASE("an order without targets switches live") {
    World world;
    const auto outcome = world.deploy(world.order(2, {}));
    CHECK(outcome.complete);
    CHECK(outcome.targets.empty());
    CHECK(world.live() == VersionNumber{2});
    CHECK(world.host.log.empty());
}

TEST_CASE("a version that is not there or a target that is not configured is refused before anything changes") {
    World world;
    world.install_old();
    CHECK(world.deploy(world.order(9)).problem->code == "storage.missing");
    const auto outcome = world.deploy(world.order(2, {"nowhere"}));
    CHECK(outcome.problem->what == "There is no target nowhere");
    CHECK(outcome.targets.at(0).state == HostState::failed);
    CHECK(outcome.live == VersionNumber{1});
    CHECK(world.host.log.empty());
}

TEST_CASE("an owner that does not exist fails the deployment before anything changes") {
    World world;
    world.install_old();
    auto target = world.target("web", certificate_path, key_path);
    target.install[1].group = "certd-no-such-group";
    world.configure({target});
    const auto outcome = world.deploy(world.order(2));
    CHECK(outcome.problem->what == "There is no group certd-no-such-group");
    CHECK(world.host.steps().empty());
    CHECK(world.live() == VersionNumber{1});
}

TEST_CASE("a systemd unit is reloaded and then asked whether it is active") {
    World world;
    world.install_old();
    auto target = world.target("web", certificate_path, key_path);
    target.reload = {"web.service", {}};
    target.verify = {};
    world.configure({target});
    CHECK(world.deploy(world.order(2)).complete);
    CHECK(world.host.steps().ends_with("run systemctl reload web.service; run systemctl is-active web.service"));
    world.host.on_run = [](const Command& command) {
        return failing_command("systemctl is-active web.service", command, 3, "failed\n");
    };
    auto order = world.order(1);
    order.manual_rollback = true;
    const auto outcome = world.deploy(order);
    CHECK(outcome.problem->what == "The reload command of web (systemctl is-active web.service) exited with status 3");
    CHECK(outcome.problem->remote == "failed");
}

TEST_CASE("exec commands learn what was deployed, and on the way back what was restored") {
    World world;
    world.install_old();
    world.service.config_broken = true;
    world.deploy(world.order(2));
    std::vector<Command> hooks;
    for (const auto& command : world.host.commands) {
        if (command.argv.front() == "convert") hooks.push_back(command);
    }
    REQUIRE(hooks.size() == 2);
    const auto& facts = world.material(2).facts;
    const std::string live = "/var/lib/certd/live/example.com";
    CHECK(hooks[0].environment ==
          std::vector<std::string>{"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "LANG=C.UTF-8",
                                   "RENEWED_LINEAGE=" + live, "RENEWED_DOMAINS=*.example.com example.com",
                                   "CERTD_EVENT=deploy", "CERTD_LINEAGE=example.com", "CERTD_VERSION=2",
                                   "CERTD_SERIAL=" + facts.serial, "CERTD_FINGERPRINT_SHA256=" + facts.fingerprint,
                                   "CERTD_NOT_BEFORE=2026-11-22T23:00:00Z", "CERTD_NOT_AFTER=2027-02-21T00:00:00Z",
                                   "CERTD_CA=test", "CERTD_TARGET=web", "CERTD_HOST=local", "CERTD_JOB=7"});
    const auto input = parse_json(hooks[0].input).value();
    CHECK(input.string_or("event") == "deploy");
    CHECK(input.string_or("path") == live);
    CHECK(input.strings("names") == std::vector<std::string>{"*.example.com", "example.com"});
    CHECK(input.int_or("version") == 2);
    CHECK(parse_json(hooks[1].input)->string_or("event") == "restore");
    CHECK(parse_json(hooks[1].input)->int_or("version") == 1);
}

TEST_CASE("hooks run with the environment of their moment, and the first failure ends them") {
    World world;
    world.install_old();
    world.host.on_run = [](const Command& command) { return failing_command("two", command, 4, "no such thing\n"); };
    const std::vector<config::Hook> hooks{{{{"one"}}, minutes(1), ""},
                                          {{{"two"}}, minutes(1), "deploy", config::HookInput::facts, "/srv"},
                                          {{{"three"}}, minutes(1), ""}};
    const Deployer::HookContext context{world.name, {{Identifier::Type::dns, "example.com"}}, {}, 3};
    const auto result = test::run(world.io, world.clock, world.deployer.run_hooks(hooks, "post-issue", context));
    REQUIRE_FALSE(result);
    CHECK(result.error().code == "hook.failed");
    CHECK(result.error().what == "The post-issue hook (two) exited with status 4");
    CHECK(result.error().remote == "no such thing");
    CHECK(world.host.steps() == "run one; run two");
    CHECK(world.host.commands[0].directory == "/");
    CHECK(world.host.commands[1].user == "deploy");
    CHECK(world.host.commands[1].directory == "/srv");
    CHECK(world.event(EventType::hook_finished)->problem == result.error());
}

TEST_CASE("a rehearsal changes nothing and names all that is wrong") {
    World world;
    world.install_old();
    TempDirectory places;
    auto target = world.target("web", (places.path() / "cert.pem").string(), (places.path() / "key.pem").string());
    target.exec = {};
    target.test = {{"/bin/true"}};
    target.reload = {"", {{"/bin/true"}}};
    world.host.put(target.install[0].path, world.material(1).files.fullchain);
    world.host.put(target.install[1].path, world.material(1).files.privkey);
    const auto rehearse = [&] {
        world.configure({target});
        return test::run(world.io, world.clock,
                         world.deployer.rehearse(world.order(2), world.material(2).files, world.material(2).facts));
    };
    auto good = rehearse();
    REQUIRE(good);
    REQUIRE(good->size() == 1);
    CHECK(describe(good->front()) == "web: install, test (not rehearsed: reload, verify)");
    CHECK(world.host.steps() == "rehearse /bin/true");
    REQUIRE(world.host.views.size() == 1);
    CHECK(world.host.views[0].files.at(1).content == world.material(2).files.privkey);
    CHECK(world.host.views[0].version.front().path == "example.com/privkey.pem");
    CHECK(world.live() == VersionNumber{1});

    target.rehearse = {{"/bin/false"}};
    world.host.on_run = [](const Command&) { return exited(1, "broken"); };
    auto refused = rehearse();
    REQUIRE_FALSE(refused);
    CHECK(refused.error().code == "deploy.test");
    CHECK(refused.error().what ==
          "The test command of web, rehearsed with the new files, (/bin/false) exited with status 1");
    CHECK(refused.error().remote == "broken");

    target.install[0].path = "/nonexistent/cert.pem";
    target.reload = {"", {{"certd-no-such-program"}}};
    world.host.on_probe = nullptr;
    const auto result = rehearse();
    REQUIRE_FALSE(result);
    CHECK(result.error().what == "Cannot install /nonexistent/cert.pem: there is no directory /nonexistent");
    REQUIRE(result.error().parts.size() == 2);
    CHECK(result.error().parts[0].code == "deploy.reload");
    CHECK(result.error().parts[1].code == "tls.notServed");
}
