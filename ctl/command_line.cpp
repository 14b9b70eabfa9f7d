// CLI11 fed from the table of commands.
#include "ctl/command_line.hpp"

#include "ctl/completion.hpp"
#include "libacme/base/ids.hpp"
#include "libacme/base/text.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <CLI/CLI.hpp>

#include <algorithm>
#include <map>
#include <sstream>

namespace certd::ctl {

namespace {

constexpr std::string_view exit_codes =
    "Exit codes:\n"
    "  0 ok   1 the operation failed   2 usage   3 certd is not reachable\n"
    "  4 something is unhealthy (status, rollout, doctor)   5 not permitted\n"
    "\n"
    "Environment:\n"
    "  CERTD_SOCKET  the control socket, as --socket\n"
    "  NO_COLOR      no colours, as --no-color\n"
    "\n"
    "`certctl COMMAND --help` shows the options of a command and examples.";

std::string footer_of(const Command& command) {
    std::string text;
    if (!command.details.empty()) text = fmt::format("{}\n\n", command.details);
    text += fmt::format("Needs the role {}.\n\nExamples:", command.role);
    for (std::string_view example : command.examples)
        text += fmt::format("\n  {}", example);
    return text;
}

void add_names(CLI::App& app, Options& options, Names names) {
    if (names == Names::none) return;
    if (names == Names::account) {
        app.add_option("ACTION", options.names, "list; import CA; orders CA; rollover CA; deactivate CA")
            ->required()
            ->expected(1, 2);
        return;
    }
    if (names == Names::completion) {
        app.add_option("SHELL", options.names, "bash, zsh or fish; names; cas; targets NAME; hosts NAME; versions NAME")
            ->required()
            ->expected(1, 2);
        return;
    }
    if (names == Names::client) {
        app.add_option("CLIENT", options.names, "certbot")->required()->expected(1);
        return;
    }
    if (names == Names::audit) {
        app.add_option("ACTION", options.names, "verify")->required()->expected(1)->check(CLI::IsMember({"verify"}));
        return;
    }
    if (names == Names::notify) {
        app.add_option("ACTION", options.names, "list; test; test NOTIFIER")->required()->expected(1, 2);
        return;
    }
    CLI::Option* option = app.add_option("NAME", options.names, names == Names::one ? "A lineage" : "Lineages");
    if (names == Names::one) option->required()->expected(1);
    if (names == Names::some) option->required();
}

void add_flags(CLI::App& app, Options& options, const std::vector<Flag>& flags) {
    for (const Flag& flag : flags) {
        std::string names(flag.names), help(flag.help);
        std::visit(
            [&](auto member) {
                auto& value = options.*member;
                if constexpr (std::is_same_v<decltype(member), bool Options::*>) {
                    app.add_flag(names, value, help);
                } else if constexpr (std::is_same_v<decltype(member), std::uint32_t Options::*>) {
                    app.add_option(names, value, help)->check(CLI::Range(1U, 4294967295U));
                } else {
                    app.add_option(names, value, help)->check([](const std::string& text) {
                        return text.empty() ? std::string("must not be empty") : std::string();
                    });
                }
            },
            flag.member);
    }
}

std::string wrong_names(const Options& options) {
    std::vector<std::string> names = options.names;
    if (!options.lineage.empty()) names.push_back(options.lineage);
    for (const std::string& name : names) {
        if (Result<LineageName> parsed = LineageName::parse(name); !parsed) {
            return fmt::format("\"{}\" cannot be the name of a lineage: {}", escape_untrusted(name, 128),
                               parsed.error().what);
        }
    }
    return {};
}

// The first word is none of those that may be there: which it could have been.
std::string wrong_word(std::string_view thing, std::string_view purpose, const Options& options, Names names) {
    const std::string& word = options.names.front();
    const std::vector<std::string_view> words = first_words(names);
    if (std::ranges::find(words, word) != words.end()) return {};
    auto meant = did_you_mean(word, words);
    return fmt::format(
        "There is no {} \"{}\"{}{}", thing, escape_untrusted(word, 128), purpose,
        meant ? fmt::format(" (did you mean {}?)", *meant) : fmt::format(": {}", fmt::join(words, ", ")));
}

// `list` stands alone, the others take a CA, whose name was found to be one.
std::string wrong_account_action(const Options& options) {
    const std::string& action = options.names.front();
    if (std::string wrong = wrong_word("action", " for accounts", options, Names::account); !wrong.empty())
        return wrong;
    if (action == "list" && options.names.size() > 1) return "account list takes no name";
    if (action != "list" && options.names.size() < 2) return fmt::format("account {} needs the name of a CA", action);
    if (action == "import" && options.key.empty()) return "account import needs the account's key: --key FILE";
    if (action != "import" && !options.key.empty()) return fmt::format("account {} takes no key", action);
    return {};
}

// A shell stands alone; so do topics unless they are of a lineage, whose name was found to be one.
std::string wrong_completion(const Options& options) {
    const std::string& what = options.names.front();
    if (std::string wrong = wrong_word("completion", "", options, Names::completion); !wrong.empty()) return wrong;
    auto topic = std::ranges::find(completion_topics(), what, &CompletionTopic::what);
    bool of_lineage = topic != completion_topics().end() && topic->of_lineage;
    if (of_lineage && options.names.size() < 2) return fmt::format("completion {} needs the name of a lineage", what);
    if (!of_lineage && options.names.size() > 1) return fmt::format("completion {} takes no name", what);
    return {};
}

std::string wrong_import(const Options& options) {
    if (options.names.front() != "certbot") {
        return fmt::format("Lineages are taken over from certbot, not from \"{}\"",
                           escape_untrusted(options.names.front(), 128));
    }
    int modes = int{options.shadow} + int{options.take_over} + int{options.give_back};
    if (modes != 1) return "import needs one of --shadow, --take-over and --give-back";
    return options.print_config && !options.shadow ? "--print-config goes with --shadow" : std::string();
}

std::string wrong_notify_action(const Options& options) {
    if (std::string wrong = wrong_word("action", " for notifiers", options, Names::notify); !wrong.empty())
        return wrong;
    bool named_list = options.names.front() == "list" && options.names.size() > 1;
    return named_list ? "notify list takes no name" : "";
}

// The first word that ought to be a command and is none.
std::string unknown_command(const std::vector<std::string>& arguments) {
    std::vector<std::string_view> names;
    for (const Command& command : commands())
        names.push_back(command.name);
    for (std::size_t i = 0; i < arguments.size(); ++i) {
        bool is_value = i > 0 && arguments[i - 1] == "--socket";
        if (is_value || arguments[i].starts_with('-')) continue;
        auto meant = did_you_mean(arguments[i], names);
        return fmt::format("There is no command \"{}\"{}", escape_untrusted(arguments[i], 128),
                           meant ? fmt::format(" (did you mean {}?)", *meant) : "");
    }
    return "A command is required";
}

CommandLine usage_error(CommandLine line, std::string_view message) {
    std::string about =
        line.command ? fmt::format("certctl {} --help", line.command->name) : std::string("certctl --help");
    line.text = fmt::format("certctl: {}\nTry `{}`\n", message, about);
    line.command = nullptr;
    line.wrong = true;
    return line;
}

}  // namespace

CommandLine parse_command_line(std::vector<std::string> arguments, const std::optional<std::string>& socket) {
    CommandLine line;
    if (socket && !socket->empty()) line.options.socket = *socket;

    CLI::App app("Shows and steers certd, which keeps TLS certificates issued, deployed and served", "certctl");
    app.set_version_flag("--version", "certctl " CERTD_VERSION);
    add_flags(app, line.options, global_flags());
    app.footer(std::string(exit_codes));
    app.require_subcommand(1);

    std::map<const CLI::App*, const Command*> known;
    for (const Command& command : commands()) {
        CLI::App* sub = app.add_subcommand(std::string(command.name), std::string(command.summary));
        sub->fallthrough();
        sub->footer(footer_of(command));
        add_names(*sub, line.options, command.names);
        add_flags(*sub, line.options, command.flags);
        known[sub] = &command;
    }

    std::vector<std::string> reversed(arguments.rbegin(), arguments.rend());  // as CLI11 wants them
    try {
        app.parse(std::move(reversed));
    } catch (const CLI::ParseError& error) {
        for (const CLI::App* sub : app.get_subcommands())
            line.command = known.at(sub);
        std::ostringstream out, err;
        if (app.exit(error, out, err) == 0) {
            line.text = out.str();
            line.command = nullptr;
            return line;
        }
        std::string message = line.command ? escape_untrusted(error.what(), 512) : unknown_command(arguments);
        return usage_error(std::move(line), message);
    }
    line.command = known.at(app.get_subcommands().front());
    if (std::string wrong = wrong_names(line.options); !wrong.empty()) return usage_error(std::move(line), wrong);
    if (line.command->names == Names::account) {
        if (std::string wrong = wrong_account_action(line.options); !wrong.empty())
            return usage_error(std::move(line), wrong);
    }
    if (line.command->names == Names::completion) {
        if (std::string wrong = wrong_completion(line.options); !wrong.empty())
            return usage_error(std::move(line), wrong);
    }
    if (line.command->names == Names::client) {
        if (std::string wrong = wrong_import(line.options); !wrong.empty()) return usage_error(std::move(line), wrong);
    }
    if (line.command->names == Names::notify) {
        if (std::string wrong = wrong_notify_action(line.options); !wrong.empty())
            return usage_error(std::move(line), wrong);
    }
    return line;
}

}  // namespace certd::ctl
