#include "daemon/deploy/programs.hpp"

#include "daemon/deploy/commands.hpp"
#include "daemon/deploy/hook_directory.hpp"
#include "daemon/deploy/owner.hpp"
#include "libacme/async/program.hpp"

#include <optional>
#include <utility>

#include <fmt/format.h>

namespace certd {

namespace {

using Problems = std::vector<Problem>;

void check_scripts(const config::RenewalHooks& hooks, Problems& found, std::size_t& programs) {
    if (hooks.empty()) return;
    for (const char* kind : {"pre", "deploy", "post"}) {
        const auto scripts = hook_scripts(hooks, kind);
        if (!scripts) found.push_back(scripts.error());
        if (scripts) programs += scripts->size();
    }
}

void check_hooks(const std::vector<config::Hook>& hooks, std::string_view code, const std::string& subject,
                 Problems& found, std::size_t& programs) {
    programs += hooks.size();
    for (const auto& hook : hooks)
        check_program(hook_command(hook, {}), code, subject, found);
}

void check_challenge(const config::Challenge& challenge, const std::string& lineage, Problems& found,
                     std::size_t& programs) {
    if (!challenge.http01 || !challenge.http01->exec) return;
    const config::ChallengeCommands& commands = *challenge.http01->exec;
    for (const auto& [name, argv] :
         {std::pair{"present", commands.present}, {"cleanup", commands.cleanup}, {"wait", commands.wait}}) {
        if (argv.empty()) continue;
        ++programs;
        Command command = plain_command({argv}, commands.timeout);
        if (!commands.user.empty()) command.user = commands.user;
        check_program(command, "hook.failed", fmt::format("The {} command of {}'s http-01 challenge", name, lineage),
                      found);
    }
}

}  // namespace

void check_program(const Command& command, std::string_view code, const std::string& subject, Problems& found) {
    const auto program = find_program(command.argv.empty() ? std::string() : command.argv.front(), command.environment,
                                      command.directory);
    if (!program) {
        found.push_back(command_problem(code, subject, command, program.error()));
        return;
    }
    std::optional<uid_t> runs_as;
    if (command.user) {
        const auto user = user_id(*command.user);
        if (!user) found.push_back(command_problem(code, subject, command, user.error()));
        if (user) runs_as = *user;
    }
    if (auto trusted = check_trusted(*program, runs_as); !trusted)
        found.push_back(command_problem(code, subject, command, trusted.error()));
}

void check_programs(const config::Target& target, Problems& found, std::size_t* programs) {
    const auto& name = target.name.text;
    std::size_t count = 0;
    check_scripts(target.renewal_hooks, found, count);
    check_hooks(target.exec, "deploy.exec", "The exec command of " + name, found, count);
    for (const auto& line : {target.test, target.rehearse}) {
        if (line.empty()) continue;
        ++count;
        check_program(plain_command(line, target.command_timeout), "deploy.test", "The test command of " + name, found);
    }
    if (target.reload.runs_program()) {
        ++count;
        check_program(reload_commands(target.reload, target.command_timeout).front(), "deploy.reload",
                      "The reload command of " + name, found);
    }
    if (programs != nullptr) *programs += count;
}

void check_programs(const config::Lineage& lineage, Problems& found, std::size_t& programs) {
    check_hooks(lineage.pre_issue, "hook.failed", "The pre_issue hook of " + lineage.name, found, programs);
    check_hooks(lineage.post_issue, "hook.failed", "The post_issue hook of " + lineage.name, found, programs);
    check_scripts(lineage.renewal_hooks, found, programs);
    check_challenge(lineage.challenge, lineage.name, found, programs);
    for (const config::NameChallenge& some : lineage.name_challenges)
        check_challenge(some.challenge, lineage.name, found, programs);
}

}  // namespace certd
