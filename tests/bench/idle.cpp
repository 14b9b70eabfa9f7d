// Starts certd with many lineages already issued: time to READY, memory, what it does when there is nothing to do,
// status.
#include "daemon/store/store.hpp"
#include "tests/bench/bench.hpp"
#include "tests/bench/measure.hpp"
#include "tests/support/daemon.hpp"
#include "tests/support/notify_socket.hpp"
#include "tests/support/temp_directory.hpp"

#include <fmt/format.h>

#include <chrono>
#include <thread>

namespace certd::bench {

namespace {

using namespace test;
using std::chrono::steady_clock;

double ms_since(steady_clock::time_point began) {
    return std::chrono::duration<double, std::milli>(steady_clock::now() - began).count();
}

VersionFiles make_files(const std::filesystem::path& directory) {
    const Output made =
        run({program("openssl"), "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes",
             "-days", "90", "-subj", "/CN=bench", "-keyout", directory / "key.pem", "-out", directory / "cert.pem"});
    if (made.exit_code != 0) throw std::runtime_error("openssl req: " + made.both());
    const std::string certificate = read_file(directory / "cert.pem");
    return {{read_file(directory / "key.pem"), certificate, certificate, certificate + certificate}, {}};
}

// Every lineage is at version 1, which shares its texts with all others and has metadata of its own.
void make_state(const std::filesystem::path& root, std::size_t lineages, const VersionFiles& files) {
    RealFileSystem file_system;
    std::filesystem::create_directory(root);
    std::filesystem::permissions(root, std::filesystem::perms::owner_all);
    Store store(file_system, root);
    value_or_fail(store.open());
    const Time now = std::chrono::time_point_cast<Duration>(std::chrono::system_clock::now());
    for (std::size_t i = 0; i < lineages; ++i) {
        const LineageName name = value_or_fail(LineageName::parse(fmt::format("l{:05}", i)));
        VersionFacts facts;
        facts.names = {value_or_fail(parse_identifier(fmt::format("l{:05}.example.test", i)))};
        facts.ca = CaName{"pebble"};
        facts.directory_url = "https://127.0.0.1:1/dir";
        facts.serial = fmt::format("{:032x}", i + 1);
        facts.fingerprint = fmt::format("{:064x}", i + 1);
        facts.issuer = "bench";
        facts.not_before = now - hours(1);
        facts.issued_at = now - hours(1);
        facts.not_after = now + days(90);
        const VersionFacts stored = value_or_fail(store.add_version(name, {facts, files, {}}));
        value_or_fail(store.set_live(name, stored.number));
        LineageState state;
        state.live = state.newest = stored.number;
        state.last_success = now - hours(1);
        value_or_fail(store.save_state(name, state));
    }
}

std::string configuration(const Daemon& certd, std::size_t lineages) {
    std::string text = fmt::format(R"(state_dir: {}
control: {{ socket: {}, group: "" }}
cas: {{ pebble: {{ directory: "https://127.0.0.1:1/dir", agree_tos: true }} }}
defaults: {{ cas: [pebble], challenge: {{ http-01: {{ webroot: /var/www/html }} }} }}
lineages:
)",
                                   certd.state_directory().string(), certd.socket().string());
    for (std::size_t i = 0; i < lineages; ++i)
        text += fmt::format("  l{0:05}: {{ names: [l{0:05}.example.test] }}\n", i);
    return text;
}

void time_status(const Daemon& certd, std::vector<std::string> arguments) {
    double best = 0, sum = 0;
    constexpr int times = 5;
    for (int i = 0; i < times; ++i) {
        const auto began = steady_clock::now();
        const Output output = certd.ctl(arguments);
        const double took = ms_since(began);
        if (output.exit_code != 0) throw std::runtime_error("certctl status: " + output.err);
        best = i == 0 ? took : std::min(best, took);
        sum += took;
    }
    fmt::print("  certctl {}: {:.0f} ms (best of {}; mean {:.0f})\n", fmt::join(arguments, " "), best, times,
               sum / times);
}

}  // namespace

void idle(std::size_t lineages, std::size_t idle_seconds) {
    TempDirectory directory;
    Daemon certd(directory.path() / "certd");
    auto began = steady_clock::now();
    make_state(certd.state_directory(), lineages, make_files(directory.path()));
    fmt::print("{} lineages already issued (state directory written in {:.1f} s)\n", lineages, ms_since(began) / 1000);
    certd.configure(configuration(certd, lineages));

    NotifySocket manager(directory.path() / "notify.sock");
    ChildOptions options;
    options.environment = {manager.variable()};
    began = steady_clock::now();
    certd.launch(options);
    if (!manager.hears("READY=1", 60s))
        throw std::runtime_error("certd did not become ready:\n" + certd.log().substr(0, 2000));
    const pid_t pid = certd.process().pid();
    fmt::print("  start to READY: {:.0f} ms (to 20 ms), {:.0f} ms CPU, RSS {:.1f} MiB\n", ms_since(began),
               cpu_ms(pid).sum(), resident_mib(pid));
    time_status(certd, {"status"});
    time_status(certd, {"status", "l00000"});
    time_status(certd, {"status", "--json"});

    std::this_thread::sleep_for(2s);
    const double cpu = cpu_ms(pid).sum();
    const std::uint64_t wakes = wake_ups(pid);
    std::this_thread::sleep_for(std::chrono::seconds(idle_seconds));
    const double seconds = double(idle_seconds);
    fmt::print("  idle for {} s: {:.3f} % CPU, {:.2f} wake-ups/s, RSS {:.1f} MiB, peak {:.1f} MiB\n", idle_seconds,
               (cpu_ms(pid).sum() - cpu) / 10 / seconds, double(wake_ups(pid) - wakes) / seconds, resident_mib(pid),
               peak_mib(pid));
    certd.terminate();
}

}  // namespace certd::bench
