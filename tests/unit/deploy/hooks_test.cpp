// Hook directories: which scripts are in them and how they are run; and what is told of a hook that has ended.
#include "daemon/deploy/hook_directory.hpp"
#include "daemon/deploy/hook_environment.hpp"
#include "daemon/deploy/hook_runner.hpp"

#include "tests/support/catch.hpp"
#include "tests/support/fake_host.hpp"
#include "tests/support/run_task.hpp"
#include "tests/support/temp_directory.hpp"
#include "tests/support/virtual_clock.hpp"

#include <filesystem>
#include <fstream>

#include <sys/stat.h>
#include <unistd.h>

using namespace certd;
using namespace certd::test;

namespace {

using Texts = std::vector<std::string>;

struct Tree {
    Tree() {
        for (const char* kind : {"pre", "deploy", "post"})
            std::filesystem::create_directory(directory.path() / kind);
        hooks.directory = directory.path().string();
    }
    std::string put(const std::string& name, mode_t mode = 0755, const std::string& text = "#!/bin/sh\n") {
        const auto path = directory.path() / name;
        std::ofstream(path) << text;
        ::chmod(path.c_str(), mode);
        return path.string();
    }
    Texts scripts(std::string_view kind) {
        Texts paths;
        for (const HookScript& script : value_or_fail(hook_scripts(hooks, kind)))
            paths.push_back(script.path);
        return paths;
    }

    TempDirectory directory;
    config::RenewalHooks hooks;
};

}  // namespace

TEST_CASE("the scripts are what may be executed and is no backup of an editor, sorted by name") {
    CHECK(scripts_among({{"b", true},
                         {"README", false},
                         {"10-b", true},
                         {"9-c", true},
                         {"a~", true},
                         {".hidden", true},
                         {"B", true}}) == Texts{".hidden", "10-b", "9-c", "B", "b"});
    CHECK(scripts_among({}).empty());
}

TEST_CASE("a hook directory is read as certbot reads it") {
    Tree tree;
    const Texts expected{tree.put("deploy/10-copy"), tree.put("deploy/20-reload.sh", 0500)};
    tree.put("deploy/10-copy~");
    tree.put("deploy/notes", 0644);
    std::filesystem::create_directory(tree.directory.path() / "deploy/subdirectory");
    std::filesystem::create_symlink("/nonexistent", tree.directory.path() / "deploy/dangling");
    CHECK(tree.scripts("deploy") == expected);
    CHECK(tree.scripts("pre").empty());
    std::filesystem::create_symlink("/bin/true", tree.directory.path() / "pre/link");
    CHECK(tree.scripts("pre").size() == 1);
    std::filesystem::remove(tree.directory.path() / "post");
    CHECK(tree.scripts("post").empty());
}

TEST_CASE("a script that names no interpreter is run by the shell, as by certbot") {
    Tree tree;
    tree.put("pre/1-bare", 0755, "echo hello\n");
    tree.put("pre/2-usual");
    tree.put("pre/3-empty", 0755, "");
    std::filesystem::create_symlink("/bin/true", tree.directory.path() / "pre/4-program");
    const auto scripts = value_or_fail(hook_scripts(tree.hooks, "pre"));
    REQUIRE(scripts.size() == 4);
    CHECK(scripts[0].needs_shell);
    CHECK_FALSE(scripts[1].needs_shell);
    CHECK(scripts[2].needs_shell);
    CHECK_FALSE(scripts[3].needs_shell);
    tree.hooks.user = "nobody";
    tree.hooks.working_directory = "/srv";
    tree.hooks.timeout = minutes(2);
    const Command command = script_command(tree.hooks, scripts[0], {"A=b"});
    CHECK(command.argv == Texts{"/bin/sh", scripts[0].path});
    CHECK(command.environment == Texts{"A=b"});
    CHECK(command.input.empty());
    CHECK(command.user == "nobody");
    CHECK(command.directory == "/srv");
    CHECK(command.timeout == minutes(2));
    CHECK(command.umask == 022);
    CHECK(script_command(tree.hooks, scripts[1], {}).argv == Texts{scripts[1].path});
}

TEST_CASE("a hook directory that is not there is a failure, not a run without hooks") {
    Tree tree;
    tree.hooks.directory += "-misspelt";
    const auto scripts = hook_scripts(tree.hooks, "pre");
    REQUIRE_FALSE(scripts);
    CHECK(scripts.error().code == "hook.directory");
    CHECK(scripts.error().what == "There is no directory " + tree.hooks.directory + " with hooks");
    CHECK(scripts.error().hint ==
          "Correct `renewal_hooks` or put the directory in place, with pre, deploy and post below it");
}

TEST_CASE("scripts that somebody else may change, or a directory of theirs, are refused and never skipped") {
    Tree tree;
    const std::string path = tree.put("pre/10-stop");
    const auto refused = [&] {
        const auto scripts = hook_scripts(tree.hooks, "pre");
        return scripts ? std::string() : scripts.error().code + ": " + scripts.error().what;
    };
    CHECK(refused().empty());
    ::chmod(path.c_str(), 0777);
    CHECK(refused() == "process.unsafe: Refused to run " + path + ": " + path + " may be changed by everybody");
    ::chmod(path.c_str(), 0755);
    const std::string pre = (tree.directory.path() / "pre").string();
    ::chmod(pre.c_str(), 0777);
    CHECK(refused() == "process.unsafe: Refused to run " + pre + ": " + pre + " may be changed by everybody");
    std::filesystem::remove(path);
    CHECK_FALSE(refused().empty());  // nothing is in it yet
    ::chmod(pre.c_str(), 0755);
    ::chmod(tree.hooks.directory.c_str(), 0777);
    CHECK_FALSE(refused().empty());
    ::chmod(tree.hooks.directory.c_str(), 0755);
    CHECK(refused().empty());
    if (::geteuid() != 0) return;
    REQUIRE(::chown(pre.c_str(), 65534, 65534) == 0);
    CHECK_FALSE(refused().empty());
    tree.hooks.user = "nobody";  // whose privileges it has
    CHECK(refused().empty());
    tree.hooks.user = "certd-no-such-user";
    CHECK(hook_scripts(tree.hooks, "pre").error().code == "hook.directory");
}

TEST_CASE("the scripts in post have both lists, be they empty, and nobody can smuggle a line into them") {
    const auto environment = round_environment("post", {"a.example", "x\nLD_PRELOAD=/evil.so"}, {});
    CHECK(environment == Texts{"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "LANG=C.UTF-8",
                               "CERTD_EVENT=post", "RENEWED_DOMAINS=a.example x\\nLD_PRELOAD=/evil.so",
                               "FAILED_DOMAINS="});
    CHECK(round_environment("pre") == Texts{"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
                                            "LANG=C.UTF-8", "CERTD_EVENT=pre"});
}

TEST_CASE("a hook that has ended is told with exit status, duration and last words, and the history is made of that") {
    asio::io_context io{1};
    VirtualClock clock;
    FakeHost host(clock);
    std::vector<Event> events;
    const auto run_it = [&](Result<ProcessResult> ending) {
        host.on_run = [&](const Command&) { return ending; };
        Command command;
        command.argv = {"/hooks/deploy/10-copy"};
        command.timeout = minutes(5);
        HookSubject subject{"deploy", "The deploy hook", "deploy.exec", {"example.com"}, Place{{"renewal-hooks"}}, 7};
        return test::run(io, clock,
                         run_hook(
                             clock, host, [&](Event event) { events.push_back(std::move(event)); }, command, subject));
    };
    ProcessResult result = exited(0, "copied\n");
    result.took = milliseconds(1200);
    CHECK(run_it(result));
    CHECK(events.back().message == "The deploy hook (/hooks/deploy/10-copy) ended well after 1s 200ms");
    CHECK(events.back().severity == Severity::info);
    CHECK(events.back().job == 7);
    const auto runs = hook_runs_of(events.back());
    REQUIRE(runs.size() == 1);
    CHECK(runs[0].first == "example.com");
    CHECK(runs[0].second ==
          HookRun{{}, "deploy", "/hooks/deploy/10-copy", "renewal-hooks", "local", 0, 0, false, 1200, "copied", ""});

    result = exited(4, std::string(5000, 'x') + "\x1b[31mno\nspace\n");
    auto failed = run_it(result);
    REQUIRE_FALSE(failed);
    CHECK(failed.error().code == "deploy.exec");
    CHECK(failed.error().what == "The deploy hook (/hooks/deploy/10-copy) exited with status 4");
    HookRun run = hook_runs_of(events.back()).front().second;
    CHECK(run.exit_status == 4U);
    CHECK(run.code == "deploy.exec");
    CHECK(run.output.size() == hook_output_limit);
    CHECK(run.output.starts_with("…xxx"));
    CHECK(run.output.ends_with("xxx\\x1B[31mno\\nspace"));

    result.exit_code = -1;
    result.signal = 9;
    result.timed_out = true;
    CHECK_FALSE(run_it(result));
    run = hook_runs_of(events.back()).front().second;
    CHECK_FALSE(run.exit_status);
    CHECK(run.signal == 9);
    CHECK(run.timed_out);
    CHECK_FALSE(run_it(failure("process.notFound", "There is no program")));
    run = hook_runs_of(events.back()).front().second;
    CHECK_FALSE(run.exit_status);
    CHECK(run.code == "deploy.exec");

    Event shared = events.back();
    shared.data.set("lineages", Json::array({"a", "b"}));
    CHECK(hook_runs_of(shared).size() == 2);
    CHECK(hook_runs_of(shared)[1].first == "b");
    CHECK(hook_runs_of(Event{}).empty());
}
