// A certificate is there and does not come into service: what an operator reads of it.
#include "tests/flow/explain.hpp"
#include "tests/support/catch.hpp"

using namespace certd;
using namespace certd::test;

namespace {

// The first version is in service, then the second is deployed to what `breaks` has broken.
std::function<void(World&)> deployed(const std::function<void(World&)>& breaks,
                                     const std::string& config = usual_config()) {
    return [=](World& world) {
        world.start(config);
        world.run_for(days(1));
        breaks(world);
        (void)world.renew({true, false});
    };
}

std::function<void(World&)> commands_end(const std::string& command, const Result<ProcessResult>& ended) {
    return [=](World& world) {
        world.host.on_run = [=, usual = world.host.on_run](const Command& asked) {
            return asked.argv.back() == command ? ended : usual(asked);
        };
    };
}

ProcessResult timed_out() {
    ProcessResult ended = exited(-1);
    ended.signal = 15;
    ended.timed_out = true;
    return ended;
}

std::string hooked() {
    return with(usual_config(), "    reload:", "    exec: [{ command: [push, it] }]\n    reload:");
}

void fail_installing(World& world, const std::string& code) {
    constexpr std::size_t reads = 2;  // of what is in place, before the first is written
    world.host.plan({.fail_at = reads, .code = code, .lasting = true});
}

}  // namespace

TEST_CASE("a service that does not take the new certificate is explained by the step that failed") {
    check_explanations({
        {"failed test",
         deployed([](World& world) { world.service.config_broken = true; }),
         {"version 1 stays in service", "unknown directive", "nothing was reloaded", "`certctl deploy example.com`",
          "Because: the last deployment failed."}},
        {"failed reload",
         deployed(commands_end("reload", exited(1, "Job for nginx.service failed"))),
         {"Job for nginx.service failed", "its log say (journalctl -u UNIT)", "deployment of version 2 failed"}},
        {"hook failed",
         deployed(commands_end("it", exited(3, "no route to the balancer")), hooked()),
         {"(push it) exited with status 3", "no route to the balancer", "Mend what its output says"}},
        {"hook timed out",
         deployed(commands_end("it", timed_out()), hooked()),
         {"did not end in its time and was killed", "see what it waits for", "raise its `timeout`"}},
        {"hook missing",
         deployed(commands_end("it", failure("process.notFound", "Cannot run push")), hooked()),
         {"could not be run: Cannot run push", "Install the program, or correct its path"}},
    });
}

TEST_CASE("a certificate that is not seen served is explained by what was seen") {
    check_explanations({
        {"old certificate",
         deployed([](World& world) { world.service.keeps_old = true; }),
         {"was installed but not seen served, so version 1 was put back",
          "goes on serving another certificate than the one installed", "nginx -T | grep ssl_certificate"}},
        {"nothing answers",
         deployed([](World& world) {
             world.host.on_probe = [](const ProbeRequest&) -> Result<Served> {
                 return failure("net.connect", "Cannot connect to 127.0.0.1:443", "Connection refused");
             };
         }),
         {"Nothing answers where the target's `verify` looks", "ss -ltnp"}},
    });
}

TEST_CASE("files that cannot be installed are explained by why the system refused") {
    check_explanations({
        {"permission",
         deployed([](World& world) { fail_installing(world, "storage.permission"); }),
         {"Cannot install the files of web", "The permissions do not allow it", "namei -l PATH", "`ReadWritePaths=`"}},
        {"no room on the target's disk",
         deployed([](World& world) { fail_installing(world, "storage.full"); }),
         {"Cannot install the files of web", "The file system or quota is full", "df -h, df -i"}},
    });
}
