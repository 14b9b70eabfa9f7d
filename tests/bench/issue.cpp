// Issues and renews many certificates from one Pebble: certificates per second, CPU, requests by kind, peak memory.
#include "tests/bench/bench.hpp"
#include "tests/bench/measure.hpp"
#include "tests/support/daemon.hpp"
#include "tests/support/pebble.hpp"
#include "tests/support/temp_directory.hpp"

#include <fmt/format.h>

#include <chrono>
#include <map>
#include <sstream>
#include <stdexcept>

namespace certd::bench {

namespace {

using namespace test;

std::string configuration(const Daemon& certd, const Pebble& pebble, std::uint16_t http_port, std::size_t lineages,
                          char letter) {
    std::string text = fmt::format(R"(state_dir: {}
control: {{ socket: {}, group: "" }}
http_challenge: {{ listen: "127.0.0.1:{}" }}
cas: {{ pebble: {{ directory: {}, ca_bundle: {}, agree_tos: true, parallel_orders: 4 }} }}
defaults: {{ cas: [pebble], challenge: {{ http-01: {{}} }} }}
lineages:
)",
                                   certd.state_directory().string(), certd.socket().string(), http_port,
                                   pebble.directory_url(), pebble.ca_bundle().string());
    for (std::size_t i = 0; i < lineages; ++i) {
        text += fmt::format("  l{0:05}: {{ names: [{1}{0:05}.example.test] }}\n", i, letter);
    }
    return text;
}

// Requests so far, by action.
std::map<std::string, double> requests(const Daemon& certd) {
    std::map<std::string, double> counts;
    std::istringstream lines(certd.metrics());
    for (std::string line; std::getline(lines, line);) {
        if (!line.starts_with("certd_acme_requests_total{")) continue;
        const std::size_t from = line.find("action=\"") + 8;
        counts[line.substr(from, line.find('"', from) - from)] += std::stod(line.substr(line.rfind(' ')));
    }
    return counts;
}

// Looks at the file system, so that waiting costs certd nothing.
bool all_at(const Daemon& certd, std::size_t lineages, const char* version) {
    std::size_t count = 0;
    std::error_code missing;
    for (const auto& link : std::filesystem::directory_iterator(certd.state_directory() / "live", missing)) {
        if (std::filesystem::read_symlink(link, missing).filename() == version) ++count;
    }
    return count == lineages;
}

void pass(const std::string& what, const Daemon& certd, pid_t pid, std::size_t lineages, const char* version,
          std::chrono::steady_clock::time_point began, Cpu cpu_before, const std::map<std::string, double>& before) {
    if (!eventually(std::chrono::seconds(60 + lineages), [&] { return all_at(certd, lineages, version); })) {
        throw std::runtime_error("not all certificates were issued:\n" + certd.ctl({"status"}).both());
    }
    const double wall = std::chrono::duration<double>(std::chrono::steady_clock::now() - began).count();
    const Cpu cpu = cpu_ms(pid);
    const double count = double(lineages);
    fmt::print(
        "  {}: {:.2f} s, {:.0f} certificates/s, {:.2f} ms CPU of certd each ({:.2f} user, {:.2f} system), peak RSS "
        "{:.1f} MiB\n",
        what, wall, count / wall, (cpu.sum() - cpu_before.sum()) / count, (cpu.user - cpu_before.user) / count,
        (cpu.system - cpu_before.system) / count, peak_mib(pid));
    double sum = 0;
    std::string kinds;
    for (const auto& [action, value] : requests(certd)) {
        const auto earlier = before.find(action);
        const double each = (value - (earlier == before.end() ? 0 : earlier->second)) / count;
        sum += each;
        if (each > 0) kinds += fmt::format("  {} {:.2f}", action, each);
    }
    fmt::print("    {:.2f} HTTP requests each:{}\n", sum, kinds);
}

}  // namespace

void issue(std::size_t lineages, bool always_valid) {
    TempDirectory directory;
    const std::uint16_t http_port = free_port();
    PebbleOptions options;
    options.nonce_reject = 0;
    options.authz_reuse = 0;
    options.alternate_roots = 0;
    options.always_valid = always_valid;
    const Pebble pebble(directory.path() / "pebble", http_port, options);
    Daemon certd(directory.path() / "certd");
    certd.configure(configuration(certd, pebble, http_port, lineages, 'a'));
    fmt::print("{} lineages, 4 orders in parallel, {}, no nonce refused, no authorization reused\n", lineages,
               always_valid ? "Pebble validates nothing" : "real http-01");

    const auto began = std::chrono::steady_clock::now();
    certd.start();
    const pid_t pid = certd.process().pid();
    pass("first issue, from the start of the process", certd, pid, lineages, "0001", began, {}, {});

    const auto before = requests(certd);
    const Cpu cpu_before = cpu_ms(pid);
    // Another name in each makes every lineage due at once; the scheduler keeps to 4 orders, as it must with Pebble.
    certd.configure(configuration(certd, pebble, http_port, lineages, 'b'));
    const auto again = std::chrono::steady_clock::now();
    if (const Output asked = certd.ctl({"reload"}); asked.exit_code != 0) {
        throw std::runtime_error("certctl reload: " + asked.both());
    }
    pass("renewal, account warm", certd, pid, lineages, "0002", again, cpu_before, before);
    certd.terminate();
}

}  // namespace certd::bench
