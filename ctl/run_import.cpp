// import: certctl becomes `certd import`, which needs what certctl does not have: the state directory, the
// configuration and cryptography. No daemon has to be running.
#include "ctl/commands.hpp"

#include <array>
#include <cerrno>
#include <cstring>
#include <filesystem>

#include <unistd.h>

namespace certd::ctl {

namespace {

// Beside certctl as it was built, or in sbin as it was installed; never one of $PATH.
std::string certd_program() {
    std::error_code error;
    std::filesystem::path own = std::filesystem::read_symlink("/proc/self/exe", error).parent_path();
    if (std::filesystem::exists(own / "certd", error)) return own / "certd";
    return own.parent_path() / "sbin" / "certd";
}

}  // namespace

std::vector<std::string> import_arguments(const Options& options) {
    std::vector<std::string> arguments;
    if (!options.config.empty()) arguments.insert(arguments.end(), {"--config", options.config});
    arguments.insert(arguments.end(), {"import", options.names.front()});
    const std::array<std::pair<const char*, bool>, 5> flags = {{{"--shadow", options.shadow},
                                                                {"--take-over", options.take_over},
                                                                {"--give-back", options.give_back},
                                                                {"--print-config", options.print_config},
                                                                {"--json", options.json}}};
    for (const auto& [flag, given] : flags) {
        if (given) arguments.emplace_back(flag);
    }
    if (!options.from.empty()) arguments.insert(arguments.end(), {"--from", options.from});
    if (!options.webroot.empty()) arguments.insert(arguments.end(), {"--webroot", options.webroot});
    return arguments;
}

ExitCode run_import(Context context) {
    return become_certd(context, import_arguments(context.options));
}

ExitCode become_certd(Context context, std::vector<std::string> words) {
    std::string program = certd_program();
    words.insert(words.begin(), program);
    std::vector<char*> argv;
    for (std::string& word : words)
        argv.push_back(word.data());
    argv.push_back(nullptr);
    ::execv(program.c_str(), argv.data());
    return report(context, problem("process.notFound", "Cannot run " + program, std::strerror(errno)));
}

}  // namespace certd::ctl
