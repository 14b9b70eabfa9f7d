// Lives of lineages with certbot's hook directories: pre before the CA validates, deploy when `live` names the version,
// post after pre whatever happens in between, once for all who share the directory.
#include "tests/flow/world.hpp"

#include "libacme/base/text.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/temp_directory.hpp"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <set>

#include <sys/stat.h>

#include <fmt/format.h>

using namespace certd;
using namespace certd::test;

namespace {

using Texts = std::vector<std::string>;

std::string value_of(const Command& command, const std::string& name) {
    for (const std::string& entry : command.environment) {
        if (entry.starts_with(name + "=")) return entry.substr(name.size() + 1);
    }
    return "unset";
}

// A world whose lineages use a tree of hooks. What happens in it is written down in short: "pre/10-stop", "validate",
// "reload".
struct Bed {
    explicit Bed(Texts scripts = {"pre/10-stop", "deploy/10-copy", "post/10-start"}) {
        for (const char* kind : {"pre", "deploy", "post"})
            std::filesystem::create_directory(tree.path() / kind);
        for (const std::string& script : scripts) {
            std::ofstream(tree.path() / script) << "#!/bin/sh\n";
            ::chmod((tree.path() / script).c_str(), 0755);
        }
        world.host.on_run = [this, service = world.host.on_run](const Command& command) {
            const std::string name = join(command.argv, " ");
            const std::string directory = tree.path().string() + "/";
            if (!name.starts_with(directory)) {
                if (name == "service reload") story.push_back("reload");
                return service(command);
            }
            const std::string script = name.substr(directory.size());
            story.push_back(script);
            commands.push_back(command);
            Result<ProcessResult> ended = failing.contains(script) ? exited(3, "it cannot\n") : exited(0, "did it\n");
            ended->took = milliseconds(1500);
            return ended;
        };
        for (FakeCa* ca : {&world.ca, &world.other_ca}) {
            ca->knobs.validate = [this, inner = ca->knobs.validate](const Identifier& name, const std::string& type,
                                                                    const std::string& token,
                                                                    const std::string& answer) {
                if (story.empty() || story.back() != "validate") story.emplace_back("validate");
                return !refuses && inner(name, type, token, answer);
            };
        }
    }
    std::string config(const std::string& lineages = "") const {
        std::string text =
            with(usual_config(), "defaults: { cas: [main], ",
                 fmt::format("defaults: {{ cas: [main], renewal_hooks: {{ directory: {} }}, ", tree.path().string()));
        return text + lineages;
    }
    const Command& last(const std::string& script) const {
        const std::string path = (tree.path() / script).string();
        for (auto command = commands.rbegin(); command != commands.rend(); ++command) {
            if (command->argv.back() == path) return *command;
        }
        throw std::runtime_error(script + " did not run");
    }
    std::ptrdiff_t count(const std::string& script) const { return std::ranges::count(story, script); }
    std::vector<HookRun> history(const std::string& name = "example.com") {
        return value_or_fail(world.engine->store.load_state(name_of(name)))->hooks;
    }
    std::ptrdiff_t runs_of(const std::string& command) { return std::ranges::count(world.host.log, "run " + command); }
    bool owes_post() { return !value_or_fail(world.engine->store.load_hook_rounds()).empty(); }

    TempDirectory tree;
    World world;
    Texts story;
    std::vector<Command> commands;
    std::set<std::string> failing;
    bool refuses = false;  // the CA finds no proof
};

// With commands of the lineage's own before and after each order.
std::string around_issue() {
    return with(usual_config(), "targets: [web] }", "targets: [web], pre_issue: [first], post_issue: [last] }");
}

const std::string second = "  example.net: { names: [example.net], targets: [] }\n";

}  // namespace

TEST_CASE(
    "pre runs before the CA validates, deploy when live names the version, post before other targets are reloaded") {
    Bed bed;
    bed.world.start(bed.config());
    bed.world.run_for(days(1));
    CHECK(bed.story == Texts{"pre/10-stop", "validate", "deploy/10-copy", "post/10-start", "reload"});
    CHECK(bed.world.service.serves() == bed.world.live_fingerprint());
    const Command& pre = bed.last("pre/10-stop");
    CHECK(value_of(pre, "RENEWED_DOMAINS") == "unset");
    CHECK(value_of(pre, "RENEWED_LINEAGE") == "unset");
    CHECK(value_of(pre, "FAILED_DOMAINS") == "unset");
    CHECK(pre.input.empty());
    const Command& deploy = bed.last("deploy/10-copy");
    CHECK(value_of(deploy, "RENEWED_DOMAINS") == "example.com www.example.com");
    CHECK(value_of(deploy, "RENEWED_LINEAGE") == "/state/live/example.com");
    CHECK(value_of(deploy, "FAILED_DOMAINS") == "unset");
    CHECK(value_of(deploy, "CERTD_VERSION") == "1");
    const Command& post = bed.last("post/10-start");
    CHECK(value_of(post, "RENEWED_DOMAINS") == "example.com www.example.com");
    CHECK(value_of(post, "FAILED_DOMAINS").empty());
    CHECK_FALSE(bed.owes_post());
}

TEST_CASE("how each hook ended is in the lineage's history and survives a restart") {
    Bed bed;
    bed.world.start(bed.config());
    bed.world.run_for(days(1));
    bed.world.restart(bed.config());
    const std::vector<HookRun> history = bed.history();
    REQUIRE(history.size() == 3);
    CHECK(history[0].hook == "pre");
    CHECK(history[0].command == (bed.tree.path() / "pre/10-stop").string());
    CHECK(history[0].exit_status == 0U);
    CHECK(history[0].took_ms == 1500);
    CHECK(history[0].output == "did it");
    CHECK(history[0].at >= virtual_start);
    CHECK(history[1].hook == "deploy");
    CHECK(history[1].target == "renewal-hooks");
    CHECK(history[2].hook == "post");
}

TEST_CASE("post runs after a renewal that failed, and is told of whom") {
    Bed bed;
    bed.refuses = true;
    bed.world.start(bed.config());
    bed.world.run_for(seconds(30));
    CHECK(bed.story == Texts{"pre/10-stop", "validate", "post/10-start"});
    CHECK(value_of(bed.last("post/10-start"), "RENEWED_DOMAINS").empty());
    CHECK(value_of(bed.last("post/10-start"), "FAILED_DOMAINS") == "example.com www.example.com");
    CHECK(bed.history().size() == 2);
    CHECK(bed.world.plan().state == State::backing_off);
    CHECK_FALSE(bed.owes_post());
}

TEST_CASE("when a script in pre fails no order is placed, the scripts after it do not run, and post does") {
    Bed bed({"pre/10-stop", "pre/20-open-port", "post/10-start"});
    bed.failing = {"pre/10-stop"};
    bed.world.start(bed.config());
    bed.world.run_for(seconds(30));
    CHECK(bed.story == Texts{"pre/10-stop", "post/10-start"});
    CHECK(bed.world.ca.orders() == 0);
    REQUIRE(bed.world.lineage().state.last_problem);
    CHECK(bed.world.lineage().state.last_problem->code == "hook.failed");
    CHECK(bed.world.lineage().state.last_problem->what ==
          fmt::format("The pre hook ({}/pre/10-stop) exited with status 3", bed.tree.path().string()));
    CHECK(bed.world.lineage().state.last_problem->remote == "it cannot");
    CHECK(bed.history().front().code == "hook.failed");
    CHECK(bed.history().front().exit_status == 3U);
    bed.failing = {};
    bed.world.run_for(days(1));
    CHECK(bed.world.lineage().state.live == VersionNumber{1});
}

TEST_CASE("each script in post runs, also after one that failed, which is told and holds nothing up") {
    Bed bed({"post/10-start", "post/20-mail"});
    bed.failing = {"post/10-start"};
    bed.world.start(bed.config());
    bed.world.run_for(days(1));
    CHECK(bed.story == Texts{"validate", "post/10-start", "post/20-mail", "reload"});
    CHECK(bed.world.lineage().state.live == VersionNumber{1});
    CHECK(std::ranges::any_of(bed.world.events, [](const Event& event) {
        return event.type == EventType::hook_finished && event.severity == Severity::error && event.problem &&
               event.problem->code == "hook.failed";
    }));
    CHECK_FALSE(bed.owes_post());
}

TEST_CASE("a deploy script that fails is a failed deployment, retried without another order or another pre") {
    Bed bed;
    bed.world.start(bed.config());
    bed.world.run_for(days(1));
    const std::string old = bed.world.live_fingerprint();
    bed.failing = {"deploy/10-copy"};
    bed.story.clear();
    Result<JobOutcome> renewed = bed.world.renew({true, false});
    REQUIRE_FALSE(renewed);
    CHECK(renewed.error().code == "deploy.exec");
    CHECK(renewed.error().remote == "it cannot");
    CHECK(bed.world.plan().state == State::deploy_failed);
    // Tried with the new version and, once live names it again, with the old one.
    CHECK(bed.count("deploy/10-copy") == 2);
    CHECK(value_of(bed.last("deploy/10-copy"), "CERTD_EVENT") == "restore");
    CHECK(value_of(bed.last("deploy/10-copy"), "CERTD_VERSION") == "1");
    CHECK(bed.count("post/10-start") == 1);
    CHECK(value_of(bed.last("post/10-start"), "RENEWED_DOMAINS") == "example.com www.example.com");
    // The other target got the new certificate all the same.
    CHECK(bed.world.service.serves() != old);

    const std::size_t orders = bed.world.ca.orders();
    bed.world.run_for(hours(1));
    bed.failing = {};
    bed.world.run_for(hours(3));
    CHECK(bed.world.plan().state == State::waiting);
    CHECK(bed.world.ca.orders() == orders);
    CHECK(bed.count("pre/10-stop") == 1);
    CHECK(bed.count("post/10-start") == 1);
    CHECK(value_of(bed.last("deploy/10-copy"), "CERTD_VERSION") == "2");
    CHECK(value_of(bed.last("deploy/10-copy"), "RENEWED_LINEAGE") == "/state/live/example.com");
}

TEST_CASE("a rollback runs the deploy scripts for the version it goes back to") {
    Bed bed;
    bed.world.start(bed.config());
    bed.world.run_for(days(1));
    REQUIRE(bed.world.renew({true, false}));
    bed.story.clear();
    REQUIRE(bed.world.roll_back());
    CHECK(bed.story == Texts{"deploy/10-copy", "reload"});
    CHECK(value_of(bed.last("deploy/10-copy"), "CERTD_VERSION") == "1");
    CHECK(value_of(bed.last("deploy/10-copy"), "RENEWED_LINEAGE") == "/state/live/example.com");
    CHECK(bed.world.lineage().state.live == VersionNumber{1});
}

TEST_CASE("lineages that share a directory have one pre and one post, after the last of them has deployed") {
    Bed bed;
    bed.world.ca.knobs.validation_time = seconds(20);
    bed.world.start(bed.config(second));
    bed.world.run_for(minutes(5));
    CHECK(bed.count("pre/10-stop") == 1);
    CHECK(bed.count("post/10-start") == 1);
    CHECK(bed.story.front() == "pre/10-stop");
    const auto post = std::ranges::find(bed.story, "post/10-start");
    CHECK(std::count(bed.story.begin(), post, "deploy/10-copy") == 2);
    CHECK(std::count(post, bed.story.end(), "validate") == 0);
    CHECK(value_of(bed.last("post/10-start"), "RENEWED_DOMAINS").find("example.net") != std::string::npos);
    CHECK(value_of(bed.last("post/10-start"), "RENEWED_DOMAINS").find("www.example.com") != std::string::npos);
    CHECK(bed.world.service.serves() == bed.world.live_fingerprint());
    for (const char* name : {"example.com", "example.net"}) {
        const auto history = bed.history(name);
        CHECK(std::ranges::any_of(history, [](const HookRun& run) { return run.hook == "post"; }));
    }
}

TEST_CASE("of lineages that share a directory one may fail: post says of each what became of it") {
    Bed bed;
    bed.world.ca.knobs.rejected_names = {"example.net"};
    bed.world.start(bed.config(second));
    bed.world.run_for(seconds(30));
    CHECK(bed.count("post/10-start") == 1);
    CHECK(value_of(bed.last("post/10-start"), "RENEWED_DOMAINS") == "example.com www.example.com");
    CHECK(value_of(bed.last("post/10-start"), "FAILED_DOMAINS") == "example.net");
}

TEST_CASE("a lineage that comes late waits for the next round") {
    Bed bed;
    bed.world.ca.knobs.validation_time = minutes(8);
    bed.world.start(bed.config());
    bed.world.run_for(minutes(6));
    bed.world.ca.knobs.validation_time = seconds(1);
    bed.world.reload(bed.config(second));
    bed.world.run_for(seconds(30));
    CHECK(bed.count("pre/10-stop") == 1);
    CHECK(bed.count("post/10-start") == 0);
    bed.world.run_for(minutes(10));
    CHECK(bed.count("pre/10-stop") == 2);
    CHECK(bed.count("post/10-start") == 2);
    CHECK(bed.world.lineage("example.net").state.live == VersionNumber{1});
}

TEST_CASE("stopped between pre and post, certd runs post before it ends, and pre again when the order goes on") {
    Bed bed;
    bed.world.ca.knobs.validation_time = minutes(3);
    bed.world.start(bed.config());
    bed.world.run_for(seconds(30));
    REQUIRE(bed.story == Texts{"pre/10-stop", "validate"});
    CHECK(bed.owes_post());
    bed.world.stop();
    CHECK(bed.story == Texts{"pre/10-stop", "validate", "post/10-start"});
    CHECK(value_of(bed.last("post/10-start"), "FAILED_DOMAINS") == "example.com www.example.com");
    bed.world.start(bed.config());
    bed.world.run_for(minutes(10));
    CHECK_FALSE(bed.owes_post());
    CHECK(bed.count("pre/10-stop") == 2);
    CHECK(bed.count("post/10-start") == 2);
    CHECK(bed.world.ca.orders() == 1);
    CHECK(bed.history().size() >= 3);
}

TEST_CASE("killed between pre and post, certd runs post at its next start before pre runs again") {
    Bed bed;
    bed.world.ca.knobs.validation_time = minutes(3);
    bed.world.start(bed.config());
    bed.world.run_for(seconds(30));
    REQUIRE(bed.story == Texts{"pre/10-stop", "validate"});
    bed.world.kill();
    CHECK(bed.story.back() == "validate");
    bed.world.start(bed.config());
    bed.world.run_for(minutes(10));
    REQUIRE(bed.story.size() > 4);
    CHECK(bed.story[2] == "post/10-start");
    CHECK(value_of(bed.commands[1], "FAILED_DOMAINS") == "example.com www.example.com");
    CHECK(bed.story[3] == "pre/10-stop");
    CHECK(bed.count("post/10-start") == 2);
    CHECK_FALSE(bed.owes_post());
    CHECK(std::ranges::count(
              bed.world.events,
              fmt::format("certd ended before the post hooks in {} had run; they run now", bed.tree.path().string()),
              &Event::message) == 1);
}

TEST_CASE("post is owed also to a lineage that is gone from the configuration") {
    Bed bed;
    bed.world.ca.knobs.validation_time = minutes(3);
    bed.world.start(bed.config());
    bed.world.run_for(seconds(30));
    bed.world.kill();
    bed.world.start(with(usual_config(), "targets: [web]", "targets: []"));
    bed.world.run_for(seconds(5));
    CHECK(bed.count("post/10-start") == 1);
    CHECK_FALSE(bed.owes_post());
}

TEST_CASE("a process that dies at any operation of its disk has run post after pre, at the latest at its next start") {
    for (std::size_t operation = 0;; ++operation) {
        CAPTURE(operation);
        Bed bed;
        bed.world.start(bed.config());
        bed.world.run_for(days(1));
        bed.story.clear();
        FaultPlan plan;
        plan.crash_at = operation;
        bed.world.files.plan(plan);
        bed.world.host.on_operation = [&](std::size_t) {
            if (bed.world.files.fired()) throw SimulatedCrash{};
        };
        REQUIRE(bed.world.scheduler().renew(name_of("example.com"), {true, false}));
        bed.world.run_for(minutes(5));
        const bool crashed = bed.world.files.fired();
        bed.world.kill();
        bed.world.files.plan({});
        bed.world.host.on_operation = nullptr;
        if (!crashed) break;
        bed.world.start(bed.config());
        bed.world.run_for(minutes(10));
        const auto last_pre = std::find(bed.story.rbegin(), bed.story.rend(), "pre/10-stop");
        const auto last_post = std::find(bed.story.rbegin(), bed.story.rend(), "post/10-start");
        if (last_pre != bed.story.rend()) CHECK(last_post < last_pre);
        CHECK_FALSE(bed.owes_post());
        CHECK(bed.world.service.serves() == bed.world.live_fingerprint());
        CHECK(bed.world.plan().state == State::waiting);
    }
}

TEST_CASE("whichever operation of the disk fails, post has run after pre and the history misses none of the runs") {
    for (std::size_t operation = 0;; ++operation) {
        CAPTURE(operation);
        Bed bed;
        bed.world.start(bed.config());
        bed.world.run_for(days(1));
        bed.world.files.plan({operation, "storage.io"});
        (void)bed.world.renew({true, false});
        bed.world.run_for(minutes(1));
        const bool failed = bed.world.files.fired();
        bed.world.files.plan({});
        if (!failed) break;
        bed.world.run_for(days(2));
        CHECK(bed.count("pre/10-stop") <= bed.count("post/10-start"));
        CHECK(bed.world.service.serves() == bed.world.live_fingerprint());
        // A save that fails at its very end has been made, and is made again.
        CHECK(bed.history().size() >= bed.commands.size());
        bed.world.restart(bed.config());
        bed.world.run_for(minutes(1));
        CHECK_FALSE(bed.owes_post());
    }
}

TEST_CASE("hooks that others may change stop the renewal before anything has run, with the remedy") {
    Bed bed;
    ::chmod((bed.tree.path() / "post/10-start").c_str(), 0777);
    bed.world.start(bed.config());
    bed.world.run_for(seconds(30));
    CHECK(bed.story.empty());
    CHECK(bed.world.ca.orders() == 0);
    REQUIRE(bed.world.lineage().state.last_problem);
    const Problem problem = *bed.world.lineage().state.last_problem;
    CHECK(problem.code == "hook.failed");
    CHECK(problem.what.ends_with("post/10-start may be changed by everybody"));
    CHECK(problem.hint.starts_with("chown it to root and take away write permission"));
    ::chmod((bed.tree.path() / "post/10-start").c_str(), 0755);
    bed.world.run_for(hours(1));
    CHECK(bed.world.lineage().state.live == VersionNumber{1});
    CHECK(bed.story.back() == "reload");
}

TEST_CASE("pre_issue, post_issue and exec are in the history too") {
    Bed bed({});
    bed.world.start(
        with(around_issue(), "    test: [service, test]", "    exec: [convert, x]\n    test: [service, test]"));
    bed.world.run_for(days(1));
    const auto history = bed.history();
    REQUIRE(history.size() == 3);
    CHECK(history[0].hook == "pre-issue");
    CHECK(history[0].command == "first");
    CHECK(history[1].hook == "post-issue");
    CHECK(history[2].hook == "exec");
    CHECK(history[2].target == "web");
    CHECK(history[2].command == "convert x");
}

TEST_CASE("stopped after pre_issue, certd runs post_issue before it ends") {
    Bed bed({});
    bed.world.ca.knobs.validation_time = minutes(3);
    bed.world.start(around_issue());
    bed.world.run_for(seconds(30));
    REQUIRE(bed.runs_of("last") == 0);
    bed.world.stop();
    CHECK(bed.runs_of("first") == 1);
    CHECK(bed.runs_of("last") == 1);
    bed.world.start(around_issue());
    bed.world.run_for(minutes(10));
    CHECK(bed.runs_of("first") == 2);
    CHECK(bed.runs_of("last") == 2);
    CHECK(bed.world.lineage().state.live == VersionNumber{1});
}

TEST_CASE("whichever operation of the disk fails, post_issue has run as often as pre_issue") {
    for (std::size_t operation = 0;; ++operation) {
        CAPTURE(operation);
        Bed bed({});
        bed.world.start(around_issue());
        bed.world.run_for(days(1));
        bed.world.files.plan({operation, "storage.io"});
        (void)bed.world.renew({true, false});
        CHECK(bed.runs_of("first") == bed.runs_of("last"));
        if (!bed.world.files.fired()) break;
    }
}

TEST_CASE("an order that follows one at the CA's staging ends when certd stops, whatever hooks ran between the two") {
    Bed bed({});
    const std::string config =
        with(around_issue(), "contact: [ops@example.com] }", "contact: [ops@example.com], staging: other }");
    bed.refuses = true;
    bed.world.start(config);
    bed.world.run_for(seconds(30));
    bed.refuses = false;
    bed.world.ca.knobs.validation_time = minutes(30);
    bed.world.run_for(minutes(5));
    REQUIRE(bed.world.count(EventType::renewal_staging) == 1);
    const Duration begun = bed.world.clock.monotonic();
    bed.world.stop();
    CHECK(bed.world.clock.monotonic() - begun < seconds(10));
    CHECK(bed.runs_of("first") == bed.runs_of("last"));
}

TEST_CASE("a dry run runs no hooks and says what is wrong with them") {
    Bed bed;
    bed.world.start(with(bed.config(), "cas: [main],", "cas: [main], dry_run_ca: other,"));
    bed.world.run_for(days(1));
    bed.story.clear();
    CHECK(bed.world.renew({false, true}));
    CHECK(bed.story == Texts{"validate"});
    ::chmod((bed.tree.path() / "deploy").c_str(), 0777);
    Result<JobOutcome> rehearsed = bed.world.renew({false, true});
    REQUIRE_FALSE(rehearsed);
    CHECK(rehearsed.error().code == "process.unsafe");
}
