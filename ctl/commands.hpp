// certctl's commands: one table from which the command line, its help and what is run follow.
#pragma once

#include "ctl/client.hpp"
#include "ctl/console.hpp"
#include "ctl/exit_code.hpp"

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace certd::ctl {

struct Options {
    std::string socket = "/run/certd/control.sock";
    bool json = false, no_color = false;
    std::vector<std::string> names;
    bool watch = false, force = false, dry_run = false, no_wait = false, follow = false, all_hosts = false;
    std::uint32_t to = 0;       // 0: not given
    std::uint32_t version = 0;  // 0: not given
    std::string target, host, lineage, reason, with, key;
    bool shadow = false, take_over = false, give_back = false, print_config = false;
    std::string from, config, webroot, directory;
};

struct Context {
    const Options& options;
    const Client& client;
    Console& console;
};

// How many names a command takes.
enum class Names {
    none,
    one,
    any,
    some,
    account,     // list, or another action and a CA
    notify,      // list or test, and perhaps a notifier
    client,      // certbot
    audit,       // verify
    completion,  // a shell, or what is asked for and of which lineage
};

struct Flag {
    std::string_view names;  // "--force", "-f,--follow"
    std::string_view help;
    std::variant<bool Options::*, std::uint32_t Options::*, std::string Options::*> member;
    // For completion, of a flag that takes a value: "file", a topic of completion.hpp, or the words: "a|b".
    std::string_view values = {};
};

struct Command {
    std::string_view name;
    Names names = Names::none;
    std::vector<Flag> flags;
    std::string_view role;  // the least that certd asks for
    std::string_view summary;
    std::string_view details;
    std::vector<std::string_view> examples;
    ExitCode (*run)(Context context);
};

const std::vector<Command>& commands();
const std::vector<Flag>& global_flags();  // those that every command takes

// Prints the problem (or, with --json, its JSON) and says which exit code it means.
ExitCode report(Context context, const Problem& problem);
// One document of --json: indented on a terminal, otherwise `text`, as certd has sent it.
void print_json(Context context, const Json& document, const std::string& text);

// run_status.cpp
ExitCode run_status(Context context);
ExitCode run_explain(Context context);
ExitCode run_plan(Context context);
ExitCode run_limits(Context context);
// run_rollout.cpp
ExitCode run_rollout(Context context);
// run_jobs.cpp
ExitCode run_renew(Context context);
ExitCode run_rollback(Context context);
ExitCode run_deploy(Context context);
ExitCode run_check(Context context);
// run_doctor.cpp
ExitCode run_doctor(Context context);
// run_account.cpp
ExitCode run_account(Context context);
ExitCode run_revoke(Context context);
// run_completion.cpp
ExitCode run_completion(Context context);
// run_import.cpp: becomes certd, and returns only when that fails.
ExitCode run_import(Context context);
std::vector<std::string> import_arguments(const Options& options);  // of certd
// run_audit.cpp: becomes certd as well.
ExitCode run_audit(Context context);
std::vector<std::string> audit_arguments(const Options& options);  // of certd
ExitCode run_history(Context context);
// Becomes certd with these arguments, and returns only when that fails.
ExitCode become_certd(Context context, std::vector<std::string> words);
// run_notify.cpp
ExitCode run_notify(Context context);
// run_daemon.cpp
ExitCode run_events(Context context);
ExitCode run_pause(Context context);
ExitCode run_resume(Context context);
ExitCode run_reload(Context context);

}  // namespace certd::ctl
