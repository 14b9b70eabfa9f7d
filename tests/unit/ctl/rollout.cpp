// What certctl shows of rollouts: words and layout, what is chosen when there is no room, frames, exit codes.
#include "ctl/render.hpp"
#include "ctl/rollout_watch.hpp"

#include "libacme/base/text.hpp"
#include "tests/support/catch.hpp"
#include "tests/unit/ctl/samples.hpp"

#include <algorithm>

#include <fmt/format.h>

using namespace certd;
using namespace certd::ctl;
using namespace certd::test;

namespace {

const std::string four(64, '4'), five(64, '5');

// web1 serves version 5, web2 is at work, web3 has failed, the others wait.
api::Lineage fleet(std::size_t count = 5) {
    api::Lineage lineage = ok_lineage("shop");
    lineage.state = "deploying";
    lineage.targets.clear();
    api::Rollout rollout;
    rollout.target = "fleet";
    rollout.version = 5;
    rollout.phase = "batch";
    rollout.running = true;
    rollout.batch = 2;
    rollout.batches = 3;
    rollout.started = sample_now() - seconds(12);
    for (std::size_t number = 1; number <= count; ++number) {
        api::Target target;
        target.target = "fleet";
        target.host = fmt::format("web{}.internal", number);
        target.state = "deployed";
        target.version = number == 1 ? 5 : 4;
        target.served_fingerprint = number == 1 ? five : four;
        target.verified_at = number == 1 ? sample_now() - seconds(9) : sample_now() - days(3);
        if (number == 2) target.step = "reload";
        if (number == 3) {
            target.state = "failed";
            target.problem = nginx_problem();
        }
        rollout.hosts.push_back(target.host);
        lineage.targets.push_back(std::move(target));
    }
    rollout.total = static_cast<std::uint32_t>(count);
    rollout.serving = rollout.failed = 1;
    rollout.pending = rollout.total - 2;
    rollout.failed_hosts = {"web3.internal"};
    rollout.served = {{5, five, {"web1.internal"}}, {4, four, {"web2.internal", "web3.internal"}}};
    lineage.rollouts = {std::move(rollout)};
    return lineage;
}

std::string shown(const Style& style, const api::Lineage& lineage, std::size_t rows = 0) {
    return render_rollout(style, lineage, lineage.rollouts.front(), sample_now(), rows);
}
std::string phase(const api::Lineage& lineage) {
    return rollout_phase(plain(0), lineage, lineage.rollouts.front(), sample_now());
}
std::size_t widest(const std::string& text) {
    std::size_t width = 0;
    for (std::string_view line : split(text, '\n'))
        width = std::max(width, display_width(line));
    return width;
}

}  // namespace

TEST_CASE("a running rollout at 80 columns") {
    CHECK(shown(plain(80), fleet()) ==
          "shop: version 5 to fleet: batch 2 of 3, begun 12s ago\n"
          "  █████████████░░░░░░░░░░░░░░░░░░░░  1 of 5 serve version 5; 1 failed; 3 to come\n"
          "  HOST           NOW          VERSION  SERVES    VERIFIED   PROBLEM\n"
          "  web1.internal  ✓ serves it  5        55555555  9.0s ago\n"
          "  web2.internal  reloading    4        44444444  3d 0h ago\n"
          "  web3.internal  ✗ failed     4        44444444  3d 0h ago  The test command o…\n"
          "  web4.internal  waiting      4        44444444  3d 0h ago\n"
          "  web5.internal  waiting      4        44444444  3d 0h ago\n");
}

TEST_CASE("a running rollout at 120 columns") {
    CHECK(shown(plain(120), fleet()) ==
          "shop: version 5 to fleet: batch 2 of 3, begun 12s ago\n"
          "  ████████████████░░░░░░░░░░░░░░░░░░░░░░░░  1 of 5 serve version 5; 1 failed; 3 to come\n"
          "  HOST           NOW          VERSION  SERVES    VERIFIED   PROBLEM\n"
          "  web1.internal  ✓ serves it  5        55555555  9.0s ago\n"
          "  web2.internal  reloading    4        44444444  3d 0h ago\n"
          "  web3.internal  ✗ failed     4        44444444  3d 0h ago  The test command of target web failed: nginx -t "
          "exited wit…\n"
          "  web4.internal  waiting      4        44444444  3d 0h ago\n"
          "  web5.internal  waiting      4        44444444  3d 0h ago\n");
}

TEST_CASE("without a terminal there is no bar, and nothing is cut") {
    const std::string text = shown(plain(0), fleet());
    CHECK(text.find("\n  1 of 5 serve version 5; 1 failed; 3 to come\n") != std::string::npos);
    CHECK(text.find("nginx: [emerg] unexpected \"}\" in /etc/nginx/nginx.conf:12\n") != std::string::npos);
}

TEST_CASE("a terminal without Unicode gets a bar of signs") {
    CHECK(shown(plain(80, false), fleet()).find("  ######!!!!!!") != std::string::npos);
}

TEST_CASE("each phase has its words") {
    api::Lineage lineage = fleet();
    api::Rollout& rollout = lineage.rollouts.front();
    CHECK(phase(lineage) == "batch 2 of 3");
    rollout.phase = "pausing";
    rollout.paused_until = sample_now() + minutes(9);
    CHECK(phase(lineage) == "pausing until 2026-11-23 10:13:00Z (in 9m 0s), then batch 2 of 3");
    rollout.phase = "canary";
    CHECK(phase(lineage) == "canary");
    rollout.phase = "complete";
    CHECK(phase(lineage) == "complete");
    for (const auto& [name, words] : std::vector<std::pair<std::string, std::string>>{{"stopped", "stopped"},
                                                                                      {"rolled-back", "rolled back"},
                                                                                      {"going-back", "rolling back"},
                                                                                      {"incomplete", "incomplete"}}) {
        rollout.phase = name;
        CHECK(phase(lineage) == words +
                                    " after web3.internal: The test command of target web failed: nginx -t exited with "
                                    "1: nginx: [emerg] unexpected \"}\" in /etc/nginx/nginx.conf:12");
    }
}

TEST_CASE("a frame has no more rows than there is room for, and no line is too wide") {
    for (const std::size_t rows : {1, 3, 8, 30}) {
        for (const std::size_t width : {40, 79, 119}) {
            const std::string text = shown(plain(width), fleet(200), rows);
            CHECK(std::ranges::count(text, '\n') == static_cast<std::ptrdiff_t>(rows) + 4);
            CHECK(widest(text) <= width);
        }
    }
}

TEST_CASE("without room for all, who is at work and who failed comes first, in the order of the rollout") {
    const std::string text = shown(plain(0), fleet(200), 4);
    const std::size_t well = text.find("web1.internal"), working = text.find("web2.internal"),
                      failed = text.find("web3.internal"), next = text.find("web4.internal");
    CHECK(well < working);
    CHECK(working < failed);
    CHECK(failed < next);
    CHECK(text.find("and 196 more hosts\n") != std::string::npos);
    CHECK(shown(plain(0), fleet(200), 2).find("web1.internal") == std::string::npos);
}

TEST_CASE("what hosts say cannot act on the terminal") {
    api::Lineage lineage = fleet();
    lineage.targets[2].problem->remote = "evil\x1b]0;owned\x07\x1b[2J\r\nOK";
    lineage.targets[1].step = "x\x1b[2J";
    lineage.rollouts.front().phase = "y\x1b[2J";
    const std::string text = shown(plain(120), lineage) + render_rollout_end(plain(120), lineage, lineage.rollouts[0]);
    for (std::string_view line : split(text, '\n'))
        CHECK(escape_untrusted(line, 1 << 20) == line);
}

TEST_CASE("at the end each failure is told in full, and who serves what") {
    const api::Lineage lineage = fleet();
    CHECK(render_rollout_end(plain(80), lineage, lineage.rollouts.front()) ==
          "  web3.internal: The test command of target web failed: nginx -t exited with 1:\n"
          "                 nginx: [emerg] unexpected \"}\" in /etc/nginx/nginx.conf:12\n"
          "  As last seen:\n"
          "    version 5 (55555555) on web1.internal\n"
          "    version 4 (44444444) on web2.internal, web3.internal\n");
}

TEST_CASE("a change is one line, and what a command said is none") {
    api::Event event;
    event.type = "deploy.verified";
    event.target = "fleet";
    event.at = sample_now();
    event.message = "fleet on web1 serves version 5";
    CHECK(render_rollout_event(plain(0), event) == "2026-11-23 10:04:00Z fleet on web1 serves version 5\n");
    event.data = Json::object({{"command", "nginx -t"}});
    CHECK(render_rollout_event(plain(0), event).empty());
    event.data = Json();
    event.type = "renewal.issued";
    CHECK(render_rollout_event(plain(0), event).empty());
}

TEST_CASE("status counts the hosts of a large target and shows those that differ") {
    api::Lineage lineage = fleet(200);
    api::Rollout& rollout = lineage.rollouts.front();
    rollout.running = false;
    for (std::size_t i = 3; i < 200; ++i) {
        lineage.targets[i].version = 5;
        lineage.targets[i].served_fingerprint = five;
    }
    rollout.serving = 198;
    rollout.pending = 1;
    const std::string text = render_lineage(plain(80), lineage, sample_now());
    CHECK(text.find("  fleet: 198 of 200 serve version 5; 1 failed; 1 pending\n"
                    "  TARGET  HOST           STATE     VERSION  SERVES    VERIFIED\n"
                    "  fleet   web2.internal  deployed  4        44444444  3d 0h ago\n"
                    "  fleet   web3.internal  failed    4        44444444  3d 0h ago\n"
                    "  198 more hosts are not shown: certctl status shop --all-hosts\n") != std::string::npos);
    const std::string all = render_lineage(plain(80), lineage, sample_now(), true);
    CHECK(all.find("web200.internal") != std::string::npos);
    CHECK(all.find("not shown") == std::string::npos);
}

TEST_CASE("status shows all of few hosts, and of many that differ the first twenty") {
    CHECK(render_lineage(plain(80), fleet(10), sample_now()).find("web10.internal") != std::string::npos);
    const std::string many = render_lineage(plain(80), fleet(200), sample_now());
    CHECK(many.find("web21.internal") != std::string::npos);
    CHECK(many.find("web22.internal") == std::string::npos);
}

TEST_CASE("a frame is drawn over the one before, and only when something has changed") {
    InPlace screen;
    Style style = plain(80);
    style.height = 24;
    CHECK(screen.draw("a\nb\n", style) == "a\x1b[K\nb\x1b[K\n\x1b[J");
    CHECK(screen.draw("a\nb\n", style).empty());
    CHECK(screen.draw("a\nc\nd\n", style) == "\x1b[2A\ra\x1b[K\nc\x1b[K\nd\x1b[K\n\x1b[J");
    style.width = 60;
    CHECK(screen.draw("a\n", style) == "\x1b[H\x1b[Ja\x1b[K\n\x1b[J");
}

TEST_CASE("the exit code says whether a rollout was stopped, or hosts remain that failed") {
    api::Rollout rollout;
    rollout.phase = "complete";
    CHECK(rollout_exit_code({}) == ExitCode::ok);
    CHECK(rollout_exit_code({rollout}) == ExitCode::ok);
    rollout.phase = "incomplete";
    rollout.failed = 1;
    CHECK(rollout_exit_code({rollout}) == ExitCode::unhealthy);
    for (const char* broken : {"stopped", "rolled-back", "going-back"}) {
        rollout.phase = broken;
        CHECK(rollout_exit_code({api::Rollout{}, rollout}) == ExitCode::failed);
    }
}
