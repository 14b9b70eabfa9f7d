// certd_bench: measures a built certd against a local Pebble. tests/bench/run builds both and calls it.
#include "libacme/base/problem.hpp"
#include "tests/bench/bench.hpp"

#include <cstdio>
#include <string>
#include <vector>

namespace {

constexpr const char* usage =
    "certd_bench [issue] [idle] [deploy] [fleet] [--lineages N] [--idle-lineages N] [--idle-seconds N]\n"
    "            [--deployments N] [--hosts N] [--batch N]\n"
    "  issue  N lineages (default 100) issued and renewed, without validation and with real http-01\n"
    "  idle   N lineages (default 10000) already issued: start, memory, idle, status\n"
    "  deploy N deployments (default 1000) to a live nginx that is looked at all the time; fails on a mismatch\n"
    "  fleet  a rollout over N hosts (default 200), in batches (default 10)\n"
    "Without a name issue and idle are measured.\n";

struct Arguments {
    bool issue = false, idle = false, deploy = false, fleet = false;
    std::size_t lineages = 100, idle_lineages = 10000, idle_seconds = 60, deployments = 1000, hosts = 200, batch = 10;
};

bool parse(const std::vector<std::string>& words, Arguments& arguments) {
    for (std::size_t i = 0; i < words.size(); ++i) {
        const auto number = [&](std::size_t& into) {
            if (i + 1 >= words.size() || words[i + 1].find_first_not_of("0123456789") != std::string::npos)
                return false;
            into = std::stoul(words[++i]);
            return into > 0;
        };
        if (words[i] == "issue") {
            arguments.issue = true;
        } else if (words[i] == "idle") {
            arguments.idle = true;
        } else if (words[i] == "deploy") {
            arguments.deploy = true;
        } else if (words[i] == "fleet") {
            arguments.fleet = true;
        } else if (!((words[i] == "--lineages" && number(arguments.lineages)) ||
                     (words[i] == "--idle-lineages" && number(arguments.idle_lineages)) ||
                     (words[i] == "--idle-seconds" && number(arguments.idle_seconds)) ||
                     (words[i] == "--deployments" && number(arguments.deployments)) ||
                     (words[i] == "--hosts" && number(arguments.hosts)) ||
                     (words[i] == "--batch" && number(arguments.batch)))) {
            return false;
        }
    }
    if (!arguments.issue && !arguments.idle && !arguments.deploy && !arguments.fleet)
        arguments.issue = arguments.idle = true;
    return true;
}

}  // namespace

int main(int argc, char** argv) {
    Arguments arguments;
    if (!parse({argv + 1, argv + argc}, arguments)) {
        std::fputs(usage, stderr);
        return 2;
    }
    std::setvbuf(stdout, nullptr, _IOLBF, 0);
    try {
        if (arguments.issue) {
            certd::bench::issue(arguments.lineages, true);
            certd::bench::issue(arguments.lineages, false);
        }
        if (arguments.idle) certd::bench::idle(arguments.idle_lineages, arguments.idle_seconds);
        if (arguments.deploy) certd::bench::deploy(arguments.deployments);
        if (arguments.fleet) certd::bench::fleet(arguments.hosts, arguments.batch);
    } catch (const std::exception& error) {
        std::fprintf(stderr, "%s\n", error.what());
        return 1;
    }
    return 0;
}
