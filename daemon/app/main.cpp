// certd: command line and start.
#include "config/load.hpp"
#include "config/reference.hpp"
#include "daemon/app/audit_command.hpp"
#include "daemon/app/daemon.hpp"
#include "daemon/app/import_command.hpp"
#include "daemon/observe/metric_families.hpp"
#include "libacme/base/catalog.hpp"

#include <CLI/CLI.hpp>

#include <cstdio>
#include <cstdlib>

#include <fmt/format.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

namespace {

using namespace certd;

constexpr int exit_usage = 2;

// Keys never reach a core file, another user's debugger or a file readable by others (faults S27, S14).
void protect_process() {
    ::umask(077);
    rlimit none{};
    ::setrlimit(RLIMIT_CORE, &none);
#if !defined(__SANITIZE_ADDRESS__) && !(defined(__has_feature) && __has_feature(address_sanitizer))
    ::prctl(PR_SET_DUMPABLE, 0);
#endif
}

Result<config::ConfigPtr> load_quietly(const std::string& file) {
    config::Loaded loaded = config::load(file);
    if (!loaded.config) return failure(config::to_problem(loaded.diagnostics));
    return loaded.config;
}

void print_diagnostics(const config::Loaded& loaded) {
    if (loaded.diagnostics.empty()) return;
    fmt::print(stderr, "{}", config::render(loaded.diagnostics, ::isatty(STDERR_FILENO) != 0));
}

int check_config(const std::string& file) {
    config::Loaded loaded = config::load(file);
    print_diagnostics(loaded);
    if (!loaded.config) return exit_usage;
    fmt::print("{}: good: {} lineages, {} targets, {} CAs\n", file, loaded.config->lineages.size(),
               loaded.config->targets.size(), loaded.config->cas.size());
    return EXIT_SUCCESS;
}

int serve(const std::string& file) {
    ServiceManager manager = ServiceManager::from_environment();
    config::Loaded loaded = config::load(file);
    print_diagnostics(loaded);
    if (!loaded.config) return exit_usage;
    protect_process();
    DaemonSetup setup{file, loaded.config, [file] { return load_quietly(file); }, std::move(manager)};
    loaded = {};
    return run_daemon(std::move(setup));
}

}  // namespace

int main(int argc, char** argv) {
    CLI::App app{"Keeps TLS certificates issued, deployed and served."};
    std::string file = "/etc/certd/certd.yaml";
    bool check = false;
    bool config_reference = false;
    bool config_manual = false;
    bool problems_reference = false;
    bool metrics_reference = false;
    app.add_option("-c,--config", file, "Configuration file; conf.d/*.yaml beside it is merged")->capture_default_str();
    app.add_flag("--check-config", check, "Check the configuration, print every error with its place, and exit");
    app.add_flag("--config-reference", config_reference, "Print the reference of all configuration keys and exit");
    app.add_flag("--config-manual", config_manual,
                 "Print the same as the manual page certd.yaml(5), in roff, and exit");
    app.add_flag("--problems-reference", problems_reference, "Print the reference of all problem codes and exit");
    app.add_flag("--metrics-reference", metrics_reference, "Print the reference of all metrics and exit");
    app.set_version_flag("--version", "certd " CERTD_VERSION);
    ImportCommand import_command(app);
    AuditCommand audit_command(app);
    app.footer(
        "Examples:\n"
        "  certd --config /etc/certd/certd.yaml              run in the foreground, as the systemd unit does\n"
        "  certd --check-config --config ./certd.yaml        look for errors before a reload\n"
        "  certd import certbot --shadow                     what `certctl import` runs\n"
        "  certd audit verify                                what `certctl audit verify` runs\n"
        "Signals: SIGHUP reloads the configuration, SIGTERM stops within 10 seconds.\n"
        "Exit status: 0 stopped as asked, 1 failure, 2 usage or configuration, 3 another certd holds the state "
        "directory.");
    try {
        app.parse(argc, argv);
    } catch (const CLI::ParseError& error) {
        return app.exit(error) == 0 ? EXIT_SUCCESS : exit_usage;
    }
    try {
        if (config_reference) {
            fmt::print("{}", config::reference_page());
            return EXIT_SUCCESS;
        }
        if (config_manual) {
            fmt::print("{}", config::manual_page());
            return EXIT_SUCCESS;
        }
        if (problems_reference) {
            fmt::print("{}", catalog_reference());
            return EXIT_SUCCESS;
        }
        if (metrics_reference) {
            fmt::print("{}", ::certd::metrics_reference());
            return EXIT_SUCCESS;
        }
        if (import_command.is_wanted()) {
            protect_process();
            return import_command.run(file);
        }
        if (audit_command.is_wanted()) return audit_command.run(file);
        return check ? check_config(file) : serve(file);
    } catch (const std::exception& error) {
        Problem problem = problem_of(std::current_exception());
        fmt::print(stderr, "certd: {}\n{}\n", describe(problem), problem.hint);
        return EXIT_FAILURE;
    }
}
