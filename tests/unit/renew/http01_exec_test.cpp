// http-01 by commands: what they are told, and that each way in which they go wrong is told and cleaned up after.
#include "daemon/renew/http01_exec.hpp"

#include "libacme/async/clock.hpp"
#include "libacme/base/text.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/program_host.hpp"
#include "tests/support/run_task.hpp"
#include "tests/support/temp_directory.hpp"
#include "tests/unit/renew/http01_support.hpp"

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <string_view>

using namespace certd;
using namespace certd::test;
namespace fs = std::filesystem;

namespace {

std::string content(const fs::path& path) {
    std::ostringstream text;
    text << std::ifstream(path).rdbuf();
    return text.str();
}

struct Bed {
    TempDirectory directory;
    SystemClock clock;
    ProgramHost host{clock};
    fs::path calls = directory.path() / "calls";

    std::string program(const std::string& text) const {
        fs::path path = directory.path() / "hook";
        std::ofstream(path) << "#!/bin/sh\n" << text;
        fs::permissions(path, fs::perms::owner_all);
        return path.string();
    }
    // Writes down how it was called, and says "output of …".
    config::ChallengeCommands recorder(const std::string& more = {}) const {
        const std::string hook = program(
            "{ echo \"args $*\"; umask; env | sort | grep 'CERT\\|SECRET\\|^for '; echo \"input $(cat)\"; } >> " +
            calls.string() + "\necho \"output of $1\"\n" + more);
        config::ChallengeCommands commands;
        commands.present = {hook, "present"};
        commands.cleanup = {hook, "cleanup"};
        return commands;
    }
    // The first arguments of the calls, in order.
    std::string order() const {
        const std::string all = content(calls);
        std::string text;
        for (std::string_view line : split(all, '\n')) {
            if (line.starts_with("args ")) text.append(line.substr(5)).append(" ");
        }
        return text;
    }
};

acme::ChallengeTask task(const std::string& token = "-token_", const std::string& name = "example.com") {
    acme::ChallengeTask made = http01(token);
    made.identifier.value = name;
    made.all_names = {"example.com", "www.example.com"};
    made.remaining = 1;
    return made;
}

}  // namespace

TEST_CASE(
    "the commands get certbot's variables and the same as JSON, and what they write may be read by a web server") {
    ::setenv("SECRET", "of certd", 1);
    Bed bed;
    Http01Exec solver(bed.host, bed.recorder());
    run_task(solver.present(task()));
    run_task(solver.clean_up(task()));
    const std::string common = "CERTBOT_ALL_DOMAINS=example.com,www.example.com\n",
                      rest =
                          "CERTBOT_DOMAIN=example.com\nCERTBOT_REMAINING_CHALLENGES=1\nCERTBOT_TOKEN=-token_\n"
                          "CERTBOT_VALIDATION=-token_.thumbprint\n"
                          "CERTD_URL=http://example.com/.well-known/acme-challenge/-token_\n";
    auto input = [](const std::string& event) {
        return "input {\"event\":\"" + event +
               "\",\"type\":\"http-01\",\"domain\":\"example.com\",\"url\":"
               "\"http://example.com/.well-known/acme-challenge/-token_\",\"value\":\"-token_.thumbprint\","
               "\"token\":\"-token_\",\"remaining\":1,\"all_names\":[\"example.com\",\"www.example.com\"]}\n";
    };
    CHECK(content(bed.calls) == "args present\n0022\n" + common + rest + input("present") + "args cleanup\n0022\n" +
                                    common + "CERTBOT_AUTH_OUTPUT=output of present\n" + rest + input("cleanup"));
    ::unsetenv("SECRET");
}

TEST_CASE("several names of one order are answered one by one, each with its own output for the clean-up") {
    Bed bed;
    Http01Exec solver(bed.host, bed.recorder("echo for $CERTBOT_TOKEN\n"));
    run_task(solver.present(task("one")));
    run_task(solver.present(task("two", "www.example.com")));
    run_task(solver.clean_up(task("two", "www.example.com")));
    run_task(solver.clean_up(task("one")));
    CHECK(bed.order() == "present present cleanup cleanup ");
    const std::string calls = content(bed.calls);
    const std::size_t second = calls.find("for two");
    CHECK(second != std::string::npos);
    CHECK(second < calls.find("for one"));
}

TEST_CASE(
    "an answer that two orders share is taken away by the last of them only, and never when nobody put it there") {
    Bed bed;
    Http01Exec solver(bed.host, bed.recorder());
    run_task(solver.clean_up(task()));
    CHECK_FALSE(fs::exists(bed.calls));
    run_task(solver.present(task()));
    run_task(solver.present(task()));
    run_task(solver.clean_up(task()));
    CHECK(bed.order() == "present present ");
    run_task(solver.clean_up(task()));
    run_task(solver.clean_up(task()));
    CHECK(bed.order() == "present present cleanup ");
}

TEST_CASE("a present command that fails is a problem with its own words, and is cleaned up after") {
    Bed bed;
    Http01Exec solver(bed.host, bed.recorder("[ $1 = cleanup ] || { echo 'disk is full' >&2; exit 3; }\n"));
    const Problem problem = problem_from(solver.present(task()));
    CHECK(problem.code == "hook.failed");
    CHECK(problem.what.starts_with("The present command of the http-01 challenge ("));
    CHECK(problem.what.ends_with("exited with status 3"));
    CHECK(problem.remote.ends_with("disk is full"));
    run_task(solver.clean_up(task()));
    CHECK(bed.order() == "present cleanup ");
}

TEST_CASE("a wait command is waited for, and without one the answer counts as served") {
    Bed bed;
    config::ChallengeCommands commands = bed.recorder("[ $1 != wait ] || exit 1\n");
    Http01Exec without(bed.host, commands);
    run_task(without.present(task()));
    run_task(without.wait_visible(task()));
    CHECK(bed.order() == "present ");
    commands.wait = {commands.present.front(), "wait"};
    Http01Exec with(bed.host, commands);
    run_task(with.wait_visible(task()));  // nothing was presented
    run_task(with.present(task()));
    CHECK(problem_from(with.wait_visible(task())).what.starts_with("The wait command of the http-01 challenge"));
    CHECK(bed.order() == "present present wait ");
}

TEST_CASE("clean-up that fails, and commands that hang or are missing, are problems") {
    Bed bed;
    config::ChallengeCommands commands = bed.recorder("[ $1 != cleanup ] || exit 1\n");
    Http01Exec solver(bed.host, commands);
    run_task(solver.present(task()));
    CHECK(problem_from(solver.clean_up(task())).what.starts_with("The cleanup command of the http-01 challenge"));
    commands.present = {"/bin/sleep", "60"};
    commands.timeout = milliseconds(200);
    Http01Exec slow(bed.host, commands);
    CHECK(problem_from(slow.present(task())).what.ends_with("did not end within 200ms and was killed"));
    commands.present = {"/nonexistent/hook"};
    Http01Exec missing(bed.host, commands);
    CHECK(problem_from(missing.present(task())).parts.at(0).code == "process.notFound");
}

TEST_CASE("no token that could mean something to a shell or a path reaches a command") {
    Bed bed;
    Http01Exec solver(bed.host, bed.recorder());
    for (const std::string& token : hostile_tokens()) {
        CAPTURE(token);
        CHECK(problem_from(solver.present(task(token))).code == "acme.badToken");
    }
    CHECK_FALSE(fs::exists(bed.calls));
}

TEST_CASE("commands prove names and addresses, and no wildcard") {
    Bed bed;
    Http01Exec solver(bed.host, bed.recorder());
    CHECK(solver.can_solve("http-01", {Identifier::Type::dns, "example.com"}, false));
    CHECK_FALSE(solver.can_solve("http-01", {Identifier::Type::dns, "example.com"}, true));
    CHECK_FALSE(solver.can_solve("dns-01", {Identifier::Type::dns, "example.com"}, false));
    acme::ChallengeTask address = task("t", "2001:db8::1");
    address.identifier.type = Identifier::Type::ip;
    run_task(solver.present(address));
    CHECK(content(bed.calls).find("CERTD_URL=http://[2001:db8::1]/.well-known/acme-challenge/t\n") !=
          std::string::npos);
}
