#include "daemon/deploy/commands.hpp"

#include "libacme/base/diagnosis.hpp"
#include "libacme/base/text.hpp"

#include <fmt/format.h>

namespace certd {

namespace {

std::string ending_of(const Command& command, const ProcessResult& result) {
    if (result.timed_out && result.exit_code >= 0) {
        return fmt::format("exited with status {} but left something behind that held its output for {}",
                           result.exit_code, format_duration(command.timeout));
    }
    if (result.timed_out) return fmt::format("did not end within {} and was killed", format_duration(command.timeout));
    if (result.signal != 0) return fmt::format("was ended by signal {}", result.signal);
    return fmt::format("exited with status {}", result.exit_code);
}

}  // namespace

std::string command_text(const std::vector<std::string>& argv) {
    std::string text;
    for (const auto& argument : argv) {
        const bool plain = !argument.empty() && argument.find_first_of(" \t\n'\"\\$`;&|<>()*?") == std::string::npos;
        if (!text.empty()) text += ' ';
        text += plain ? argument : "'" + argument + "'";
    }
    return escape_untrusted(text, 200);
}

Problem command_problem(std::string_view code, const std::string& subject, const Command& command,
                        const ProcessResult& result) {
    return diagnosed(problem(code,
                             fmt::format("{} ({}) {}", subject, command_text(command.argv), ending_of(command, result)),
                             std::string(trim(result.output))));
}

Problem command_problem(std::string_view code, const std::string& subject, const Command& command,
                        const Problem& cause) {
    Problem result =
        problem(code, fmt::format("{} ({}) could not be run: {}", subject, command_text(command.argv), cause.what),
                cause.remote);
    result.hint = cause.hint;
    result.parts.push_back(cause);
    return result;
}

Task<Result<std::string>> run_checked(Host& host, Command command, std::string code, std::string subject) {
    auto ran = co_await host.run(command);
    if (!ran) co_return failure(command_problem(code, subject, command, ran.error()));
    if (!ran->ok()) co_return failure(command_problem(code, subject, command, *ran));
    co_return std::move(ran->output);
}

Command plain_command(const config::CommandLine& line, Duration timeout) {
    Command command;
    command.argv = line.argv;
    command.environment = base_environment();
    command.timeout = timeout;
    return command;
}

Command hook_command(const config::Hook& hook, const HookFacts& facts) {
    Command command = plain_command(hook.command, hook.timeout);
    command.environment = hook_environment(facts);
    command.input = hook_input(facts);
    command.directory = hook.working_directory;
    if (!hook.user.empty()) command.user = hook.user;
    return command;
}

std::vector<Command> reload_commands(const config::Reload& reload, Duration timeout) {
    if (reload.systemd_unit.empty()) return {plain_command(reload.command, timeout)};
    return {plain_command({{"systemctl", "reload", reload.systemd_unit}}, timeout),
            plain_command({{"systemctl", "is-active", reload.systemd_unit}}, timeout)};
}

}  // namespace certd
