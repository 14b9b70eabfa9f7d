// `certctl rollout` over real machines: followed on a terminal and through a pipe, and what is said of one that was
// stopped; a machine that hangs (faults F54, F55).
#include "tests/e2e/world.hpp"
#include "tests/support/fleet.hpp"
#include "tests/support/pty.hpp"

#include <fmt/format.h>

#include <chrono>
#include <filesystem>

using namespace certd::test;

namespace {

namespace fs = std::filesystem;

Sample sample(const Fleet& fleet) {
    return {.targets = "[fleet]", .more_targets = fleet.target()};
}

// Issues and deploys the first version to the whole fleet.
void begin(World& world, const Fleet& fleet) {
    world.start(sample(fleet));
    const Output issued = world.certd.ctl({"renew", "shop"});
    INFO(issued.both());
    REQUIRE(issued.exit_code == 0);
}

void renew_aside(const World& world) {
    REQUIRE(world.certd.ctl({"renew", "shop", "--force", "--no-wait"}).exit_code == 0);
}

bool contains(const std::string& text, const std::string& part) {
    return text.find(part) != std::string::npos;
}

}  // namespace

TEST_CASE("a rollout is followed on a terminal, drawn in place, and through a pipe a line for each change") {
    World world;
    Fleet fleet(world.directory(), 4, "{ canary: 1, batch: 2, pause_between: 4s, order: reversed }");
    begin(world, fleet);
    renew_aside(world);
    Pty terminal({certctl_program(), "--socket", world.certd.socket(), "rollout", "shop", "--watch"}, 24, 80);
    const fs::path pipe = world.directory() / "piped";
    Child piped({certctl_program(), "--socket", world.certd.socket(), "rollout", "shop", "--watch"},
                ChildOptions{{}, pipe, {}, {}, {}});
    REQUIRE(terminal.shows("pausing until", 30s));
    const certd::Json half = world.certd.json({"rollout", "shop"});
    const certd::Json& rollout = half["rollouts"].if_array()->front();
    REQUIRE(rollout.string_or("phase") == "pausing");
    REQUIRE(rollout.int_or("serving") >= 1);
    REQUIRE_FALSE(rollout.string_or("paused_until").empty());
    REQUIRE(rollout.strings("hosts").front() == fleet[4].sshd.host());
    REQUIRE(half["targets"].if_array()->size() == 4);

    REQUIRE(terminal.wait(60s) == 0);
    const std::string last = terminal.text();
    INFO(last);
    REQUIRE(contains(last, "shop: version 2 to fleet: complete\n"));
    REQUIRE(contains(last, "4 of 4 serve version 2\n"));
    for (std::size_t number = 1; number <= 4; ++number)
        REQUIRE(contains(last, fleet[number].sshd.host()));
    REQUIRE_FALSE(contains(terminal.written(), "\x1b[2J"));  // nothing is cleared in between
    REQUIRE_FALSE(contains(terminal.written(), "\x1b[H"));
    REQUIRE(contains(terminal.written(), "\x1b[7A"));  // the frame over the frame before

    const auto ended = piped.wait(10s);
    const std::string lines = read_file(pipe);
    INFO(lines);
    REQUIRE(ended);
    REQUIRE(ended->exit_code == 0);
    REQUIRE_FALSE(contains(lines, "\x1b"));
    REQUIRE(contains(lines, "fleet comes to batch 1 of 2: "));
    REQUIRE(contains(lines, fmt::format("Deployed version 2 to fleet on {}", fleet[1].sshd.host())));
    REQUIRE(contains(lines, "complete: 4 of 4 serve version 2\n"));
    // Once it is over there is nothing to wait for.
    REQUIRE(world.certd.ctl({"rollout", "shop", "--watch"}).exit_code == 0);
}

TEST_CASE("a rollout that was stopped says after which host, and which host serves what") {
    World world;
    Fleet fleet(world.directory(), 12, "{ canary: 2, batch: 10 }");
    begin(world, fleet);
    fleet[2].nginx.break_configuration();
    const Output stopped = world.certd.ctl({"renew", "shop", "--force"});
    INFO(stopped.both());
    REQUIRE(stopped.exit_code == 1);
    const std::string first = fleet[2].served().substr(0, 8), second = fleet[1].served().substr(0, 8);
    REQUIRE(first != second);
    const auto flat = [](std::string text) {  // as if it had not been wrapped
        std::string one;
        for (const char letter : text) {
            if (letter == '\n' || letter == ' ') {
                if (!one.empty() && one.back() != ' ') one += ' ';
            } else {
                one += letter;
            }
        }
        return one;
    };
    const std::string served = fmt::format("version 2 ({}) on {}; version 1 ({}) on {}, {}", second,
                                           fleet[1].sshd.host(), first, fleet[2].sshd.host(), fleet[3].sshd.host());
    REQUIRE(contains(flat(stopped.err), "As last seen: " + served));
    const Output explained = world.certd.ctl({"explain", "shop"});
    INFO(explained.both());
    REQUIRE(contains(flat(explained.out), "The hosts of fleet as last seen: " + served));

    const Output shown = world.certd.ctl({"rollout", "shop", "--target", "fleet"});
    INFO(shown.both());
    REQUIRE(shown.exit_code == 1);
    REQUIRE(contains(shown.out, "shop: version 2 to fleet: stopped after " + fleet[2].sshd.host() + ": "));
    REQUIRE(contains(shown.out, "1 of 12 serve version 2; 1 failed; 10 pending\n"));
    const Output status = world.certd.ctl({"status", "shop"});
    INFO(status.both());
    REQUIRE(contains(status.out, "  fleet: 1 of 12 serve version 2; 1 failed; 10 pending\n"));
    REQUIRE(contains(status.out, "1 more hosts are not shown: certctl status shop --all-hosts"));
    REQUIRE_FALSE(contains(status.out, fleet[1].sshd.host() + " "));
    REQUIRE(contains(world.certd.ctl({"status", "shop", "--all-hosts"}).out, fleet[1].sshd.host() + " "));
    REQUIRE(world.certd.ctl({"rollout", "shop", "--target", "none"}).exit_code == 1);
}

TEST_CASE("a host that takes the request and does not answer is given up after its time, and no later") {
    World world;
    Fleet fleet(world.directory(), 1, "{}", "connect_timeout: 2s, request_timeout: 3s");
    const fs::path hang = world.directory() / "hang", shim = world.directory() / "shim";
    write_script(shim,
                 fmt::format("[ ! -e {} ] || exec sleep 60\nexec /bin/sh {}", hang.string(), fleet[1].certd_host()));
    fleet[1].run_by(shim.string());
    begin(world, fleet);
    write_file(hang, "");
    const auto began = std::chrono::steady_clock::now();
    const Output hung = world.certd.ctl({"renew", "shop", "--force"});
    const auto took = std::chrono::steady_clock::now() - began;
    INFO(hung.both() << std::chrono::duration<double>(took).count());
    REQUIRE(hung.exit_code == 1);
    REQUIRE(contains(hung.err, "did not answer within 5s"));
    REQUIRE(world.certd.lineage("shop")["last_problem"].string_or("code") == "deploy.install");
    REQUIRE(took >= 5s);
    REQUIRE(took < 15s);
    REQUIRE(fleet[1].has_pair());
}

TEST_CASE("a machine that has stopped amid a kept connection is given up after its time as well") {
    World world;
    Fleet fleet(world.directory(), 1, "{}", "connect_timeout: 2s, request_timeout: 3s");
    begin(world, fleet);
    fleet[1].sshd.freeze_all();
    const auto began = std::chrono::steady_clock::now();
    const Output hung = world.certd.ctl({"renew", "shop", "--force"});
    const auto took = std::chrono::steady_clock::now() - began;
    fleet[1].sshd.thaw_all();
    INFO(hung.both() << std::chrono::duration<double>(took).count());
    REQUIRE(hung.exit_code == 1);
    REQUIRE(took < 15s);
    REQUIRE(eventually(20s, [&] { return world.certd.ctl({"deploy", "shop"}).exit_code == 0; }));
}

TEST_CASE("status --watch takes the whole screen, follows a renewal, and gives the screen back") {
    World world;
    world.issue_first();
    Pty terminal({"/bin/sh", "-c", "echo before; \"$0\" --socket \"$1\" status --watch; echo ended with $?",
                  certctl_program(), world.certd.socket()},
                 12, 70);
    REQUIRE(terminal.shows("1 lineage: 1 ok", 10s));
    std::vector<std::string> screen = terminal.screen();
    REQUIRE(screen.size() == 12);
    REQUIRE(screen[0].starts_with("certd "));
    REQUIRE(screen[4].starts_with("shop"));
    REQUIRE(screen[11] == "q quit");

    terminal.resize(9, 40);
    REQUIRE(eventually(10s, [&] { return terminal.shows("q quit", 1s) && terminal.screen().size() == 9; }));

    renew_aside(world);
    REQUIRE(eventually(30s, [&] { return world.certd.version("shop") == 2; }));
    REQUIRE(terminal.shows("waiting", 10s));

    world.certd.terminate();
    REQUIRE(terminal.shows("certd does not answer since", 10s));
    REQUIRE(terminal.shows("shop", 1s));  // what was seen last
    world.certd.start();
    REQUIRE(eventually(20s, [&] {
        terminal.shows("q quit", 1s);
        return !contains(terminal.text(), "does not answer");
    }));
    terminal.type("q");
    REQUIRE(terminal.wait(10s) == 0);
    INFO(terminal.text());
    REQUIRE(terminal.text() == "before\nended with 0\n\n");
    REQUIRE(contains(terminal.written(), "\x1b[?25h"));
}

TEST_CASE("status --watch that is interrupted or terminated gives the screen back as well") {
    World world;
    world.issue_first();
    for (const std::string ended_by : {"\x03", "kill"}) {
        Pty terminal({"/bin/sh", "-c", "trap : INT TERM; \"$0\" --socket \"$1\" status --watch; echo ended with $?",
                      certctl_program(), world.certd.socket()},
                     12, 70);
        REQUIRE(terminal.shows("q quit", 10s));
        if (ended_by == "kill") {
            REQUIRE(
                run({"/usr/bin/pkill", "-TERM", "-f", world.certd.socket().string() + " status --watch"}).exit_code ==
                0);
        } else {
            terminal.type(ended_by);
        }
        REQUIRE(terminal.wait(10s) == 0);
        INFO(terminal.text());
        REQUIRE(terminal.text() == "ended with 0\n\n");
    }
}

TEST_CASE("status --watch that is stopped gives the screen back until it goes on") {
    World world;
    world.issue_first();
    Pty terminal({certctl_program(), "--socket", world.certd.socket(), "status", "--watch"}, 12, 70);
    REQUIRE(terminal.shows("q quit", 10s));
    terminal.type("\x1a");
    REQUIRE(eventually(10s, [&] { return !terminal.shows("q quit", 100ms); }));
    REQUIRE(run({"/usr/bin/pkill", "-CONT", "-f", world.certd.socket().string() + " status --watch"}).exit_code == 0);
    REQUIRE(terminal.shows("q quit", 10s));
    terminal.type("q");
    REQUIRE(terminal.wait(10s) == 0);
    REQUIRE(terminal.text() == "\n");
}
