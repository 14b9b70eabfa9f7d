#include "daemon/app/import_command.hpp"

#include "daemon/import/import.hpp"
#include "libacme/async/clock.hpp"
#include "libacme/base/json.hpp"
#include "libacme/base/text.hpp"

#include <CLI/CLI.hpp>

#include <cstdio>
#include <cstdlib>

#include <fmt/format.h>

namespace certd {

namespace {

constexpr int exit_failed = 1, exit_usage = 2, exit_not_permitted = 5;

// Where the AWS tools look.
Path aws_credentials() {
    if (const char* given = std::getenv("AWS_SHARED_CREDENTIALS_FILE")) return given;
    const char* home = std::getenv("HOME");
    return home != nullptr ? Path(home) / ".aws" / "credentials" : Path();
}

Path normal(const std::string& text) {
    Path path = std::filesystem::absolute(text).lexically_normal();
    return path.has_filename() ? path : path.parent_path();
}

int report(const Problem& problem, bool json) {
    if (json) {
        fmt::print("{}\n", to_text(Json::object({{"problem", to_json(problem)}})));
    } else {
        fmt::print(stderr, "certd: {}\n", describe(problem));
        for (const Problem& part : problem.parts)
            fmt::print(stderr, "  {}\n", describe(part));
        fmt::print(stderr, "{}\n", escape_untrusted(problem.hint));
    }
    return problem.code == "storage.permission" ? exit_not_permitted : exit_failed;
}

void print(const certbot::Outcome& outcome, bool json, bool config_only) {
    if (config_only) {
        fmt::print("{}", outcome.preparation.text);
    } else if (json) {
        fmt::print("{}", to_pretty_text(certbot::json_of(outcome)));
    } else {
        fmt::print("{}", certbot::text_of(outcome));
    }
}

}  // namespace

struct ImportCommand::Arguments {
    std::string program, from = "/etc/letsencrypt", webroot = "/var/www/certd";
    bool shadow = false, take_over = false, give_back = false, print_config = false, json = false;
};

ImportCommand::ImportCommand(CLI::App& app)
    : arguments_(std::make_unique<Arguments>()),
      command_(app.add_subcommand("import",
                                  "Take lineages over from another client, or give them back; certd must not be "
                                  "running")) {
    Arguments& to = *arguments_;
    command_->add_option("CLIENT", to.program, "certbot")->required()->check(CLI::IsMember({"certbot"}));
    CLI::Option_group* mode = command_->add_option_group("mode");
    mode->add_flag("--shadow", to.shadow, "Show what would be taken over and when it would be renewed; change nothing");
    mode->add_flag("--take-over", to.take_over,
                   "Write configuration and state, and point certbot's live directories to them");
    mode->add_flag("--give-back", to.give_back, "Put certbot's directory back, with what was issued meanwhile");
    mode->require_option(1);
    command_->add_option("--from", to.from, "certbot's directory")->capture_default_str();
    command_->add_option("--webroot", to.webroot, "Directory for names that certbot proved through nginx or Apache")
        ->capture_default_str();
    command_->add_flag("--print-config", to.print_config,
                       "With --shadow: print the configuration that would be written");
    command_->add_flag("--json", to.json, "Print one JSON document");
}

ImportCommand::~ImportCommand() = default;

bool ImportCommand::is_wanted() const {
    return command_->parsed();
}

int ImportCommand::run(const std::string& config_file) const {
    const Arguments& given = *arguments_;
    if (given.print_config && !given.shadow) {
        fmt::print(stderr, "certd: --print-config goes with --shadow\n");
        return exit_usage;
    }
    RealFileSystem files;
    certbot::Context context{
        {files, certbot::exchange_names},
        {normal(given.from), normal(config_file).string(), normal(given.webroot), aws_credentials()},
        SystemClock().now()};
    Result<certbot::Outcome> outcome = given.shadow      ? certbot::shadow(context)
                                       : given.take_over ? certbot::take_over(context)
                                                         : certbot::give_back(context);
    if (!outcome) return report(outcome.error(), given.json);
    print(*outcome, given.json, given.print_config);
    return outcome->preparation.translation.clashes.empty() ? EXIT_SUCCESS : exit_failed;
}

}  // namespace certd
