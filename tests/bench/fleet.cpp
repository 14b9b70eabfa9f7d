// Rolls a version out over many hosts: how long it takes, and what certd needs for it.
#include "tests/support/fleet.hpp"
#include "tests/bench/bench.hpp"
#include "tests/bench/measure.hpp"
#include "tests/support/daemon.hpp"
#include "tests/support/pebble.hpp"
#include "tests/support/temp_directory.hpp"

#include <fmt/format.h>

#include <chrono>
#include <stdexcept>

namespace certd::bench {

namespace {

using namespace test;

std::string configuration(const Daemon& certd, const Pebble& pebble, const Fleet& fleet) {
    return fmt::format(R"(state_dir: {}
control: {{ socket: {}, group: "" }}
cas: {{ pebble: {{ directory: {}, ca_bundle: {}, agree_tos: true }} }}
defaults: {{ cas: [pebble], challenge: {{ http-01: {{ webroot: {} }} }} }}
targets:
{}lineages:
  shop: {{ names: [a.example.test], targets: [fleet] }}
)",
                       certd.state_directory().string(), certd.socket().string(), pebble.directory_url(),
                       pebble.ca_bundle().string(), certd.directory().string(), fleet.target());
}

void roll_out(const std::string& what, const Daemon& certd, const Fleet& fleet, pid_t pid,
              const std::vector<std::string>& command, std::size_t limit_seconds) {
    const Cpu before = cpu_ms(pid);
    const auto began = std::chrono::steady_clock::now();
    const Output done = certd.ctl(command, {{}, {}, std::chrono::seconds(limit_seconds)});
    const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - began).count();
    if (done.exit_code != 0) throw std::runtime_error(what + " did not come to its end: " + done.both());
    const Cpu after = cpu_ms(pid);
    const double hosts = double(fleet.size());
    fmt::print(
        "  {}: {:.1f} s, {:.0f} ms per host; certd {:.1f} ms CPU per host ({:.1f} user, {:.1f} system), peak RSS "
        "{:.1f} MiB\n",
        what, seconds, 1000 * seconds / hosts, (after.sum() - before.sum()) / hosts, (after.user - before.user) / hosts,
        (after.system - before.system) / hosts, peak_mib(pid));
    const std::string live = fingerprint_of_file(certd.live("shop") / "cert.pem");
    if (const std::size_t serving = fleet.serving(live); serving != fleet.size())
        throw std::runtime_error(fmt::format("{} of {} hosts serve it", serving, fleet.size()));
}

}  // namespace

void fleet(std::size_t hosts, std::size_t batch) {
    TempDirectory directory;
    PebbleOptions options;
    options.nonce_reject = 0;
    options.always_valid = true;
    const Pebble pebble(directory.path() / "pebble", free_port(), options);
    std::filesystem::create_directories(directory.path() / "hosts");
    const Fleet fleet(directory.path() / "hosts", hosts, fmt::format("{{ canary: 1, batch: {} }}", batch),
                      "connect_timeout: 30s, request_timeout: 1m");
    Daemon certd(directory.path() / "certd");
    certd.configure(configuration(certd, pebble, fleet));
    certd.start();
    const pid_t pid = certd.process().pid();
    fmt::print(
        "{} hosts, a canary and batches of {}. Real for each: an sshd with certd-host, an nginx that is tested, "
        "reloaded and asked\n  by TLS, loopback addresses; all share this machine's processors. certctl rollout shop "
        "--watch --socket {}\n",
        hosts, batch, certd.socket().string());
    const std::size_t limit = 60 + 3 * hosts;
    roll_out("first rollout", certd, fleet, pid, {"renew", "shop"}, limit);
    roll_out("renewal", certd, fleet, pid, {"renew", "shop", "--force"}, limit);
    certd.terminate();
}

}  // namespace certd::bench
