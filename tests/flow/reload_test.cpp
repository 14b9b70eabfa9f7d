// Many lineages on one service, due at the same time: one reload serves them.
#include "tests/flow/world.hpp"

#include "tests/support/catch.hpp"

#include <fmt/format.h>

using namespace certd;
using namespace certd::test;

namespace {

constexpr int lineages = 10;
const std::string reload_line = "run service reload";

std::string one_service() {
    std::string config = R"(
state_dir: /state
http_challenge: { listen: "127.0.0.1:5002" }
cas: { main: { directory: "https://ca.test/dir", agree_tos: true } }
defaults: { cas: [main], challenge: { http-01: {} } }
)";
    std::string targets = "targets:\n";
    std::string names = "lineages:\n";
    for (int i = 0; i < lineages; ++i) {
        targets += fmt::format(
            "  t{0}: {{ install: [{{ part: combined, path: /etc/ssl/web/{0}.pem }}], test: [service, check],\n"
            "         reload: {{ command: [service, reload] }} }}\n",
            i);
        names += fmt::format("  l{0}.example.com: {{ targets: [t{0}] }}\n", i);
    }
    return config + targets + names;
}

// The service knows nothing of these files.
void accept_everything(World& world) {
    world.host.on_run = [](const Command&) -> Result<ProcessResult> { return exited(0); };
}

}  // namespace

TEST_CASE("ten lineages that are due together cost their service one reload") {
    World world;
    accept_everything(world);
    world.start(one_service());
    world.run_for(hours(1));
    CHECK(world.count(EventType::deploy_committed) == lineages);
    CHECK(world.host.count("run service check") == lineages);
    CHECK(world.host.count(reload_line) == 1);
}

TEST_CASE("a lineage whose configuration test fails keeps the nine others from nothing") {
    World world;
    int tests = 0;
    world.host.on_run = [&tests](const Command& command) -> Result<ProcessResult> {
        if (command.argv.back() == "check" && ++tests == 4) return exited(1, "nginx: [emerg] no");
        return exited(0);
    };
    world.start(one_service());
    world.run_for(seconds(50));
    CHECK(world.count(EventType::deploy_committed) == lineages - 1);
    CHECK(world.count(EventType::deploy_failed) == 1);
    CHECK(world.host.count(reload_line) == 1);
    world.run_for(minutes(10));
    CHECK(world.count(EventType::deploy_committed) == lineages);
    CHECK(world.host.count(reload_line) == 2);
}

TEST_CASE("a reload that fails sends all back, and all come again") {
    World world;
    int reloads = 0;
    accept_everything(world);
    world.start(one_service());
    world.run_for(days(1));
    const auto before = world.host.files;
    world.host.on_run = [&reloads](const Command& command) -> Result<ProcessResult> {
        const bool fails = command.argv.back() == "reload" && ++reloads == 1;
        return fails ? exited(1, "nginx: [emerg] no") : exited(0);
    };
    world.run_for(days(61));  // each at its own jittered moment
    CHECK(world.count(EventType::deploy_committed) == 2 * lineages);
    for (const auto& [path, file] : before)
        CHECK(world.host.content(path) != file.content);
}
